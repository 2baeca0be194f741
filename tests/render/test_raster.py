"""Triangles on a screen: what is drawn span by span is what every sample asked by itself would see."""

import numpy as np

from facetalk.render.raster import visible
from facetalk.types import Strands

SIZE, COUNT, EDGE = 48, 60, 1e-3


def asked_each(screen: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest front face at each sample, and how far the sample is from any edge, as a share of a triangle."""
    row, column = np.mgrid[:SIZE, :SIZE] + 0.5
    nearest, near, clear = np.full((SIZE, SIZE), -1), np.zeros((SIZE, SIZE)), np.full((SIZE, SIZE), np.inf)
    for f, face in enumerate(faces):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = screen[face].astype(float)
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area >= 0:
            continue
        u = ((column - ax) * (cy - ay) - (row - ay) * (cx - ax)) / area
        v = ((bx - ax) * (row - ay) - (by - ay) * (column - ax)) / area
        inside = np.minimum(np.minimum(u, v), 1 - u - v)
        z = az + u * (bz - az) + v * (cz - az)
        seen = (inside >= 0) & (z > near)
        nearest[seen], near[seen] = f, z[seen]
        clear = np.minimum(clear, np.abs(inside))
    return nearest, clear


def test_spans_are_what_samples_ask_for():
    random = np.random.default_rng(0)
    screen = np.concatenate([random.uniform(-8, SIZE + 8, (COUNT, 2)), random.uniform(0.5, 2, (COUNT, 1))], 1)
    screen = screen.astype(np.float32)
    faces = random.integers(0, COUNT, (COUNT, 3)).astype(np.int32)
    found = visible(screen, faces, SIZE, SIZE).triangle
    wanted, clear = asked_each(screen, faces)
    sure = clear > EDGE
    assert sure.mean() > 0.8 and (wanted >= 0).mean() > 0.3
    assert np.array_equal(found[sure], wanted[sure])


def test_faces_without_area_draw_nothing():
    screen = np.array([[4, 4, 1], [9, 9, 1], [14, 14, 1], [4.5, 20.5, 1], [30.5, 20.5, 1]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 1], [3, 4, 3], [3, 3, 3]], np.int32)
    assert (visible(screen, faces, SIZE, SIZE).triangle == -1).all()


def before_a_wall(density: float) -> np.ndarray:
    """What is seen of a square of skin (faces 0, 1) behind a square of hair (2, 3) that is so dense everywhere."""
    corners = np.array([[-1, -1], [SIZE + 1, -1], [SIZE + 1, SIZE + 1], [-1, SIZE + 1]], np.float32)
    screen = np.concatenate([np.column_stack([corners, np.full(4, near)]) for near in (1.0, 2.0)]).astype(np.float32)
    square = np.array([[0, 2, 1], [0, 3, 2]], np.int32)
    strands = np.column_stack([np.zeros((4, 3)), 0.5 * corners, np.zeros(4), np.full(4, density)]).astype(np.float32)
    return visible(screen, np.concatenate([square, square + 4]), SIZE, SIZE, 1, Strands(strands, 2)).triangle


def test_dense_hair_hides_what_lies_behind_and_thin_hair_does_not():
    assert (before_a_wall(1.0) >= 2).all()
    assert (before_a_wall(0.0) < 2).all() and (before_a_wall(0.0) >= 0).all()
    shares = [(before_a_wall(density) >= 2).mean() for density in (0.3, 0.5, 0.7)]
    assert 0 < shares[0] < shares[1] - 0.1 and shares[1] < shares[2] - 0.1 and shares[2] < 1


def test_thin_hair_is_seen_in_strands():
    hair = before_a_wall(0.5) >= 2
    along = (hair[1:] == hair[:-1]).mean()
    across = (hair[:, 1:] == hair[:, :-1]).mean()
    assert along > across + 0.1


def test_what_is_left_at_one_density_is_left_at_every_greater_one():
    thin, thick = (before_a_wall(density) >= 2 for density in (0.4, 0.6))
    assert (thick | ~thin).all() and thick.sum() > thin.sum()
