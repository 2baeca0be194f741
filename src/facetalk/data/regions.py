"""What each point of ICT's template is made of, decided exactly and not by vertex.

Points are told by their face and their place on the neutral template, so edges of lips, irises and pupils stay
crisp at any sampling density.
"""

from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from matplotlib.path import Path as Polygon

from facetalk.data import ict
from facetalk.data.posing import MILLIMETRE, fit_sphere
from facetalk.types import Region

IRIS_ANGLE = np.radians(22.5)
PUPIL_ANGLE = np.radians(8.5)
"""Angles at the eyeball's centre from the optical axis: 6 mm and 2.3 mm on ICT's eyeball of 15.8 mm."""


class RegionMap:
    """Regions and sampling densities over the faces of an ICT model."""

    def __init__(self, model: ict.IctModel) -> None:
        self.model = model
        self.template = model.neutral

    @cached_property
    def part(self) -> UInt8[np.ndarray, " face"]:
        """`Region` of each face before the fine distinctions."""
        highest = self.model.faces.max(axis=1)
        part = np.full(len(highest), Region.SKIN, np.uint8)
        part[(highest >= ict.MOUTH_SOCKET.start) & (highest < ict.MOUTH_SOCKET.stop)] = Region.MOUTH
        part[(highest >= ict.GUMS.start) & (highest < ict.GUMS.stop)] = Region.MOUTH
        part[(highest >= ict.TEETH.start) & (highest < ict.TEETH.stop)] = Region.TEETH
        part[highest >= ict.EYEBALLS["left"].start] = Region.SCLERA
        return part

    @cached_property
    def lip_outline(self) -> Polygon:
        """Outer border of the vermilion in (x, y) of the template, a closed spline through twelve landmarks."""
        corners = self.template[list(ict.LANDMARKS_68[48:60]), :2]
        return Polygon(_closed_spline(corners, 8))

    @cached_property
    def optical_axis(self) -> dict[str, Float[np.ndarray, "3"]]:
        """Direction from each eyeball's centre to the middle of its cornea."""
        axes = {}
        for side, part in ict.EYEBALLS.items():
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
        front = places[:, 2] > self.template[ict.LANDMARKS_68[48], 2] - 4 * MILLIMETRE
        inside = skin & front
        inside[inside] = self.lip_outline.contains_points(places[inside][:, :2])
        labels[inside] = Region.LIPS
        for side, part in ict.EYEBALLS.items():
            here = self._on_eyeball(faces, part)
            arms = places[here] - fit_sphere(self.template[part]).centre
            cosine = arms @ self.optical_axis[side] / np.linalg.norm(arms, axis=1)
            angle = np.arccos(np.clip(cosine, -1, 1))
            labels[here] = np.select(
                [angle < PUPIL_ANGLE, angle < IRIS_ANGLE], [Region.PUPIL, Region.IRIS], Region.SCLERA
            )
        return labels

    def _on_eyeball(self, faces: Int[np.ndarray, " point"], part: slice) -> Bool[np.ndarray, " point"]:
        corner = self.model.faces[faces, 0]
        return (corner >= part.start) & (corner < part.stop)

    @cached_property
    def left(self) -> Bool[np.ndarray, " face"]:
        """Faces on the subject's left."""
        return self.template[self.model.faces].mean(axis=1)[:, 0] > 0

    @cached_property
    def share(self) -> Float[np.ndarray, " face"]:
        """Share of all samples that the region of each face is to receive."""
        quota = {Region.SKIN: 0.6, Region.MOUTH: 0.1, Region.TEETH: 0.12, Region.SCLERA: 0.18}
        return np.vectorize(quota.get)(self.part)

    @cached_property
    def density(self) -> Float[np.ndarray, " face"]:
        """Samples wanted per area within a region: small and thin parts get many times their share."""
        middle = self.template[self.model.faces].mean(axis=1)
        density = np.ones(len(middle))
        density[middle[:, 1] < self.template[:9409, 1].min() - 30 * MILLIMETRE] = 0.4

        def raise_near(point: np.ndarray, reach_mm: float, factor: float) -> None:
            near = np.exp(-((np.linalg.norm(middle - point, axis=1) / (reach_mm * MILLIMETRE)) ** 2))
            np.maximum(density, 1 + (factor - 1) * near, out=density)

        landmark = self.template[list(ict.LANDMARKS_68)]
        for point in landmark[36:48]:
            raise_near(point, 6, 36)
        for point in landmark[48:68]:
            raise_near(point, 7, 14)
        for point in landmark[31:36]:
            raise_near(point, 9, 6)
        for point in landmark[27:31]:
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
