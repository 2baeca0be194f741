import numpy as np
import pytest
from faces import guide, scan, surface
from scipy.spatial.transform import Rotation

from facetalk.fitting.alignment import align, improved
from facetalk.fitting.pose import UNITS_MM, apart_degrees, placed_by_landmarks, plausible_units
from facetalk.fitting.scan import clean


@pytest.fixture(scope="module")
def mean():
    return guide()


@pytest.mark.parametrize(
    ("name", "keep"),
    [
        ("whole", lambda points: points[:, 0] < 9),
        ("front", lambda points: points[:, 2] > 0),
        ("one side", lambda points: points[:, 0] > -0.03),
    ],
)
def test_a_head_is_found_from_any_side(mean, name, keep):
    turn = Rotation.random(random_state=len(name)).as_matrix()
    best = align(mean, scan(keep=keep, turn=turn, bare=name == "front"), ["mm"])[0]
    assert apart_degrees(best.rotation, turn.T) < 4
    assert abs(best.size * 250 - 1) < 0.05
    points = surface(200, 5)[0]
    assert np.abs(best((points @ turn.T + 0.7) * 250) - points).max() < 0.06
    assert best.score > 0.8


def test_litter_and_shoulders_do_not_hide_a_head(mean):
    random = np.random.default_rng(0)
    turn = Rotation.random(random_state=4).as_matrix()
    points, normals = surface(1500, 0)
    round_ = random.normal(size=(1200, 3))
    round_ /= np.linalg.norm(round_, axis=1, keepdims=True)
    torso = np.array([0, -1.2, -0.2]) + np.array([0.8, 0.72, 0.4]) * round_
    litter = random.uniform(-1.5, 1, (600, 3))
    whole = np.concatenate([points, torso, litter])
    cloud = clean(whole @ turn.T * 250, np.concatenate([normals, round_, round_[:600]]) @ turn.T)
    assert cloud.lonely > 300
    best = align(mean, cloud, ["mm"])[0]
    assert apart_degrees(best.rotation, turn.T) < 6


@pytest.mark.parametrize("unit", list(UNITS_MM))
def test_the_unit_follows_from_the_size(unit):
    assert plausible_units(scan(size=250 / UNITS_MM[unit]).points) == [unit]


def test_nothing_is_explained_where_no_head_is(mean):
    cloud = clean(np.random.default_rng(0).uniform(0, 300, (1500, 3)), None)
    assert align(mean, cloud, ["mm"])[0].score < 0.15


def test_landmarks_place_a_scan(mean):
    turn = Rotation.random(random_state=9).as_matrix()
    wanted = np.array([[0, 0, 0.28], [0.4, 0, -0.1], [-0.4, 0, -0.1], [0, 0.5, -0.1]])
    pose = placed_by_landmarks((wanted @ turn.T + 0.7) * 25, wanted, list(UNITS_MM))
    assert pose.unit == "cm" and np.allclose(pose.rotation, turn.T) and np.isclose(pose.size, 1 / 25)
    cloud = scan(turn=turn, size=25)
    assert np.allclose(improved(mean, cloud, pose).rotation, turn.T, atol=0.05)
    middle = cloud.points.mean(axis=0)
    assert np.allclose(pose.true_to_size(cloud.points)(middle[None]), pose(middle[None]))
    assert np.allclose(pose.T_head_scan[:3, :3] @ middle + pose.T_head_scan[:3, 3], pose(middle[None])[0])
