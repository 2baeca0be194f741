import numpy as np
import pytest

from facetalk.fitting.guide import Guide, facing

RADIUS = 0.4


@pytest.fixture(scope="module")
def ball():
    return Guide(lambda points: points.norm(dim=1) - RADIUS)


def shell(count=200, seed=0):
    raw = np.random.default_rng(seed).normal(size=(count, 3))
    out = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return RADIUS * out, out


def test_normals_to_either_side_are_turned_outward(ball):
    points, out = shell()
    sides = np.random.default_rng(1).choice([-1.0, 1.0], len(out))[:, None]
    assert np.allclose(facing(ball, points, sides * out, alike=False).normals, out, atol=1e-6)


@pytest.mark.parametrize("inside_out", [1.0, -1.0])
def test_normals_of_one_side_are_turned_together(ball, inside_out):
    """A few that point another way than the guide, as in a nostril, keep what they say."""
    points, out = shell()
    out[:20] *= -1
    assert np.allclose(facing(ball, points, inside_out * out, alike=True).normals, out, atol=1e-6)


def test_normals_of_something_else_are_left_out(ball):
    points, _ = shell()
    _, other = shell(seed=5)
    cloud = facing(ball, points, other, alike=False)
    assert cloud.normals is None and len(cloud.points) == len(points)


@pytest.mark.parametrize("alike", [True, False])
def test_points_without_a_normal_are_left_out(ball, alike):
    points, out = shell()
    lost = out.copy()
    lost[::10] = 0
    cloud = facing(ball, points, lost, alike=alike)
    kept = np.arange(len(points)) % 10 > 0
    assert np.allclose(cloud.points, points[kept], atol=1e-6) and np.allclose(cloud.normals, out[kept], atol=1e-6)
