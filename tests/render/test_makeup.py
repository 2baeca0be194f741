"""Paint on skin: it sits where the face says, moves with the skin, and leaves everything else alone."""

from dataclasses import replace

import numpy as np
import pytest

from facetalk.geometry import UNIT_MM
from facetalk.render.camera import looking_at
from facetalk.render.look import Look
from facetalk.render.makeup import HAIRLINE, Makeup, Places, paint, places
from facetalk.render.picture import Photographer
from facetalk.types import Mesh, Region

LANDMARKS_MM = {
    "eye_left": (31, 40, 30), "eye_right": (-31, 40, 30), "ear_left": (74, 26, -60), "ear_right": (-74, 26, -60),
    "nose_tip": (0, 9, 80), "mouth_centre": (0, -29, 63),
}  # fmt: skip
PLACES: Places = places(
    {name: np.array(place, float) / UNIT_MM for name, place in LANDMARKS_MM.items()},
    np.array([(34, 63, 62), (-34, 63, 62)]) / UNIT_MM,
    np.array([12.4, 12.4]) / UNIT_MM,
)
SKIN = np.array([0.5, 0.3, 0.2, 0.05, 14, 1], np.float32)
HAIR = np.array([0.01, 0.01, 0.01], np.float32)


def colour(place_mm, makeup: Makeup, places=PLACES) -> np.ndarray:
    surface = SKIN.copy()
    x, y, z = np.float32(np.divide(place_mm, UNIT_MM))
    paint(x, y, z, places.table(), HAIRLINE, makeup.row(), HAIR, surface)
    return surface[:3]


def darkness(place_mm, makeup: Makeup, places=PLACES) -> float:
    """Mean over a few millimetres, so that strokes even out."""
    spots = [np.add(place_mm, (dx, dy, 0)) for dx in (-2, 0, 2) for dy in (-1, 0, 1)]
    return 1 - float(np.mean([colour(spot, makeup, places).sum() for spot in spots])) / float(SKIN[:3].sum())


def test_brows_are_where_the_brow_is_and_can_be_left_out():
    plain = Makeup(brows=0.0, lashes=0.0, blush=0.0)
    full = Makeup(brows=1.0, lashes=0.0, blush=0.0)
    for side in (-1, 1):
        assert darkness((side * 34, 62, 62), full) > 0.35
        assert darkness((side * 34, 62, 62), plain) < 0.1
    assert darkness((0, 90, 70), full) < 0.1


def test_a_brow_ends_beyond_the_outer_corner_of_the_eye():
    full = Makeup(brows=1.0, lashes=0.0, blush=0.0)
    for side in (-1, 1):
        assert darkness((side * 54, 60, 52), full) > darkness((side * 54, 80, 52), full) + 0.1


def test_skin_is_of_no_single_tone_yet_keeps_its_tone():
    plain = Makeup(brows=0.0, lashes=0.0, blush=0.0)
    random = np.random.default_rng(0)
    spots = np.stack([colour((*random.uniform(-40, 40, 2), 50), plain) for _ in range(200)])
    assert (spots.std(0) / spots.mean(0) > 0.01).all()
    assert np.allclose(spots.mean(0), SKIN[:3], rtol=0.03)


def test_cropped_hair_grows_on_the_scalp_and_nowhere_else():
    cropped = Makeup(brows=0.0, crop=1.0, lashes=0.0, blush=0.0)
    for place in [(0, 150, -40), (60, 110, -50), (0, 60, -150)]:
        assert darkness(place, cropped) > 0.5, place
    for place in [(0, 85, 72), (40, 10, 50), (0, -70, 54), (90, 30, -55), (0, -100, -20)]:
        assert darkness(place, cropped) < 0.15, place


@pytest.mark.parametrize("side", [-1, 1])
def test_no_hair_grows_in_an_ear_and_some_does_all_round_it(side):
    cropped = Makeup(brows=0.0, crop=1.0, lashes=0.0, blush=0.0)
    for place in [(60, 16, -52), (72, 30, -58), (76, 5, -62), (88, 34, -50)]:
        assert darkness((side * place[0], *place[1:]), cropped) < 0.15, place
    for place in [(76, 62, -56), (70, 20, -95), (74, 50, -30)]:
        assert darkness((side * place[0], *place[1:]), cropped) > 0.5, place


def test_stubble_grows_on_the_jaw():
    rough = Makeup(brows=0.0, stubble=1.0, lashes=0.0, blush=0.0)
    assert darkness((20, -60, 50), rough) > 0.1
    assert darkness((0, 90, 70), rough) < 0.1


@pytest.mark.parametrize("grown", [(0.9, 0.0), (0.0, 0.9), (0.9, 0.9)])
def test_a_beard_comes_up_to_the_lips_where_it_grows(grown):
    bare = Makeup(brows=0.0, lashes=0.0, blush=0.0)
    worn = replace(PLACES, beard=grown)
    middle = PLACES.mouth * UNIT_MM
    for side, amount in zip((8, -12), grown, strict=True):
        spot = np.add(middle, (0, side, -3))
        found = darkness(spot, bare, worn) - darkness(spot, bare)
        assert found > 0.5 if amount else found == 0
    for spot in [(45, 0, -10), (0, 40, 0), (0, -45, -8)]:
        assert darkness(np.add(middle, spot), bare, worn) == darkness(np.add(middle, spot), bare), spot


@pytest.mark.parametrize("moved", [0.0, 0.2])
def test_paint_follows_the_canonical_place_and_not_the_posed_one(moved):
    corners = np.array([(-0.4, -0.4, 0.25), (0.4, -0.4, 0.25), (0.4, 0.4, 0.25), (-0.4, 0.4, 0.25)], np.float32)
    shares = np.eye(len(Region), dtype=np.float32)[[Region.SKIN] * 4]
    normals = np.tile(np.float32([0, 0, 1]), (4, 1))
    posed = corners + np.float32([0, moved, 0])
    mesh = Mesh(posed, np.array([[0, 1, 2], [0, 2, 3]], np.int32), shares, normals, corners)
    look = Look(hair=(0.0, 0.0, 0.0), makeup=Makeup(lashes=0.0, blush=0.0))
    camera = looking_at(np.array([0, 0, 3.0]), np.zeros(3), 300.0, 160, 160)
    painted = Photographer(look, width=160, height=160, places=PLACES)(mesh, camera).pixels.astype(int)
    plain = Photographer(look, width=160, height=160)(mesh, camera).pixels.astype(int)
    change = np.abs(painted - plain).sum(2)
    rows = np.nonzero((change > 60).any(axis=1))[0]
    height = 0.5 - (rows.mean() + 0.5) / 160  # of the brows above the picture's middle, as a share of the picture
    expected = (62 / UNIT_MM + moved) * 300 / (3 - 0.25) / 160
    assert abs(height - expected) < 0.03


def test_without_places_nothing_is_painted():
    corners = np.array([(-0.4, -0.4, 0.25), (0.4, -0.4, 0.25), (0.0, 0.4, 0.25)], np.float32)
    normals = np.tile(np.float32([0, 0, 1]), (3, 1))
    faces = np.array([[0, 1, 2]], np.int32)
    camera = looking_at(np.array([0, 0, 3.0]), np.zeros(3), 300.0, 96, 96)
    bare = Photographer(width=96, height=96)(Mesh(corners, faces, None, normals), camera).pixels
    known = Photographer(width=96, height=96)(Mesh(corners, faces, None, normals, corners), camera).pixels
    np.testing.assert_array_equal(bare, known)
