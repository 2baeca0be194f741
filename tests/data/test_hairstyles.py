"""Procedural hair on a made head, a ball whose upper half is scalp and whose lower front is beard."""

from dataclasses import replace

import numpy as np
import pytest

from facetalk.data.hair.guides import grown
from facetalk.data.hair.skull import Marks, Skull, nodes, shape
from facetalk.data.hair.styles import BEARDS, NO_LENGTH, STYLES, Beard, Style, varied, varied_beard
from facetalk.data.hair.volume import FacialHair, Hair, beard_thickness, thickness

CENTRE, RADIUS = np.array([0.0, 50.0, -40.0]), 90.0


@pytest.fixture(scope="module")
def skull() -> Skull:
    arm = nodes() - CENTRE
    length = np.linalg.norm(arm, axis=1)
    place = CENTRE + RADIUS * arm / np.maximum(length, 1e-6)[:, None]
    scalp = place[:, 1] - 70
    beard = np.minimum(-place[:, 1], place[:, 2])
    marks = np.concatenate([place.T, scalp[None], beard[None]]).reshape(5, *shape()).astype(np.float32)
    distance = (length - RADIUS).reshape(shape()).astype(np.float32)
    return Skull(distance, distance, marks, -71.0)


@pytest.fixture(scope="module")
def roots() -> np.ndarray:
    way = np.random.default_rng(0).normal(size=(6000, 3))
    return CENTRE + RADIUS * way / np.linalg.norm(way, axis=1, keepdims=True)


def worn(style: Style, skull: Skull, roots: np.ndarray) -> Hair:
    return Hair(style, skull, grown(style, skull, roots, np.random.default_rng(1)))


def test_there_is_no_hair_off_the_scalp_and_its_thickness_well_within(skull):
    style = replace(STYLES["crop"], top=8.0, side=8.0, back=8.0, front=8.0)
    place = np.array([[0.0, 140.0, -40.0], [0.0, -30.0, 0.0]])
    marks = Marks(place, np.array([60.0, -60.0]), np.array([-60.0, -60.0]))
    assert np.allclose(thickness(style, marks), [8.0, NO_LENGTH], atol=1e-3)


@pytest.mark.parametrize("name", list(STYLES))
def test_directions_are_unit_and_bare_skin_is_outside_the_hair(skull, roots, name):
    hair = worn(STYLES[name], skull, roots)
    chin = CENTRE + np.array([0, -0.6 * RADIUS, 0.8 * RADIUS])
    growth = hair(np.concatenate([roots[:500], chin[None]]))
    assert np.allclose(np.linalg.norm(growth.way, axis=1), 1, atol=1e-3)
    assert growth.distance[-1] > 2


@pytest.mark.parametrize("name", list(STYLES))
def test_the_crown_is_under_hair(skull, roots, name):
    top = CENTRE + np.array([0, RADIUS + 2.0, -5.0])
    assert worn(STYLES[name], skull, roots)(top[None]).distance[0] < 0


def test_loose_hair_stays_off_the_skin_and_longer_hair_falls_lower(skull, roots):
    lowest = []
    for hang in (20.0, 80.0):
        guides = worn(replace(STYLES["bob"], hang=hang), skull, roots).guides
        assert skull.to_soft(guides.points).min() > 0
        lowest.append(guides.points[:, 1].min())
    assert lowest[1] < lowest[0] - 20


def test_loose_hair_leaves_the_face_free(skull, roots):
    points = worn(STYLES["long"], skull, roots).guides.points
    before = (points[:, 2] > 20) & (points[:, 1] < 50)
    assert np.abs(points[before, 0]).min(initial=np.inf) > 25


def test_a_tail_and_a_knot_reach_behind_the_head(skull, roots):
    plain = replace(STYLES["ponytail"], tail=0.0)
    behind = CENTRE + np.array([0.0, 20.0, -RADIUS - 22.0])
    assert worn(plain, skull, roots)(behind[None]).distance[0] > 5
    tail = worn(STYLES["ponytail"], skull, roots).guides.points
    assert (tail[:, 2] < CENTRE[2] - RADIUS).mean() > 0.5


def test_a_moustache_is_no_beard(skull):
    place = np.array([[10.0, -20.0, 60.0], [0.0, -70.0, 50.0]])
    marks = Marks(place, np.full(2, -60.0), np.full(2, 20.0))
    lip, chin = beard_thickness(BEARDS["moustache"], marks)
    assert lip > 4 and chin < 0
    assert beard_thickness(BEARDS["goatee"], marks)[1] > 8
    assert FacialHair(Beard(), skull)(nodes(6)).distance.min() > -200


def test_variants_are_of_the_same_cut_and_repeat(skull):
    one, other = (varied(STYLES["bob"], np.random.default_rng(5)) for _ in range(2))
    assert one == other != STYLES["bob"]
    assert one.hang > 0 and one.tail == one.bun == one.fringe == 0
    assert varied_beard(BEARDS["goatee"], np.random.default_rng(5)).jaw == 0
