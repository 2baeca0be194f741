"""What each point of a source's template is made of, decided exactly and not by vertex.

Points are told by their face and their place on the neutral template, so edges of lips, irises and pupils stay
crisp at any sampling density.
"""

from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from matplotlib.path import Path as Polygon

from facetalk.data.eyeballs import MILLIMETRE, fit_sphere
from facetalk.data.source import HeadSource
from facetalk.types import Region


class RegionMap:
    """Regions and sampling densities over the faces of a source."""

    def __init__(self, source: HeadSource) -> None:
        self.source, self.template = source, source.neutral
        self.faces, self.part = source.faces, source.parts.regions

    @cached_property
    def lip_outline(self) -> Polygon:
        """Outer border of the vermilion in (x, y) of the template, a closed spline through twelve landmarks."""
        corners = self.template[self.source.marks.at(*range(48, 60)), :2]
        return Polygon(_closed_spline(corners, 8))

    @cached_property
    def optical_axis(self) -> dict[str, Float[np.ndarray, "3"]]:
        """Direction from each eyeball's centre to the middle of its cornea."""
        axes = {}
        for side, part in self.source.parts.eyeballs.items():
            arms = self.template[part] - fit_sphere(self.template[part]).centre
            length = np.linalg.norm(arms, axis=1)
            axis = arms[length > np.quantile(length, 0.93)].mean(axis=0)
            axes[side] = axis / np.linalg.norm(axis)
        return axes

    def label(
        self, faces: Int[np.ndarray, " point"], places: Float[np.ndarray, "point 3"]
    ) -> UInt8[np.ndarray, " point"]:
        """Region of points given by their face and their position on the template."""
        labels = self.part[faces].copy()
        skin = labels == Region.SKIN
        front = places[:, 2] > self.template[self.source.marks.common[48], 2] - 4 * MILLIMETRE
        inside = skin & front
        inside[inside] = self.lip_outline.contains_points(places[inside][:, :2])
        labels[inside] = Region.LIPS
        for side, part in self.source.parts.eyeballs.items():
            here = self._on_eyeball(faces, part)
            arms = places[here] - fit_sphere(self.template[part]).centre
            cosine = arms @ self.optical_axis[side] / np.linalg.norm(arms, axis=1)
            angle = np.arccos(np.clip(cosine, -1, 1))
            labels[here] = np.select(
                [angle < self.source.pupil_angle, angle < self.source.iris_angle],
                [Region.PUPIL, Region.IRIS],
                Region.SCLERA,
            )
        return labels

    def _on_eyeball(
        self, faces: Int[np.ndarray, " point"], part: Int[np.ndarray, " vertex"]
    ) -> Bool[np.ndarray, " point"]:
        return np.isin(self.faces[faces, 0], part)

    @cached_property
    def left(self) -> Bool[np.ndarray, " face"]:
        """Faces on the subject's left."""
        return self.template[self.faces].mean(axis=1)[:, 0] > 0

    @cached_property
    def share(self) -> Float[np.ndarray, " face"]:
        """Share of all samples that the region of each face is to receive."""
        quota = {Region.SKIN: 0.6, Region.MOUTH: 0.1, Region.TEETH: 0.12, Region.SCLERA: 0.18}
        return np.vectorize(quota.get)(self.part)

    @cached_property
    def density(self) -> Float[np.ndarray, " face"]:
        """Samples wanted per area within a region: small and thin parts get many times their share."""
        middle = self.template[self.faces].mean(axis=1)
        density = np.ones(len(middle))
        density[middle[:, 1] < self.source.chin - 30 * MILLIMETRE] = 0.4

        def raise_near(point: np.ndarray, reach_mm: float, factor: float) -> None:
            near = np.exp(-((np.linalg.norm(middle - point, axis=1) / (reach_mm * MILLIMETRE)) ** 2))
            np.maximum(density, 1 + (factor - 1) * near, out=density)

        mark = self.source.marks.at
        for point in self.template[mark(*range(36, 48))]:
            raise_near(point, 6, 36)
        for point in self.template[mark(*range(48, 68))]:
            raise_near(point, 7, 14)
        for point in self.template[mark(*range(31, 36))]:
            raise_near(point, 9, 6)
        for point in self.template[mark(*range(27, 31))]:
            raise_near(point, 14, 3)
        ears = (np.abs(middle[:, 0]) > 0.27) & (middle[:, 1] > -0.06) & (middle[:, 1] < 0.28)
        density[ears] = np.maximum(density[ears], 5)
        return density


def _closed_spline(points: Float[np.ndarray, "corner 2"], pieces: int) -> Float[np.ndarray, "point 2"]:
    """Catmull–Rom spline through a closed loop of points."""
    t = np.linspace(0, 1, pieces, endpoint=False)[:, None]
    curve = []
    for i in range(len(points)):
        a, b, c, d = (points[(i + k) % len(points)] for k in (-1, 0, 1, 2))
        curve.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate(curve)
