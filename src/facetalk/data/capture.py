"""The FACEGOOD capture rig → ARKit weights in the units of our heads.

Names are mapped as the set's own arkit_map.csv does, with three additions. `mouth_oh_c` and `mouth_oo_c`, which that
map leaves out, carry most of the rounding in some recordings and next to none in others, where pucker and funnel do
the same work: ridges from log-mel (±100 ms) to pucker and funnel, trained on the recordings that hardly use oh, were
applied to the others, and what they miss was regressed on oh and oo. Both come out as pucker with some funnel, in the
shares below. Units: jaw and rounding are scaled so that their quantiles in speech are, in least squares, those of the
generator, whose jawOpen is 33 mm at 1. Left and right are one channel in this capture.
"""

import numpy as np
from jaxtyping import Float

from facetalk.arkit import ARKIT_INDEX
from facetalk.data.facegood import JAW, Recording

JAW_SCALE = 0.67
ROUNDING_SCALE = 0.39
LIP_SCALE = 0.6
"""For what raises, lowers, draws and rolls the lips."""
OH_SHARES = {"mouthPucker": 0.68, "mouthFunnel": 0.32}
OO_SHARES = {"mouthPucker": 0.63, "mouthFunnel": 0.37}

FUNNEL = ("mouth_funnel_dl", "mouth_funnel_dr", "mouth_funnel_ul", "mouth_funnel_ur")
PUCKER = ("mouth_pucker_l", "mouth_pucker_r")
LIPS: dict[str, tuple[str, ...]] = {
    "mouthSmileLeft": ("mouth_lipCornerPull_l",),
    "mouthSmileRight": ("mouth_lipCornerPull_r",),
    "mouthFrownLeft": ("mouth_lipCornerDepress_l", "mouth_lipCornerDepressFix_l"),
    "mouthFrownRight": ("mouth_lipCornerDepress_r", "mouth_lipCornerDepressFix_r"),
    "mouthDimpleLeft": ("mouth_dimple_l",),
    "mouthDimpleRight": ("mouth_dimple_r",),
    "mouthStretchLeft": ("mouth_lipStretch_l",),
    "mouthStretchRight": ("mouth_lipStretch_r",),
    "mouthRollLower": ("mouth_suck_dl", "mouth_suck_dr"),
    "mouthRollUpper": ("mouth_suck_ul", "mouth_suck_ur"),
    "mouthPressLeft": ("mouth_press_l",),
    "mouthPressRight": ("mouth_press_r",),
    "mouthLowerDownLeft": ("mouth_lowerLipDepress_l",),
    "mouthLowerDownRight": ("mouth_lowerLipDepress_r",),
    "mouthUpperUpLeft": ("mouth_upperLipRaise_l",),
    "mouthUpperUpRight": ("mouth_upperLipRaise_r",),
}


def mouth(recording: Recording) -> Float[np.ndarray, "frame 52"]:
    """ARKit weights of jaw and lips of a recording."""
    weights = np.zeros((len(recording.curves), len(ARKIT_INDEX)))
    weights[:, ARKIT_INDEX["jawOpen"]] = JAW_SCALE * recording.channel(JAW)
    for name, channels in LIPS.items():
        weights[:, ARKIT_INDEX[name]] = LIP_SCALE * _highest(recording, channels)
    oh, oo = recording.channel("mouth_oh_c"), recording.channel("mouth_oo_c")
    for name, channels in (("mouthFunnel", FUNNEL), ("mouthPucker", PUCKER)):
        total = _highest(recording, channels) + OH_SHARES[name] * oh + OO_SHARES[name] * oo
        weights[:, ARKIT_INDEX[name]] = ROUNDING_SCALE * total
    close = recording.channel("mouth_chew_c")
    weights[:, ARKIT_INDEX["mouthClose"]] = np.minimum(close, weights[:, ARKIT_INDEX["jawOpen"]])
    return np.clip(weights, 0.0, 1.0)


def rounding(recording: Recording) -> Float[np.ndarray, " frame"]:
    """The fixed sum of oh, oo, funnel and pucker, in the capture's units."""
    both = recording.channel("mouth_oh_c") + recording.channel("mouth_oo_c")
    return both + _highest(recording, FUNNEL) + _highest(recording, PUCKER)


def _highest(recording: Recording, channels: tuple[str, ...]) -> Float[np.ndarray, " frame"]:
    return np.max([recording.channel(name) for name in channels], axis=0)
