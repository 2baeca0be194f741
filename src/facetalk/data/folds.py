"""Whether a posed head passes through itself where no contact is meant: such samples are rejected."""

import igl
import numpy as np
from jaxtyping import Bool

from facetalk.data.eyeballs import MILLIMETRE
from facetalk.data.posing import PosedHead, SourceHead
from facetalk.types import Region

DEPTH = 1.0 * MILLIMETRE
"""How deep skin must stand in flesh to count: pressed lips and lids overlap by less."""
MOST_MM2 = 100.0
"""Largest area of folded skin that is let pass: a crease beside the mouth."""
LIDS = 1.7
"""How far the lids reach from an eyeball's centre, in its radii."""


class Folds:
    """Finds skin of one person that lies inside flesh in a pose, though not at rest (as behind the ears)."""

    def __init__(self, head: SourceHead) -> None:
        parts = head.source.parts
        self.flesh = np.ascontiguousarray(parts.flesh, np.int64)
        middle = head.neutral[self.flesh].mean(axis=1)
        asked = parts.regions[: len(self.flesh)] == Region.SKIN
        for ball in head.eyeballs.values():
            # Lids fold under the brow whenever they open; contact of lids and lips is resolved by itself.
            asked &= np.linalg.norm(middle - ball.centre, axis=1) > LIDS * ball.radius
        lips = head.topology.lips
        asked &= ~np.isin(self.flesh, np.concatenate([lips.upper, lips.lower])).all(axis=1)
        self.asked = self.flesh[asked]
        self.asked = self.asked[~self._inside(head.rest)]

    def _inside(self, head: PosedHead) -> Bool[np.ndarray, " asked"]:
        """Which asked faces have flesh just before them and still at `DEPTH`."""
        vertices = np.ascontiguousarray(head.vertices, np.float64)
        corners = vertices[self.asked]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-20)
        middle = corners.mean(axis=1)
        deep = igl.fast_winding_number(vertices, self.flesh, middle + DEPTH * normal) > 0.5
        if deep.any():
            near = middle[deep] + 0.1 * DEPTH * normal[deep]
            deep[deep] = igl.fast_winding_number(vertices, self.flesh, near) > 0.5
        return deep

    def area_mm2(self, head: PosedHead) -> float:
        """Area of skin that lies deeper than `DEPTH` in flesh."""
        corners = head.vertices[self.asked[self._inside(head)]] / MILLIMETRE
        sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        return float(0.5 * np.linalg.norm(sides, axis=1).sum())

    def folded(self, head: PosedHead) -> bool:
        """Whether a sample is to be rejected."""
        return self.area_mm2(head) > MOST_MM2
