"""The laws of the tracked road, on bodies whose distance and motion are known."""

import numpy as np
import pytest
import torch
from solids import BOX, sphere

from facetalk.geometry import UNIT_MM
from facetalk.mesh.carry import carry
from facetalk.mesh.extract import ask, extract
from facetalk.mesh.grid import uniform_grid
from facetalk.mesh.mending import turn_rigidly
from facetalk.mesh.sketch import Sketch
from facetalk.mesh.tracked import TrackConfig, track

BALL = extract(sphere(), uniform_grid(BOX, 24))
POINTS, NORMALS = torch.from_numpy(BALL.vertices), torch.from_numpy(BALL.normals)


def jaw(amount):
    """The lower half drops by `amount`."""

    def deform(points):
        share = torch.sigmoid(-points[:, 1] * 20)
        return torch.stack([0 * share, amount * share, 0.3 * amount * share**2], 1), torch.zeros(len(points))

    return deform


def moved(shift):
    return lambda points: (torch.tensor(shift).expand_as(points), torch.zeros(len(points)))


def sealing(points):
    """Everything within 4 mm of the plane y = 0 is squeezed to a fifth: the way a gap closes."""
    inner = points[:, 1].clamp(-0.004, 0.004)
    return torch.stack([0 * inner, 4 * inner, 0 * inner], 1), torch.zeros(len(points))


def residual_mm(deform, points):
    def posed(points):
        offsets, level = deform(points)
        return sphere()(points + offsets) + level

    return np.abs(ask(posed, points.numpy())) * UNIT_MM


def test_a_rigid_motion_is_carried_exactly():
    carried = carry(moved([0.05, -0.02, 0.01]), POINTS, NORMALS, POINTS)
    assert torch.allclose(carried.points, POINTS - torch.tensor([0.05, -0.02, 0.01]), atol=2e-4)
    assert carried.miss_mm.max() < 0.05


def test_a_bent_surface_is_the_posed_zero_set():
    carried = carry(jaw(0.06), POINTS, NORMALS, POINTS)
    assert residual_mm(jaw(0.06), carried.points).max() < 0.1


def test_the_level_moves_points_along_their_normals():
    def swell(points):
        return torch.zeros_like(points), torch.full((len(points),), -0.02)

    carried = carry(swell, POINTS, NORMALS, POINTS)
    assert torch.allclose(carried.points, POINTS + 0.02 * NORMALS, atol=2e-4)


def test_where_a_gap_is_squeezed_shut_points_stop_in_the_layer():
    wall = torch.tensor([[0.0, 0.02, 0.0], [0.0, -0.02, 0.0], [0.0, 0.1, 0.0]])
    carried = carry(sealing, wall, torch.zeros_like(wall), wall)
    assert torch.allclose(carried.points[:, 1], torch.tensor([0.004, -0.004, 0.084]), atol=2e-4)


def test_the_best_points_met_are_given_back():
    def torn(points):
        return torch.where(points[:, :1] > 0, 0.3, -0.3).expand_as(points), torch.zeros(len(points))

    start = torch.zeros(1, 3)
    carried = carry(torn, start, torch.zeros(1, 3), start)
    assert carried.miss_mm[0] <= 0.3 * 3**0.5 * UNIT_MM + 1e-3


def test_a_ball_turns_as_its_sure_points_do_and_stays_a_ball():
    centre, angle = torch.tensor([0.1, 0.0, -0.2]), torch.tensor(0.4)
    turn = torch.tensor([[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0], [0, 0, 1.0]])
    turned = centre + (POINTS - centre) @ turn.T
    sure = POINTS[:, 1] > 0
    rough = torch.where(sure[:, None], turned, turned + 0.02 * torch.sin(90 * POINTS))
    assert torch.allclose(turn_rigidly(rough, POINTS, sure, centre), turned, atol=1e-5)
    assert torch.equal(turn_rigidly(rough, POINTS, sure & (POINTS[:, 0] > 9), centre), POINTS)


def test_a_sketch_goes_through_poses_too_far_for_one_and_costs_the_many_less():
    asked = []

    def counted(amount):
        def deform(points):
            asked.append(len(points))
            return jaw(amount)(points)

        return deform

    sketch = Sketch.of(POINTS, NORMALS)
    carried = sketch.carry([counted(0.06), counted(0.12)], POINTS)
    spent = sum(asked)
    asked.clear()
    plain = carry(counted(0.12), POINTS, NORMALS, POINTS)
    assert residual_mm(jaw(0.12), carried.points).max() < 0.1
    assert (carried.points - plain.points).norm(dim=1).quantile(0.9) * UNIT_MM < 0.1
    assert spent < sum(asked)


def test_sketched_points_that_miss_their_place_are_not_followed():
    def torn(points):
        offsets = torch.where(points[:, :1] > 0.1, 0.3 * torch.sign(points[:, 1:2]), 0.01)
        return offsets.expand_as(points), torch.zeros(len(points))

    carried = Sketch.of(POINTS, NORMALS).carry([torn], POINTS)
    far = POINTS[:, 0] < 0
    assert torch.allclose(carried.points[far], POINTS[far] - 0.01, atol=2e-4)


def test_what_does_not_move_stays(tracked):
    upper = POINTS[:, 1] > 0
    moving = (~upper).nonzero()[:, 0]
    poses = tracked.vertices(torch.eye(len(tracked.basis)) * 0.01)[:, moving]
    some = track(BALL, POINTS, moving, torch.eye(len(poses)), poses, torch.zeros(poses.shape[:2]), tracked.config)
    placed = some.vertices(torch.ones(2, len(some.basis)))
    assert torch.equal(placed[:, upper], POINTS[upper].expand(2, -1, -1))
    assert not torch.allclose(placed[:, moving], POINTS[moving].expand(2, -1, -1), atol=1e-3)


@pytest.fixture(scope="module")
def tracked():
    amounts = torch.linspace(0, 0.12, 7)[:, None]
    solved = [carry(jaw(float(amount)), POINTS, NORMALS, POINTS, 12) for amount in amounts]
    poses, miss = torch.stack([one.points for one in solved]), torch.stack([one.miss_mm for one in solved])
    return track(BALL, POINTS, torch.arange(len(POINTS)), amounts, poses, miss, TrackConfig(components=5, probes=60))


def test_a_pose_between_the_solved_ones_is_held(tracked):
    for amount in (0.0, 0.03, 0.07, 0.11):
        posed = tracked.pose(jaw(amount), torch.tensor([amount]))
        vertices = tracked.vertices(posed.coefficients[None])[0]
        assert tracked.holds(posed)
        assert residual_mm(jaw(amount), vertices).max() < 0.1


def test_the_probes_and_not_the_guess_decide(tracked):
    misled = tracked.pose(jaw(0.05), torch.tensor([0.07]))
    right = tracked.pose(jaw(0.05), torch.tensor([0.05]))
    assert (tracked.vertices((misled.coefficients - right.coefficients)[None]) - tracked.mean).abs().max() < 1e-3


def test_faces_regions_and_canonical_places_never_change(tracked):
    meshes = [tracked.mesh(tracked.mean.numpy()), tracked.mesh(BALL.vertices)]
    assert all(np.array_equal(mesh.faces, BALL.faces) for mesh in meshes)
    assert all(np.array_equal(mesh.canonical, BALL.vertices) for mesh in meshes)
    assert all(np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5) for mesh in meshes)


def test_a_pose_beyond_the_components_is_noticed_and_solved(tracked):
    aside = moved([0.06, 0.0, 0.0])
    posed = tracked.pose(aside, torch.tensor([0.0]))
    assert not tracked.holds(posed)
    assert residual_mm(aside, tracked.solve(aside, torch.tensor([0.0])).points).max() < 0.1
