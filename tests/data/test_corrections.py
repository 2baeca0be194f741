"""What is mended of a source's mesh, on made meshes."""

import numpy as np
import pytest

from facetalk.data.clearance import BEFORE_CORNEA, LidRoom
from facetalk.data.contact import Flaps
from facetalk.data.eyeballs import MILLIMETRE, UNDER_SKIN, Eyeball, LidCover
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


def lid(edge_mm: float, slope: float) -> tuple[np.ndarray, Flaps]:
    """An upper lid from a height over the eyeball's middle upwards, farther out by `slope` mm a mm; chart and flaps."""
    across, up = np.meshgrid(np.linspace(-8, 8, 23), np.linspace(edge_mm, 10, 29), indexing="ij")
    chart = np.stack([across, up, 16.5 + slope * (up - edge_mm)], -1).reshape(-1, 3) * MILLIMETRE
    row, column = np.mgrid[:22, :28]
    corner = (29 * row + column).ravel()
    faces = np.concatenate([np.stack(each, 1) for each in ((corner, corner + 29, corner + 1),
                                                           (corner + 1, corner + 29, corner + 30))])  # fmt: skip
    none = np.zeros(0, int)
    return chart, Flaps(faces, np.zeros((0, 3), int), none, none, np.zeros((0, 0), int))


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.5])
def test_what_lids_cover_begins_behind_their_skin_and_ends_before_their_edge(slope):
    random = np.random.default_rng(3)
    chart, flaps = lid(2.0, slope)
    cover = LidCover.of(BALL, BALL.unchart(chart), flaps)
    across, up = random.uniform(-6, 6, 2000), random.uniform(2.0, 8, 2000)
    skin = 16.5 + slope * (up - 2.0)

    def covered(up: np.ndarray, radius: np.ndarray) -> np.ndarray:
        return cover.covers(BALL.unchart(MILLIMETRE * np.stack([across, up, radius], 1)))

    assert not covered(up, skin - 0.01).any()  # the skin itself is surface, however steep
    assert not covered(up, skin + 0.05).any()
    behind = skin - UNDER_SKIN / MILLIMETRE - 1.2 * slope - 0.1
    assert covered(up, behind)[(up > 3.0) & (behind > 13.5)].all()
    assert not covered(random.uniform(-5, 2.0, 2000), random.uniform(13.5, 20, 2000)).any()
