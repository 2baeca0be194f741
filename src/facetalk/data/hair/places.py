"""Where hair grows: how far every vertex of a source's template lies within scalp and beard."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

from facetalk.data.landmarks import EAR_PAIR, Anchors
from facetalk.data.posing import SourceHead
from facetalk.data.source import HeadSource
from facetalk.geometry import UNIT_MM

HAIRLINE = np.array(
    [(0, 50), (28, 54), (42, 42), (56, 26), (66, 4), (75, -16), (82, -20), (87, 0), (91, 16), (97, 16), (105, -4),
     (116, -20), (130, -34), (150, -44), (180, -46)],
    float,
)  # fmt: skip
"""Degrees round the head from the front, and height of the hairline there, above the brows in front, above the ears
behind: where volumes of hair begin."""
BLEND_FROM, BLEND_TO = 52.0, 72.0
"""Degrees over which heights change from counting above the brows to counting above the ears."""
PROBES = 60_000
"""Points of the skin that tell how far away the border of a region is."""
EAR_REACH_MM = (21.0, 34.0)
"""Half depth and half height of the bare skin about the middle of an ear."""
LIPS_MM = (26.0, 11.5)
"""Half width and half height of the bare skin about the middle of the lips."""
CHEEK_LINE = np.array([(0, -7), (14, -9), (26, -26), (45, -30), (62, -14), (76, 16), (90, 24), (180, 24)], float)
"""Degrees round the head from the front, and the height up to which a beard grows there."""


def smooth_step(low: float | int, high: float | int, x: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between; falls where `low` is the higher."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def skin_faces(source: HeadSource) -> Int[np.ndarray, "face 3"]:
    """Faces of the skin of a source's heads."""
    flesh = source.parts.flesh
    return flesh[np.isin(flesh, source.parts.skin).all(axis=1)]


def scattered(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], count: int, random: np.random.Generator
) -> Float[np.ndarray, "point 3"]:
    """`count` points spread evenly over faces."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = random.choice(len(faces), count, p=area / area.sum())
    u, v = np.sort(random.uniform(size=(2, count)), axis=0)
    return a[chosen] * u[:, None] + b[chosen] * (v - u)[:, None] + c[chosen] * (1 - v)[:, None]


@dataclass(frozen=True)
class Places:
    """The mean head of a source with what matters to hair on it, millimetres."""

    mean: SourceHead

    @cached_property
    def vertices(self) -> Float[np.ndarray, "vertex 3"]:
        """Of the mean head, canonical pose."""
        return UNIT_MM * self.mean.canonical.vertices

    @cached_property
    def _named(self) -> dict[str, np.ndarray]:
        source, anchors = self.mean.source, Anchors(self.mean.source).vertices
        ears = self.vertices[anchors[EAR_PAIR : EAR_PAIR + 2]]
        return {
            "ear": ears.mean(0),
            "brow": self.vertices[source.marks.at(24)][0],
            "ear_side": np.abs(ears[:, 0]).max(),
        }

    def turn(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
        """Degrees round the head, 0 in front."""
        return np.degrees(np.arctan2(np.abs(points[:, 0]), points[:, 2] - self._named["ear"][2] + 4))

    def on_scalp(self, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
        """Above the hairline and not on an ear."""
        ear, brow, turn = self._named["ear"], self._named["brow"], self.turn(points)
        share = smooth_step(BLEND_FROM, BLEND_TO, turn)
        base = brow[1] + share * (ear[1] - brow[1])
        above = points[:, 1] - base > np.interp(turn, *HAIRLINE.T)
        depth, height = (points[:, 2] - ear[2] - 3) / EAR_REACH_MM[0], (points[:, 1] - ear[1] + 6) / EAR_REACH_MM[1]
        on_ear = (np.abs(points[:, 0]) > self._named["ear_side"] - 8) & (depth**2 + height**2 < 1)
        return above & ~on_ear

    def on_beard(self, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
        """Below the cheeks, before the ears, above the throat, off the lips."""
        x, y, z = points.T
        top = np.interp(self.turn(points), *CHEEK_LINE.T)
        throat = np.interp(z, [-48, -25, 0, 30], [-46, -66, -84, -88])
        lips = (x / LIPS_MM[0]) ** 2 + ((y + 29.5) / LIPS_MM[1]) ** 2 < 1
        mouth = lips & (z > 30)
        return (y < top) & (y > throat) & (z > -40 - 0.1 * y) & ~mouth

    def clearance(self, region: Bool[np.ndarray, " probe"]) -> Float[np.ndarray, " vertex"]:
        """How far each vertex is within the region that probes are in, negative outside."""
        points = self.probes
        inside, outside = KDTree(points[region]), KDTree(points[~region])
        return (outside.query(self.vertices)[0] - inside.query(self.vertices)[0]).astype(np.float32)

    @cached_property
    def probes(self) -> Float[np.ndarray, "probe 3"]:
        """Points spread evenly over the skin."""
        return scattered(self.vertices, skin_faces(self.mean.source), PROBES, np.random.default_rng(3))

    @cached_property
    def marks(self) -> Float[np.ndarray, "vertex 5"]:
        """Place on the mean head, and clearances within scalp and beard, of every vertex."""
        scalp, beard = self.clearance(self.on_scalp(self.probes)), self.clearance(self.on_beard(self.probes))
        return np.concatenate([self.vertices, scalp[:, None], beard[:, None]], 1)
