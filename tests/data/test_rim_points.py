"""How far lips are apart where a point lies, and how often which expressions are drawn."""

import numpy as np
import pytest

pytest.importorskip("igl")

from facetalk.data import contact, rims

SIZE = 11


def plates(gap: float):
    """Two level plates over the unit square, and their flaps: the upper one first."""
    u, v = np.meshgrid(np.linspace(0, 1, SIZE), np.linspace(0, 1, SIZE), indexing="ij")
    upper, lower = (np.stack([u, np.full_like(u, height), v], -1).reshape(-1, 3) for height in (gap, 0.0))
    corner = (np.arange(SIZE - 1)[:, None] * SIZE + np.arange(SIZE - 1)).ravel()
    one = np.stack([corner, corner + 1, corner + SIZE], 1)
    faces = np.concatenate([one, np.stack([corner + 1, corner + SIZE + 1, corner + SIZE], 1)])
    vertices = np.concatenate([upper, lower])
    count = SIZE * SIZE
    rings = contact.rings(2 * count, np.concatenate([faces, faces + count]))
    return vertices, contact.Flaps(faces, faces + count, np.arange(count), np.arange(count, 2 * count), rings)


RASTER = contact.Raster((-0.2, -0.2), (0.02, 0.02), (71, 71))


def test_a_point_knows_the_gap_it_lies_at_and_none_where_nothing_is_opposite():
    vertices, flaps = plates(0.3)
    points = np.array([[0.5, 0.3, 0.5], [0.2, 0.0, 0.7], [-0.1, 0.0, 0.5], [5.0, 0.0, 0.5]])
    apart = rims._apart(points, vertices, flaps, RASTER)
    assert np.allclose(apart[:2], 0.3)
    assert (apart[2:] > 1e6).all()


def test_points_lie_on_the_faces_they_were_drawn_from_dense_where_it_is_wanted():
    vertices, flaps = plates(0.0)
    mesh = flaps.upper_faces
    density = np.where(vertices[mesh].mean(1)[:, 0] < 0.5, 3.0, 1.0)
    faces, corners = rims._on_faces(vertices, mesh, np.arange(len(mesh)), density, 400, np.random.default_rng(0))
    assert np.allclose(corners.sum(1), 1) and (corners >= 0).all()
    places = rims._placed(vertices, mesh, faces, corners)
    assert (places[:, 0] <= 0.5 + 1 / (SIZE - 1)).all()


def test_every_purpose_is_drawn_as_often_as_it_says():
    drawn = []
    draws = {purpose: lambda random, purpose=purpose: drawn.append(purpose) for purpose in rims.MIX}
    random = np.random.default_rng(0)
    for _ in range(2000):
        rims.mixed(draws)(random)
    for purpose, share in rims.MIX.items():
        assert drawn.count(purpose) / 2000 == pytest.approx(share, abs=0.04)
