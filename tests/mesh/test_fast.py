import numpy as np
import pytest
import torch
from solids import BOX, euler, is_closed_manifold, sphere

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.mesh.baked import bake
from facetalk.mesh.extract import ask, extract
from facetalk.mesh.fast import FastConfig, FastRoad
from facetalk.mesh.grid import Grid, focused_grid

GRID = focused_grid(BOX, 40, [((0.2, 0.0, 0.1), 0.12)], ratio=4)


def halves(points):
    """Left is the second region, right the first."""
    share = torch.sigmoid(points[:, 0] * 100)
    return torch.nn.functional.pad(torch.stack([1 - share, share], 1), (0, 6))


@pytest.fixture(scope="module")
def road():
    return FastRoad(bake(sphere(), GRID, halves), GRID)


def bend(amount):
    """The lower half drops by `amount`, as a jaw would; the upper stays."""

    def deform(points):
        share = torch.sigmoid(-points[:, 1] * 30)
        return torch.stack([0 * share, amount * share, 0 * share], 1), torch.zeros(len(points))

    return deform


def posed(deform):
    def sdf(points):
        offsets, level = deform(points)
        return sphere()(points + offsets) + level

    return sdf


def test_a_baked_field_is_the_field(road):
    points = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
    points *= 0.3 / np.linalg.norm(points, axis=1, keepdims=True)
    points += np.array([0.03, 0.02, -0.04], np.float32)
    assert np.abs(road.baked.distance(points)).max() * UNIT_MM < 0.2
    far = np.random.default_rng(1).uniform(-0.5, 0.5, (500, 3)).astype(np.float32)
    truth = ask(sphere(), far)
    wide = np.abs(truth) > 0.02
    assert (np.sign(road.baked.distance(far)) == np.sign(truth))[wide].all()


def test_no_deformation_gives_the_canonical_surface(road):
    mesh, _ = road(bend(0.0))
    assert is_closed_manifold(mesh.faces)
    assert np.abs(ask(sphere(), mesh.vertices)).max() * UNIT_MM < 0.2


def test_both_roads_agree_frame_by_frame(road):
    near = None
    for amount in (0.0, 0.02, 0.05, 0.09):
        mesh, near = road(bend(amount), near)
        assert is_closed_manifold(mesh.faces)
        error = np.abs(ask(posed(bend(amount)), mesh.vertices)) * UNIT_MM
        assert error.mean() < 0.3 and np.quantile(error, 0.99) < 1
    exact = extract(posed(bend(0.09)), GRID, arc_mm=float("inf"))
    assert abs(len(exact.vertices) - len(mesh.vertices)) < 0.02 * len(exact.vertices)


def test_a_jump_between_frames_leaves_no_hole(road):
    _, near = road(bend(0.0))
    jumped, _ = road(bend(0.12), near)
    fresh, _ = road(bend(0.12))
    assert is_closed_manifold(jumped.faces) and len(jumped.vertices) == len(fresh.vertices)


def test_only_nodes_near_the_surface_are_asked(road):
    asked = []

    def counting(points):
        asked.append(len(points))
        return bend(0.01)(points)

    _, near = road(counting)
    nodes = np.prod([len(axis) for axis in road.scaffold.axes])
    assert sum(asked) < 0.6 * nodes
    asked.clear()
    road(counting, near)
    assert sum(asked) < 0.6 * nodes


def test_level_moves_the_surface(road):
    def swell(points):
        return torch.zeros_like(points), torch.full((len(points),), -0.02)

    mesh, _ = road(swell)
    radius = np.linalg.norm(mesh.vertices - [0.03, 0.02, -0.04], axis=1)
    assert np.allclose(radius, 0.32, atol=1e-3)


def test_regions_follow_the_canonical_place(road):
    def shifted(points):
        return torch.tensor([0.1, 0.0, 0.0]).expand_as(points), torch.zeros(len(points))

    mesh, _ = road(shifted)
    assert np.allclose(mesh.regions.sum(1), 1, atol=1e-5)
    left = mesh.vertices[:, 0] > -0.05
    assert (mesh.regions[left, 1] > 0.9).all() and (mesh.regions[mesh.vertices[:, 0] < -0.15, 1] < 0.1).all()


def test_uneven_bases_are_refused():
    axis = np.linspace(0, 1, 9, dtype=np.float32) ** 2
    with pytest.raises(InputError, match="evenly spaced"):
        bake(sphere(), Grid(axis, axis, axis))


def test_a_thin_sheet_stays_whole_in_an_aside_and_plain_skin_coarse():
    """A sheet half as thick as a base cell, as ears have: no holes, no shards, and nothing finer elsewhere."""
    asides = [((-0.3, 0.0, 0.0), (0.16, 0.14, 0.14)), ((0.25, 0.0, 0.0), 0.1)]
    grid = focused_grid(BOX, 40, [((0.0, 0.0, 0.3), 0.05)], ratio=6, asides=asides, aside_ratio=6)

    def winged(points):
        wing = torch.stack([(points[:, 2] - 0.01).abs() - 0.006, (points[:, 1]).abs() - 0.08], 1).amax(1)
        wing = torch.maximum(wing, points[:, 0].abs() - 0.4)
        wing = torch.maximum(wing, points[:, 0])
        return torch.minimum(points.norm(dim=1) - 0.25, wing)

    def skin(points):
        return torch.nn.functional.one_hot(torch.zeros(len(points), dtype=torch.long), 8).float()

    mesh, _ = FastRoad(bake(winged, grid, skin), grid)(bend(0.0))
    assert is_closed_manifold(mesh.faces) and euler(mesh) == 2
    assert np.abs(ask(winged, mesh.vertices)).max() * UNIT_MM < 1.0
    assert mesh.vertices[:, 0].min() < -0.39
    corners = mesh.vertices[mesh.faces]
    edge, middle = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1), corners.mean(axis=1)
    plain = (np.abs(middle - [0.25, 0.0, 0.0]) < 0.08).all(axis=1)
    assert edge[middle[:, 0] < -0.3].mean() < 0.3 * edge[plain].mean()


def test_vertices_know_their_canonical_place(road):
    deform = bend(0.03)
    mesh, _ = road(deform)
    offsets, _ = deform(torch.from_numpy(mesh.vertices))
    assert np.abs(mesh.canonical - mesh.vertices - offsets.numpy()).max() * UNIT_MM < 0.6


def jump(points):
    """A seam: what lies above y = 0 comes from higher up, what lies below from lower down, and all between is
    flesh: the way lips seal."""
    above = torch.sigmoid(points[:, 1] * 400)
    offsets = torch.stack([0 * above, 0.04 * above - 0.02, 0 * above], 1)
    return offsets, -0.02 * torch.exp(-((points[:, 1] / 0.004) ** 2))


def test_where_the_warp_jumps_the_lattice_is_not_trusted():
    grid = focused_grid(BOX, 40, [((0.03, 0.0, 0.26), 0.12)], ratio=6)

    def lips(points):
        return torch.nn.functional.one_hot(torch.ones(len(points), dtype=torch.long), 8).float()

    baked = bake(sphere(), grid, lips)
    truth = posed(jump)

    def worst(config):
        mesh, _ = FastRoad(baked, grid, config)(jump)
        front = (np.abs(mesh.vertices - [0.03, 0.0, 0.26]) < 0.1).all(axis=1)
        return np.quantile(np.abs(ask(truth, mesh.vertices[front])), 0.95) * UNIT_MM

    trusting = FastConfig(bend_mm=1e9)
    assert worst(FastConfig()) < 0.5
    assert worst(trusting) > 2 * worst(FastConfig())


def test_thin_skin_is_worth_dividing_and_smooth_skin_is_not():
    grid = focused_grid(BOX, 40, [((0.0, 0.0, 0.0), 0.32)], ratio=4)

    def skin(points):
        return torch.nn.functional.one_hot(torch.zeros(len(points), dtype=torch.long), 8).float()

    def ball(points):
        return points.norm(dim=1) - 0.25

    def ball_with_a_wing(points):
        wing = torch.stack([points[:, 0].abs() - 0.004, points[:, 1:].norm(dim=1) - 0.29], 1).amax(1)
        return torch.minimum(ball(points), wing)

    assert not bake(ball, grid, skin).detail.any()
    cells = np.argwhere(bake(ball_with_a_wing, grid, skin).detail)
    centres = np.stack([(axis[cells[:, k]] + axis[cells[:, k] + 1]) / 2 for k, axis in enumerate(grid.axes)], 1)
    assert len(cells) and (np.linalg.norm(centres[:, 1:], axis=1) > 0.2).all()
    beside = 0.025  # a cell at a side of a thin one: poses move it there
    assert (np.abs(centres[:, 0]) < 0.04 + beside).all()
