"""What is mended of a source's mesh, on made meshes."""

import numpy as np

from facetalk.data.clearance import BEFORE_CORNEA, LidRoom
from facetalk.data.eyeballs import MILLIMETRE, Eyeball
from facetalk.data.nostrils import HALF_WALL, NOT_AT_ALL, Nostrils
from facetalk.mesh.aperture import CORNEA

BALL = Eyeball(np.array([0.1, 0.2, 0.3]), 15 * MILLIMETRE)


def along(*radii: float) -> np.ndarray:
    """Points at distances from the ball's centre, in its radii, in different directions."""
    ways = np.random.default_rng(0).normal(size=(len(radii), 3))
    return BALL.centre + np.array(radii)[:, None] * BALL.radius * ways / np.linalg.norm(ways, axis=1, keepdims=True)


def radii(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points - BALL.centre, axis=1) / BALL.radius


def test_a_lid_stays_before_the_cornea_and_moves_freely_farther_out():
    neutral, template = along(1.3, 1.3, 0.9, 1.0, 1.0), np.array([1.4, 1.4, 0.8, 1.0, 1.0])
    lids, shell = np.arange(3), np.array([3, 4])
    room = LidRoom.of(BALL, neutral, shell, lids, template)
    moved = room.pushed(along(0.95, 1.2, 0.95, 0.5, 0.5))
    before = CORNEA + BEFORE_CORNEA / BALL.radius
    assert np.allclose(radii(moved), [before, 1.2, 0.95, 0.5, 0.5])


def test_the_inner_side_of_a_lid_keeps_to_its_own_depth():
    neutral, template = along(1.3, 1.3, 0.9, 1.0, 1.0), np.array([1.4, 1.4, 0.8, 1.0, 1.0])
    room = LidRoom.of(BALL, neutral, np.array([3, 4]), np.arange(3), template)
    assert np.allclose(radii(room.pushed(along(1.3, 1.3, 0.6, 1.0, 1.0)))[2], 0.9)


def tubes(apart_mm: float):
    """Two strips of skin that run back from the nose, `apart_mm` from each other; and their faces and ends."""
    back = -np.arange(0.0, 40.0, 2.0)
    rows = [(x, y, z) for x in (apart_mm / 2, -apart_mm / 2) for y in (0.0, 2.0) for z in back]
    count = len(back)
    faces = [
        face
        for start in (0, 2 * count)
        for i in range(start, start + count - 1)
        for face in ([i, i + 1, i + count], [i + 1, i + count + 1, i + count])
    ]
    return np.array(rows) * MILLIMETRE, np.array(faces), (count - 1, 3 * count - 1)


def test_nostrils_have_a_wall_between_them_where_they_end():
    neutral, faces, ends = tubes(6.0)
    nostrils = Nostrils(neutral, faces, ends)
    for apart in (-1.0, 0.5, 3.0):
        thin, _, _ = tubes(apart)
        moved = thin + nostrils.parted(thin)
        assert moved[ends[0], 0] - moved[ends[1], 0] >= 2 * HALF_WALL
        assert (moved[:, 1:] == thin[:, 1:]).all()
        opening = thin[:, 2] > thin[:, 2].min() + NOT_AT_ALL
        assert (moved[opening] == thin[opening]).all()


def test_thick_walls_stay():
    neutral, faces, ends = tubes(20.0)
    assert np.abs(Nostrils(neutral, faces, ends).parted(neutral)).max() < 1e-3 * MILLIMETRE
