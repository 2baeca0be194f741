"""Rig curves in time: how many frames a duration has, when each is shown, and curves at another rate.

Frame i covers [i/rate, (i+1)/rate) and shows its midpoint. Rates and durations are exact fractions.
"""

from collections.abc import Callable
from fractions import Fraction
from math import floor

import numpy as np
from jaxtyping import Float
from scipy.interpolate import PchipInterpolator

from facetalk.errors import InputError
from facetalk.types import RigCurves


def frame_count(duration: Fraction, rate: Fraction) -> int:
    """Frames that `duration` seconds need at `rate`: rounded half up, at least one."""
    return max(1, floor(duration * rate + Fraction(1, 2)))


def midpoints(frames: int, rate: Fraction) -> Float[np.ndarray, " frame"]:
    """The instant each frame shows, in seconds."""
    return (np.arange(frames) + 0.5) / float(rate)


def resample(curves: RigCurves, rate: Fraction) -> RigCurves:
    """The same movement sampled at another rate.

    Monotone cubic interpolation between the frames' midpoints: never beyond the neighbouring values, so a sealed
    mouth stays sealed and no weight leaves its range. Before the first and after the last midpoint values hold.

    Raises:
        InputError: the rate is not positive, or there are no frames.
    """
    if rate <= 0:
        raise InputError(f"frame rate {rate} is not positive; give frames a second, for example 30")
    if len(curves) == 0:
        raise InputError("these rig curves hold no frames; at least one is needed")
    if rate == curves.rate:
        return curves
    times = midpoints(frame_count(Fraction(len(curves)) / curves.rate, rate), rate)
    return RigCurves(at_times(curves.weights, midpoints(len(curves), curves.rate), times), rate)


def at_times(
    values: Float[np.ndarray, "frame channel"],
    known: Float[np.ndarray, " frame"],
    wanted: Float[np.ndarray, " wanted"],
    way: Callable[..., Callable] = PchipInterpolator,
) -> Float[np.ndarray, "wanted channel"]:
    """`values` known at increasing times, at the times wanted; held outside the known span.

    Args:
        values: those that are known.
        known: when.
        wanted: when they are wanted.
        way: between them, as SciPy's interpolators take it: monotone cubics, or for instance `CubicSpline`, which goes
            beyond both neighbours where a recorded movement turns between them.
    """
    if len(values) == 1:
        return np.repeat(values, len(wanted), axis=0)
    inside = np.clip(wanted, known[0], known[-1])
    return way(known, values, axis=0)(inside).astype(values.dtype)
