"""How well one curve follows another: correlation, lag, what loudness leaves unexplained, how restless it is."""

import numpy as np
from jaxtyping import Float

Curve = Float[np.ndarray, " frame"]
Overlap = Float[np.ndarray, " overlap"]
LARGEST_LAG = 6
"""Frames searched on either side."""


def correlation(first: Curve, second: Curve) -> float:
    """Pearson correlation over the frames where both are known; 0 where one of them stands still."""
    known = np.isfinite(first) & np.isfinite(second)
    first, second = first[known], second[known]
    if len(first) < 3 or first.std() < 1e-9 or second.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def lagged(first: Curve, second: Curve, lag: int) -> tuple[Overlap, Overlap]:
    """The overlapping parts of `first` and of `second` read `lag` frames later."""
    frames = min(len(first), len(second))
    if lag >= 0:
        return first[: frames - lag], second[lag:frames]
    return first[-lag:frames], second[: frames + lag]


def best_lag(predicted: Curve, truth: Curve, largest: int = LARGEST_LAG) -> int:
    """Frames by which `predicted` trails `truth`, where they correlate best; ties go to the smaller lag."""
    lags = sorted(range(-largest, largest + 1), key=abs)
    return max(lags, key=lambda lag: round(correlation(*lagged(truth, predicted, lag)), 6))


def partial_correlation(first: Curve, second: Curve, given: Curve, largest: int = LARGEST_LAG) -> float:
    """Correlation of what `given` leaves of both curves, `given` being shifted to explain each as well as it can."""
    return correlation(_unexplained(first, given, largest), _unexplained(second, given, largest))


def _unexplained(curve: Curve, given: Curve, largest: int) -> Curve:
    lag = max(range(-largest, largest + 1), key=lambda shift: abs(correlation(*lagged(given, curve, shift))))
    shifted = given[np.clip(np.arange(len(curve)) - lag, 0, len(given) - 1)]
    design = np.stack([shifted, np.ones_like(shifted)], axis=1)
    return curve - design @ np.linalg.lstsq(design, curve, rcond=None)[0]


def velocity(curve: Curve, rate: float) -> Float[np.ndarray, " step"]:
    """First difference, a second."""
    return np.diff(curve) * rate


def jitter(curves: Float[np.ndarray, "frame channel"], rate: float) -> float:
    """Mean norm of the third difference, a second cubed; 0 for fewer than four frames."""
    if len(curves) < 4:
        return 0.0
    return float(np.linalg.norm(np.diff(curves, n=3, axis=0), axis=1).mean() * rate**3)


def root_mean_square(values: Float[np.ndarray, "..."]) -> float:
    """Root of the mean square of the known values; 0 where there is none."""
    known = values[np.isfinite(values)]
    return float(np.sqrt((known**2).mean())) if known.size else 0.0
