"""Figures over clips with their uncertainty: which clips were asked is chance, and clips are drawn anew.

A figure is a sum over clips divided by another (of closed segments by segments, of errors by frames), so each clip adds
two numbers to it and drawing clips again costs two products.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

DRAWS = 1000
LEVEL = 95.0
"""Per cent of the draws that an interval holds (percentile bootstrap, Efron 1979)."""
Share = tuple[float, float]
"""What one clip adds to the sum above and to the sum below."""
NOTHING: Share = (0.0, 0.0)


@dataclass(frozen=True)
class Interval:
    """A figure, and the range in which it lies for most draws of clips; NaN where no clip tells."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if not np.isfinite(self.value):
            return "–"
        return f"{_short(self.value)} [{_short(self.low)}, {_short(self.high)}]"


def _short(value: float) -> str:
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def same(value: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Nothing is done to the quotient."""
    return value


def ratio(shares: Sequence[Share], finish: Callable[[np.ndarray], np.ndarray] = same) -> Interval:
    """The quotient of the sums, `finish` applied (a root, where squares were added)."""
    above, below = np.array(shares, float).reshape(-1, 2).T
    if not below.any():
        return Interval(np.nan, np.nan, np.nan)
    counts = draws(len(above))
    drawn = counts @ below
    spread = finish((counts @ above)[drawn > 0] / drawn[drawn > 0])
    return around(float(finish(np.array(above.sum() / below.sum()))), spread)


def around(value: float, spread: Float[np.ndarray, " draw"]) -> Interval:
    """A figure with the percentiles of what other draws of clips give."""
    low, high = np.nanpercentile(spread, [50 - LEVEL / 2, 50 + LEVEL / 2])
    return Interval(value, float(low), float(high))


def draws(clips: int, count: int = DRAWS) -> Float[np.ndarray, "draw clip"]:
    """How often each clip is drawn, drawing as many as there are; always the same draws."""
    return np.random.default_rng(0).multinomial(clips, np.full(clips, 1 / clips), size=count).astype(float)
