"""Landmarks to features: free of place, size and view, steady where points are missing."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

import made_faces
from facetalk.arkit import ARKIT_INDEX
from facetalk.errors import InputError
from facetalk.landmarks.encoder import FEATURES, LandmarkEncoder, resampled, seen_parts, shown
from facetalk.landmarks.fit import Posed, crossing, jacobian
from facetalk.landmarks.points import GROUPS, MEDIAPIPE_INDICES, POINTS, Landmarks, common
from facetalk.types import FRAME_RATE

ENCODER = LandmarkEncoder(made_faces.face_map())
WEIGHTS = made_faces.performance()
MOVING = [ARKIT_INDEX[name] for name in made_faces.MOVING]


def followed(places: np.ndarray, rate: Fraction = FRAME_RATE) -> torch.Tensor:
    return ENCODER(Landmarks(places, rate)).values


def error(features: torch.Tensor) -> float:
    return float((features[:, MOVING] - torch.from_numpy(WEIGHTS)[:, MOVING]).square().mean().sqrt())


@pytest.mark.parametrize("axes", [2, 3])
def test_weights_come_back_from_what_is_seen(axes):
    features = followed(made_faces.places(WEIGHTS, axes))
    assert features.shape == (len(WEIGHTS), FEATURES)
    assert error(features) < 0.06
    assert shown(features).min() == 1


def test_place_size_and_turn_do_not_matter():
    places = made_faces.places(WEIGHTS)
    angle = np.radians(25)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    moved = (places - 400) @ turn.T * 0.002 + [7, -3, 20]
    torch.testing.assert_close(followed(moved)[:, :52], followed(places)[:, :52], atol=0.02, rtol=0)


@pytest.mark.parametrize("axes", [2, 3])
def test_rows_and_depth_may_be_counted_either_way(axes):
    places = made_faces.places(WEIGHTS, axes)
    flipped = places.copy()
    flipped[..., -1] *= -1
    torch.testing.assert_close(followed(flipped), followed(places), atol=2e-3, rtol=0)


def test_a_third_of_the_points_may_be_missing():
    places = made_faces.places(WEIGHTS)
    places[np.random.default_rng(0).random(places.shape[:2]) < 1 / 3] = np.nan
    features = followed(places)
    assert torch.isfinite(features).all() and error(features) < 0.1


def test_a_point_that_strays_hardly_counts():
    places = made_faces.places(WEIGHTS)
    places[:, 5] += 300
    assert error(followed(places)) < 0.06


def test_lost_frames_lie_between_those_about_them_and_long_gaps_say_so():
    places = made_faces.places(WEIGHTS)
    places[10:12], places[20:36] = np.nan, np.nan
    features = followed(places)
    middle = (features[9] + (features[12] - features[9]) / 3)[:52]
    torch.testing.assert_close(features[10, :52], middle, atol=1e-5, rtol=0)
    assert shown(features)[:20].min() == 1
    assert shown(features)[20:36].max() == 0 and shown(features)[36:].min() == 1
    parts = seen_parts(Landmarks(places, FRAME_RATE))
    assert parts[10:12].max() == 0 and parts[12:20].min() == 1


def test_before_the_first_face_its_features_hold():
    places = made_faces.places(WEIGHTS)
    places[:16] = np.nan
    features = followed(places)
    torch.testing.assert_close(features[:16, :52], features[16:17, :52].expand(16, -1))
    assert shown(features)[:16].max() == 0


def test_another_rate_is_brought_to_ours():
    doubled = made_faces.places(np.repeat(WEIGHTS, 2, axis=0))
    features = followed(doubled, Fraction(60))
    assert len(features) == len(WEIGHTS) and error(features) < 0.06


def test_resampling_keeps_a_ramp_a_ramp():
    times = (np.arange(50) + 0.5)[:, None] / 25
    middle = resampled(times, Fraction(25), Fraction(30))
    assert len(middle) == 60
    np.testing.assert_allclose(middle[1:-1, 0], ((np.arange(60) + 0.5) / 30)[1:-1])


def test_nobody_seen_is_refused():
    places = np.full((5, 70, 2), np.nan)
    places[:, :4] = 1.0
    with pytest.raises(InputError, match="no frame of 5 shows"):
        followed(places)


def test_mediapipe_points_are_brought_to_ours():
    mesh = np.arange(478.0)[None, :, None] * [1.0, 1.0, 1.0]
    np.testing.assert_array_equal(common(mesh)[0, :, 0], MEDIAPIPE_INDICES)
    bare = common(mesh[:, :468])
    assert np.isnan(bare[0, 68:]).all() and np.isfinite(bare[0, :68]).all()
    assert len(set(MEDIAPIPE_INDICES)) == POINTS == sum(map(len, GROUPS.values()))


def test_other_conventions_are_refused():
    with pytest.raises(InputError, match="67 points a frame"):
        common(np.zeros((2, 67, 2)))


def test_the_jacobian_is_the_slope():
    face = ENCODER.face
    generator = torch.Generator().manual_seed(0)
    posed = Posed(torch.eye(3)[None], torch.tensor([2.0]), torch.zeros(1, 2), torch.zeros(1, 52))
    step = 1e-3 * torch.randn(1, 6 + 52, generator=generator)
    lever = jacobian(posed, face.neutral[None], face.expressions)
    moved = Posed(
        torch.linalg.matrix_exp(crossing(step[:, :3])),
        posed.scale * step[:, 3].exp(),
        posed.scale[:, None] * step[:, 4:6],
        step[:, 6:],
    )
    change = moved.project(face.places(face.neutral, moved.weights)) - posed.project(face.neutral[None])
    expected = (lever @ step[..., None])[..., 0].reshape(change.shape) * posed.scale
    torch.testing.assert_close(change, expected, atol=2e-5, rtol=0)


def test_who_it_is_is_told_from_what_they_do():
    face = ENCODER.face
    person = face.person(2 * torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0, 1.0]))
    shape = face.places(person, torch.from_numpy(WEIGHTS)).numpy().astype(np.float64)
    assert error(followed(shape * 500)) < 0.12
    stranger = replace(face, identities=face.identities * 1e-3)
    assert ENCODER.hash != LandmarkEncoder(stranger).hash
