"""Light in a mouth: less of it the deeper a place lies and the smaller the opening is."""

import numpy as np

from facetalk.geometry import UNIT_MM
from facetalk.render.mouth import entering

PLACES = np.float32(400)
"""Along one unit at distance 1."""
NEAR = np.float32(3.0)
"""Distance of the lips."""


def seen(height: int, width: int, size: int = 120) -> np.ndarray:
    """Sums of an opening of so many places amid lips."""
    kinds = np.zeros((size, size, 3), np.float32)
    kinds[..., 1], kinds[..., 2] = 1, NEAR
    top, left = (size - height) // 2, (size - width) // 2
    kinds[top : top + height, left : left + width] = (1, 0, 0)
    return np.pad(kinds.cumsum(0).cumsum(1), ((1, 0), (1, 0), (0, 0))).astype(np.float32)


def light(sums: np.ndarray, deep_mm: float, x: float = 60.0) -> float:
    here = np.float32(1 / (NEAR + deep_mm / UNIT_MM))
    return float(entering(sums, 0, 0, np.float32(60), np.float32(x), here, PLACES))


def test_light_falls_off_with_depth() -> None:
    sums = seen(12, 40)
    found = [light(sums, deep) for deep in (5, 10, 20, 40)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 3 * found[-1]


def test_a_wider_opening_lets_in_more() -> None:
    assert light(seen(20, 40), 15) > light(seen(6, 40), 15) > light(seen(2, 40), 15)


def test_corners_are_darker_than_the_middle() -> None:
    sums = seen(12, 40)
    assert light(sums, 12, 60) > 1.3 * light(sums, 12, 79)


def test_no_mouth_takes_no_light() -> None:
    nothing = np.zeros((0, 0, 3), np.float32)
    assert entering(nothing, 0, 0, np.float32(3), np.float32(3), np.float32(0.3), PLACES) == 1
