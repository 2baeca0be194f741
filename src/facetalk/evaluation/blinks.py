"""How often and how long eyes blink, from the curves."""

import numpy as np
from jaxtyping import Float
from scipy.signal import find_peaks, peak_widths

from facetalk.arkit import ARKIT_INDEX
from facetalk.evaluation.interval import Share

LEAST = 0.5
"""Weight that a blink reaches."""
STANDS_OUT = 0.3
"""By how much it stands above what is around it: looking down lowers the lids too."""


def blinks(curves: Float[np.ndarray, "frame 52"], rate: float) -> Float[np.ndarray, " blink"]:
    """Seconds that each blink lasts, at half its height."""
    closing = curves[:, [ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]].mean(axis=1)
    padded = np.pad(closing, 1, constant_values=closing.min())  # a blink may begin or end with the clip
    peaks, _ = find_peaks(padded, height=LEAST, prominence=STANDS_OUT)
    return peak_widths(padded, peaks, rel_height=0.5)[0] / rate


def blink_rate(curves: Float[np.ndarray, "frame 52"], rate: float) -> Share:
    """Blinks, and minutes."""
    return float(len(blinks(curves, rate))), len(curves) / rate / 60


def blink_seconds(curves: Float[np.ndarray, "frame 52"], rate: float) -> Share:
    """Seconds of all blinks, and blinks."""
    found = blinks(curves, rate)
    return float(found.sum()), float(len(found))
