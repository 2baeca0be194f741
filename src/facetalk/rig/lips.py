"""What ARKit curves say about the lips: a few lengths and shapes, each a sum of weights."""

import numpy as np
from jaxtyping import Float

from facetalk.arkit import ARKIT_NAMES

GAP_MM: dict[str, float] = {
    "jawOpen": 33.5,
    "mouthClose": -38.0,
    "mouthFunnel": 9.5,
    "mouthShrugLower": -6.5,
    "mouthShrugUpper": 2.9,
    "mouthRollLower": -2.0,
    "mouthRollUpper": -2.0,
    "mouthLowerDownLeft": 3.4,
    "mouthLowerDownRight": 3.4,
    "mouthUpperUpLeft": 1.4,
    "mouthUpperUpRight": 1.4,
    "mouthPressLeft": -1.1,
    "mouthPressRight": -1.1,
}
"""What one full weight adds to the gap between the lips in the middle, in mm, on the mean face of ICT-FaceKit."""
JAW = {"jawOpen": 1.0}
ROUNDING = {"mouthFunnel": 1.0, "mouthPucker": 1.0}
SPREAD = {f"mouth{name}{side}": 0.5 for name in ("Smile", "Stretch", "Dimple") for side in ("Left", "Right")}
TUCK = {"mouthRollLower": 1.0, "mouthRollUpper": 0.5}
"""Lips drawn in over the teeth."""
LIP_SHAPES = ("gap", "jaw", "rounding", "spread", "tuck")
"""Names of the columns of `lip_shapes`."""


def column(values: dict[str, float]) -> Float[np.ndarray, " 52"]:
    """A sum of weights from its named coefficients."""
    return np.array([values.get(name, 0.0) for name in ARKIT_NAMES])


def lip_shapes(curves: Float[np.ndarray, "frame 52"]) -> Float[np.ndarray, "frame shape"]:
    """`LIP_SHAPES` of each frame: the gap in mm, never negative, then jaw, rounding, spread and tuck in weights."""
    shapes = curves @ np.stack([column(values) for values in (GAP_MM, JAW, ROUNDING, SPREAD, TUCK)], axis=1)
    shapes[:, 0] = np.maximum(shapes[:, 0], 0.0)
    return shapes
