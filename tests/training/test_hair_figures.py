"""Heads with hair on the grid of the hair set: balls for skin, shells for hair."""

import numpy as np
import pytest

from facetalk.data.hair.skull import nodes
from facetalk.training.hair_figures import Volume, crossings, outer, whole_heads

CENTRE = np.array([0.0, 20.0, -40.0])


def ball(radius_mm: float, centre: np.ndarray = CENTRE) -> np.ndarray:
    return np.linalg.norm(nodes() - centre, axis=1) - radius_mm


def hollow() -> np.ndarray:
    """A skull with a mouth: a cavity wider than the ball that asks, behind a narrow opening."""
    cavity = ball(30.0)
    way = np.maximum(np.hypot(nodes()[:, 0], nodes()[:, 1] - CENTRE[1]) - 10, -nodes()[:, 2] + CENTRE[2])
    return np.maximum(ball(80.0), -np.minimum(cavity, way))


def test_only_what_is_seen_from_outside_counts() -> None:
    skin = hollow()
    asked = outer(skin)
    depth = 80 - np.linalg.norm(crossings(skin, asked) - CENTRE, axis=1)
    assert depth.max() < 25 and (depth < 5).mean() > 0.9
    inside = np.linalg.norm(nodes() - CENTRE, axis=1) < 40
    assert not asked[inside].any()


@pytest.mark.parametrize("thick_mm", [10.0, 20.0])
def test_a_bald_head_is_off_by_the_hair_and_ours_by_its_own_error(thick_mm: float) -> None:
    """Hair is a shell of even thickness; ours is two millimetres thinner."""
    skin = ball(70.0)
    true, found = Volume(ball(70.0 + thick_mm), skin), Volume(ball(68.0 + thick_mm), skin)
    figures = whole_heads(found, true, -1000.0)
    assert 1.9 < figures["head_mm"] < 2.7  # places lie millimetres apart
    assert figures["bald_head_mm"] == pytest.approx(thick_mm, abs=0.7)


def test_what_lies_below_is_not_compared() -> None:
    skin = ball(70.0)
    dented = np.where(nodes()[:, 1] < -20, ball(62.0), skin)
    assert whole_heads(Volume(dented, dented), Volume(skin, skin), -15.0)["head_mm"] < 0.1
    assert whole_heads(Volume(dented, dented), Volume(skin, skin), -1000.0)["head_mm"] > 0.3
