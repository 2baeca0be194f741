from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from facetalk.arkit import ARKIT_INDEX
from facetalk.cli.main import main
from facetalk.geometry import UNIT_MM
from facetalk.recording import truth
from facetalk.recording.poses import Placement
from facetalk.recording.problem import Person
from facetalk.recording.states import State, matrices
from facetalk.recording.truth import Truth, measured
from made_models import RADIUS, ball_head

FRAMES = 6


@pytest.fixture(scope="module")
def person():
    head = ball_head()
    return Person.of(head, torch.zeros(head.config.layout.size))


def true_face(person) -> Truth:
    """Points of the made head's own surface, before the camera, resting in a world that is turned and shifted."""
    raw = np.random.default_rng(0).normal(size=(400, 3)) * [1, 1, 0.3] + [0, 0, 1]
    points = torch.from_numpy(RADIUS * raw / np.linalg.norm(raw, axis=1, keepdims=True)).float()
    posed = person.head.posed(person.head.identify(person.z_id), person.head.rest)
    for _ in range(20):
        points = points.detach().requires_grad_(True)
        value = posed(points)
        slope = torch.autograd.grad(value.sum(), points)[0]
        points = points - value.detach()[:, None] * slope / slope.square().sum(1, keepdim=True)
    T_world_head = np.eye(4)
    T_world_head[:3, :3] = UNIT_MM * Rotation.from_rotvec([0.1, 0.2, 0.3]).as_matrix()
    T_world_head[:3, 3] = [10, 20, 30]
    still = points.detach().double().numpy()
    return Truth(np.zeros((FRAMES, 52)), np.tile(T_world_head, (FRAMES, 1, 1)), np.tile(still, (FRAMES, 1, 1)))


def fitted(person, known: Truth, move=lambda place, frame: place) -> State:
    turn = known.T_world_head[0, :3, :3].T / UNIT_MM
    place = Placement(turn, -turn @ known.T_world_head[0, :3, 3] / UNIT_MM)
    places = [move(place, frame) for frame in range(FRAMES)]
    codes = np.tile(person.head.rest.numpy(), (FRAMES, 1))
    return State(np.zeros((FRAMES, 52), np.float32), matrices(places), codes)


def test_the_truth_itself_has_no_error(person):
    known = true_face(person)
    found = measured(person, fitted(person, known), known)
    assert found["still_share"] == 1
    for name in ("face_mm", "velocity_mm", "flicker_mm", "turned_degrees", "shifted_mm", "weights", "gap_mm"):
        assert abs(found[name]) < 2e-3, name


def test_a_pose_that_is_off_is_measured(person):
    known = true_face(person)
    aside = fitted(
        person, known, lambda place, frame: replace(place, shift=place.shift + np.array([1, 0, 0]) / UNIT_MM)
    )
    found = measured(person, aside, known)
    assert np.isclose(found["shifted_mm"], 1) and abs(found["turned_degrees"]) < 1e-5
    assert 0.1 < found["face_mm"] < 1 and found["velocity_mm"] < 1e-5
    turned = fitted(person, known, lambda place, frame: place.moved(np.radians([0, 2, 0]), np.zeros(3), np.zeros(3)))
    assert np.isclose(measured(person, turned, known)["turned_degrees"], 2)


def test_axes_of_a_head_are_a_convention(person):
    """The same surface in the same place, its own axes two millimetres aside: the pose is off, the head is not."""
    known = true_face(person)
    aside = np.array([0, 2, 1]) / UNIT_MM
    T_world_head = known.T_world_head.copy()
    T_world_head[:, :3, 3] -= T_world_head[0, :3, :3] @ aside
    found = measured(
        person, fitted(person, known), replace(known, T_world_head=T_world_head, points=known.points + aside)
    )
    assert np.isclose(found["shifted_mm"], np.sqrt(5)) and found["shifted_alike_mm"] < 0.05
    assert found["turned_alike_degrees"] < 0.05 and found["face_mm"] < 2e-3


def test_what_flickers_is_measured(person):
    """One millimetre to and fro: twice that from frame to frame, eight times in the third difference."""
    known = true_face(person)

    def shake(place, frame):
        return replace(place, shift=place.shift + np.array([0, 0, (-1) ** frame]) / UNIT_MM)

    found = measured(person, fitted(person, known, shake), known)
    assert np.isclose(found["velocity_mm"], 2 * found["face_mm"], rtol=0.05)
    assert np.isclose(found["flicker_mm"], 8 * found["face_mm"], rtol=0.05)


def test_lips_are_as_far_apart_as_weights_say(person):
    """A jaw that hangs while lips are closed over it leaves no gap; one weight alone that is missed does."""
    known = true_face(person)
    weights = np.zeros((FRAMES, 52))
    weights[:, [ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]]] = [0.1, 0.1]
    seen = measured(person, fitted(person, known), replace(known, weights=weights))
    assert seen["gap_mm"] == 0 and seen["weights"] > 0
    weights[:, ARKIT_INDEX["mouthClose"]] = 0
    assert np.isclose(measured(person, fitted(person, known), replace(known, weights=weights))["gap_mm"], 3.35)


def test_a_truth_without_a_mesh_is_refused(tmp_path, capsys):
    np.savez(tmp_path / "truth.npz", weights=np.zeros((2, 52)), T_world_head=np.tile(np.eye(4), (2, 1, 1)))
    with pytest.raises(truth.InputError, match="has no vertices"):
        truth.read(tmp_path)
    assert main(["recording", "compare", str(tmp_path), "--truth", str(tmp_path), "--settings", "slow"]) == 2
    assert "paper, no Huber" in capsys.readouterr().err
