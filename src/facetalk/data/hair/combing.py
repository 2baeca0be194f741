"""Which way hair is combed: a direction for every place of the scalp."""

import numpy as np
from jaxtyping import Float

from facetalk.data.hair.places import smooth_step
from facetalk.data.hair.styles import Style

TIE_DEPTH_MM = -128.0
"""Where the tie lies behind a low tie's height; higher ones lie further forward, on the skull."""
PART_WIDTH_MM = 9.0


def tie_place(style: Style) -> Float[np.ndarray, "3"]:
    """Where hair is tied on the mean head: on the back of the skull at a height."""
    forward = max(style.tie_height - 95.0, 0.0)
    return np.array([0.0, style.tie_height, TIE_DEPTH_MM + 0.016 * forward**2])


def combed(style: Style, place: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
    """Directions of unit length or less in which hair runs, at places of the mean head."""
    x, y, z = place.T
    on_top = smooth_step(72, 128, y)
    behind = smooth_step(-70, -115, z)
    side = np.tanh((x - style.part) / PART_WIDTH_MM)
    way = np.stack(
        [
            side * (style.away * on_top + 0.12),
            -style.down * (1.05 - 0.9 * on_top) + 0.25 * style.backwards * on_top * smooth_step(40, 70, z + 0.5 * y),
            -style.backwards * (0.35 + 0.65 * on_top) * (1 - behind) - 0.25 * (1 - behind),
        ],
        1,
    )
    if style.tied > 0:
        towards = tie_place(style) - place
        towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 8.0)
        way = way * (1 - style.tied) + 1.5 * style.tied * towards
    return way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 0.3)


def along_skin(way: Float[np.ndarray, "point 3"], normals: Float[np.ndarray, "point 3"], lift: float) -> np.ndarray:
    """Directions laid onto a surface, with a share of its normal, of unit length."""
    laid = way - (way * normals).sum(1, keepdims=True) * normals
    laid = laid / np.maximum(np.linalg.norm(laid, axis=1, keepdims=True), 1e-3) + lift * normals
    return laid / np.maximum(np.linalg.norm(laid, axis=1, keepdims=True), 1e-6)
