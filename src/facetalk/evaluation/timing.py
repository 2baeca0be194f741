"""When lips move against the truth's, finer than a frame, and how alike they move: correlation, variance, spectrum."""

import itertools

import numpy as np
from jaxtyping import Float
from scipy.signal import welch

from facetalk.evaluation.agreement import Curve, correlation, jitter, lagged
from facetalk.evaluation.interval import NOTHING, Share

REACH = 6
"""Frames searched on either side."""
BANDS_HZ = (0.5, 2.0, 4.0, 6.0, 8.0)
SEGMENT = 64
"""Frames of a spectrum: half a hertz apart."""


def offset_ms(found: Curve, truth: Curve, rate: float) -> Share:
    """Milliseconds by which `found` trails: the top of a parabola through the best correlation and its neighbours.

    Clips weigh alike; one whose lips stand still, or that fits best at the end of the search, says nothing.
    """
    lags = np.arange(-REACH, REACH + 1)
    likeness = np.array([correlation(*lagged(truth, found, int(lag))) for lag in lags])
    best = int(likeness.argmax())
    if likeness[best] <= 0 or best in (0, len(lags) - 1):
        return NOTHING
    before, top, after = likeness[best - 1 : best + 2]
    bend = before - 2 * top + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float(1000 * (lags[best] + shift) / rate), 1.0


def agreement(found: Curve, truth: Curve) -> Share:
    """Correlation of one clip, weighed by its frames."""
    return correlation(found, truth) * len(truth), float(len(truth))


def variance(found: Curve, truth: Curve) -> Share:
    """Variances, found and true, weighed by frames."""
    known = np.isfinite(found) & np.isfinite(truth)
    if not known.any():
        return NOTHING
    return float(found[known].var() * known.sum()), float(truth[known].var() * known.sum())


def squared_speed(found: Curve, truth: Curve) -> Share:
    """Sums of squared frame-to-frame steps, found and true: the root of their quotient is the ratio of speeds."""
    return tuple(float(np.nansum(np.diff(curve) ** 2)) for curve in (found, truth))  # type: ignore[return-value]


def restlessness(found: Float[np.ndarray, "frame 52"], truth: Float[np.ndarray, "frame 52"], rate: float) -> Share:
    """Jitter of the curves, found and true, weighed by frames."""
    return jitter(found, rate) * len(found), jitter(truth, rate) * len(truth)


def band_powers(found: Curve, truth: Curve, rate: float) -> list[Share]:
    """Power of the motion in each of `BANDS_HZ`, found and true; clips shorter than `SEGMENT` say nothing."""
    if len(truth) < SEGMENT or not np.isfinite(found).all() or not np.isfinite(truth).all():
        return [NOTHING] * (len(BANDS_HZ) - 1)
    return list(zip(*(_bands(curve, rate) for curve in (found, truth)), strict=True))


def spectrum(curve: Curve, rate: float) -> tuple[Float[np.ndarray, " bin"], Float[np.ndarray, " bin"]]:
    """Hertz, and power density times the frames of the clip."""
    hertz, density = welch(curve, rate, nperseg=SEGMENT)
    return hertz, density * len(curve)


def _bands(curve: Curve, rate: float) -> list[float]:
    hertz, density = spectrum(curve, rate)
    return [float(density[(hertz >= low) & (hertz < high)].sum()) for low, high in itertools.pairwise(BANDS_HZ)]
