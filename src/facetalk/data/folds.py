"""Whether a posed head passes through itself where no contact is meant: such samples are rejected."""

import igl
import numpy as np

from facetalk.data.eyeballs import MILLIMETRE
from facetalk.data.posing import PosedHead, SourceHead, Topology
from facetalk.data.source import HeadSource
from facetalk.types import Region

DEPTH = 1.0 * MILLIMETRE
"""How deep skin must stand in flesh to count: pressed lips and lids overlap by less."""
MOST_MM2 = 40.0
"""Largest area of folded skin that is let pass: a mouth corner folds this much at rest in some people."""


class Folds:
    """Finds skin that lies inside flesh."""

    def __init__(self, source: HeadSource) -> None:
        self.source = source
        flesh = source.parts.flesh
        skin = source.parts.regions[: len(flesh)] == Region.SKIN
        self.asked = np.ascontiguousarray(flesh[skin], np.int64)
        rest = SourceHead(Topology(source), source.mean_person).rest
        self.asked = np.ascontiguousarray(self.asked[~self._inside(rest)])

    def _inside(self, head: PosedHead) -> np.ndarray:
        """Which asked faces have flesh just before them and still at `DEPTH`."""
        corners = head.vertices[self.asked]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-20)
        middle, flesh = corners.mean(axis=1), np.ascontiguousarray(self.source.parts.flesh, np.int64)
        vertices = np.ascontiguousarray(head.vertices, np.float64)
        deep = igl.fast_winding_number(vertices, flesh, middle + DEPTH * normal) > 0.5
        deep[deep] = igl.fast_winding_number(vertices, flesh, (middle + 0.1 * DEPTH * normal)[deep]) > 0.5
        return deep

    def area_mm2(self, head: PosedHead) -> float:
        """Area of skin that lies deeper than `DEPTH` in flesh, what does so at the mean head's rest left out."""
        corners = head.vertices[self.asked[self._inside(head)]] / MILLIMETRE
        return float(
            0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum()
        )

    def folded(self, head: PosedHead) -> bool:
        """Whether a sample is to be rejected."""
        return self.area_mm2(head) > MOST_MM2
