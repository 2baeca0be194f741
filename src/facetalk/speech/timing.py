"""When frames are: exact counts and midpoints, as fractions of a second."""

from fractions import Fraction

import numpy as np
from jaxtyping import Float

from facetalk.types import SAMPLE_RATE


def frame_count(duration: Fraction, rate: Fraction) -> int:
    """Frames that show `duration` seconds: duration × rate rounded half up, at least one."""
    return max(int(duration * rate + Fraction(1, 2)), 1)


def midpoint(frame: int, rate: Fraction) -> Fraction:
    """The moment frame `frame` shows, in seconds: the middle of [frame/rate, (frame+1)/rate)."""
    return (frame + Fraction(1, 2)) / rate


def midpoints(frames: int, rate: Fraction) -> Float[np.ndarray, " frame"]:
    """The moments of the first `frames` frames, in seconds."""
    return np.array([float(midpoint(frame, rate)) for frame in range(frames)])


def places(frames: range, rate: Fraction, hop_samples: int, first_centre: Fraction) -> tuple[list[int], list[Fraction]]:
    """Where frame midpoints fall among features that sit `hop_samples` apart.

    Args:
        frames: numbers of the frames.
        rate: frames a second.
        hop_samples: samples from one feature's centre to the next.
        first_centre: centre of feature 0, in samples.

    Returns:
        For every frame the feature before it (it may be negative: before the first) and the exact share, in [0, 1),
        of the way to the next.
    """
    exact = [(midpoint(frame, rate) * SAMPLE_RATE - first_centre) / hop_samples for frame in frames]
    before = [place.numerator // place.denominator for place in exact]
    return before, [place - index for place, index in zip(exact, before, strict=True)]
