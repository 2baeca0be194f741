"""The volume of a head of hair: a shell on the skin, loose hair about its guide curves, a knot; smoothly joined."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree

from facetalk.data.hair.combing import along_skin, combed, tie_place
from facetalk.data.hair.guides import Guides
from facetalk.data.hair.places import smooth_step
from facetalk.data.hair.skull import Marks, Skull
from facetalk.data.hair.styles import NO_LENGTH, Beard, Style

NEIGHBOURS = 10
SOFTNESS_MM = 2.5
"""Over which guide curves melt into one volume."""
JOIN_MM = 7.0
"""Over which shell, loose hair and knot melt together."""
FARTHEST_MM = 60.0
"""Distances beyond are not told apart."""


@dataclass(frozen=True)
class Growth:
    """What hair is at points."""

    distance: Float[np.ndarray, " point"]
    """To the surface of the hair, negative in it; the head itself counts as hair from a little below its skin."""
    way: Float[np.ndarray, "point 3"]
    """Unit direction in which hair runs there."""


@dataclass(frozen=True)
class Hair:
    """A head of hair on one person."""

    style: Style
    skull: Skull
    guides: Guides

    def __call__(self, points: Float[np.ndarray, "point 3"]) -> Growth:
        """Distance and direction at points."""
        marks, skin = self.skull.marked(points), self.skull.to_skin(points)
        shell = skin - thickness(self.style, marks)
        way = along_skin(combed(self.style, marks.place), self.skull.normals(points, soft=True), 0.15)
        if len(self.guides.points):
            loose, course = self._loose(points)
            shell, way = joined(shell, loose, way, course)
        if self.style.bun > 0:
            knot, course = self._knot(points)
            shell, way = joined(shell, knot, way, course)
        return Growth(np.clip(shell, -FARTHEST_MM, FARTHEST_MM), way)

    @cached_property
    def _tree(self) -> KDTree:
        return KDTree(self.guides.points)

    def _loose(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        distance, index = self._tree.query(points, NEIGHBOURS)
        off = distance - self.guides.radii[index]
        least = off.min(1, keepdims=True)
        weight = np.exp(-(off - least) / SOFTNESS_MM)
        # Points lie `STEP_MM` apart on curves that overlap: two neighbours are one curve.
        level = least[:, 0] - SOFTNESS_MM * np.log(weight.sum(1) / 2)
        way = (weight[..., None] * self.guides.ways[index]).sum(1)
        return level, way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)

    def _knot(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        tie = tie_place(self.style)[None]
        axis = self.skull.normals(tie, soft=True)[0]
        centre = tie[0] + axis * (0.62 * self.style.bun - self.skull.to_soft(tie)[0])
        arm = points - centre
        height = arm @ axis
        flat = arm - height[:, None] * axis
        stretched = np.sqrt((flat**2).sum(1) + (height / 0.82) ** 2)
        way = np.cross(axis, flat) + 0.25 * axis * np.linalg.norm(flat, axis=1, keepdims=True)
        return stretched - self.style.bun, way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)


@dataclass(frozen=True)
class FacialHair:
    """A beard on one person."""

    beard: Beard
    skull: Skull

    def __call__(self, points: Float[np.ndarray, "point 3"]) -> Growth:
        """Distance and direction at points."""
        marks, skin = self.skull.marked(points), self.skull.to_skin(points)
        x, y, z = marks.place.T
        upper = smooth_step(-36, -24, y) * smooth_step(34, 24, np.abs(x))
        down = np.stack([np.sign(x) * (1.1 * upper + 0.15), -1 + 0.5 * upper, 0.25 * smooth_step(0, 60, z)], 1)
        way = along_skin(down, self.skull.normals(points, soft=False), 0.35)
        distance = skin - beard_thickness(self.beard, marks)
        return Growth(np.clip(distance, -FARTHEST_MM, FARTHEST_MM), way)


def thickness(style: Style, marks: Marks) -> Float[np.ndarray, " point"]:
    """Of the shell on the scalp, `NO_LENGTH` off it."""
    x, y, z = marks.place.T
    on_top = smooth_step(82, 132, y)
    behind = smooth_step(-62, -108, z)
    before = smooth_step(2, 40, z) * smooth_step(80, 110, y)
    height = style.side + behind * (style.back - style.side)
    height = height + on_top * (style.top - height)
    height = height + before * (style.front - height)
    # Short hair fades out above ears and at the nape, long hair does not.
    low = smooth_step(112, 62, y)
    taper = style.taper + low * (style.nape - style.taper)
    temples = smooth_step(28, 44, np.abs(x)) * smooth_step(74, 60, np.abs(x)) * smooth_step(0, 25, z)
    within = marks.scalp - style.recede * temples * smooth_step(30, 0, marks.scalp)
    grown = np.clip((within + 1) / np.maximum(taper, 1), 0, 1)
    outside = np.clip(-within / 6, 0, 1)
    return height * grown * (2 - grown) + NO_LENGTH * outside


def beard_thickness(beard: Beard, marks: Marks) -> Float[np.ndarray, " point"]:
    """Of the beard on the skin, `NO_LENGTH` off it."""
    x, y, z = marks.place.T
    upper = smooth_step(-36, -24, y) * smooth_step(36, 22, np.abs(x)) * smooth_step(20, 40, z)
    chin = smooth_step(36, 16, np.abs(x)) * smooth_step(-30, -44, y) * smooth_step(5, 30, z)
    rest = np.clip(1 - upper - chin, 0, 1)
    height = upper * beard.moustache + chin * beard.chin + rest * beard.jaw
    grown = np.clip((marks.beard + 1) / beard.taper, 0, 1)
    bare = np.clip(1 - height / 1.2, 0, 1)
    return height * grown * (2 - grown) + NO_LENGTH * np.maximum(np.clip(-marks.beard / 5, 0, 1), bare)


def joined(
    first: np.ndarray, second: np.ndarray, first_way: np.ndarray, second_way: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two volumes rounded where they meet, a quarter of a millimetre within their union at most, and directions that
    follow the nearer one."""
    share = np.clip(0.5 + 0.5 * (first - second) / JOIN_MM, 0, 1)
    level = first + share * (second - first) - 0.5 * JOIN_MM * share * (1 - share)
    way = first_way + share[:, None] * (second_way - first_way)
    return level, way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)
