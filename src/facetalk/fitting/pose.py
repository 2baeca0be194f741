"""Where a scan lies: units, sizes and similarities from a file's numbers to head space."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facetalk.geometry import UNIT_MM

SMALLEST_MM, LARGEST_MM = 90.0, 2600.0
"""How large a scan with a head in it can be, across its box: part of a face, or a standing person."""
UNITS_MM = {"m": 1000.0, "cm": 10.0, "mm": 1.0}
"""Millimetres in one unit of a file."""


@dataclass(frozen=True)
class Pose:
    """A place of the scan in head space: `x_head = size * rotation @ x_scan + shift`."""

    rotation: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, "3"]
    size: float
    """Units of head space in one unit of the file, times how much smaller than the person the mean head is."""
    unit: str
    score: float = 0.0
    """Share of the points that the mean head explains."""

    def __call__(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Points of the scan in head space."""
        return self.size * points @ self.rotation.T + self.shift

    def true_to_size(self, points: Float[np.ndarray, "point 3"]) -> "Pose":
        """The same with the file's own scale, the middle of `points` staying where it is."""
        middle = points.mean(axis=0)
        size = UNITS_MM[self.unit] / UNIT_MM
        shift = self.shift + (self.size - size) * self.rotation @ middle
        return Pose(self.rotation, shift, size, self.unit, self.score)

    @property
    def T_head_scan(self) -> Float[np.ndarray, "4 4"]:
        """The same as a matrix."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.size * self.rotation, self.shift
        return matrix


def plausible_units(points: Float[np.ndarray, "point 3"]) -> list[str]:
    """Units in which a scan of this size can hold a head."""
    across = extent(points)
    return [unit for unit, size in UNITS_MM.items() if SMALLEST_MM <= across * size <= LARGEST_MM]


def extent(points: Float[np.ndarray, "point 3"]) -> float:
    """Diagonal of the box that holds all but a few points."""
    low, high = np.percentile(points, (1, 99), axis=0)
    return float(np.linalg.norm(high - low))


def placed_by_landmarks(
    places: Float[np.ndarray, "landmark 3"], wanted: Float[np.ndarray, "landmark 3"], units: Sequence[str]
) -> Pose:
    """The pose that lays landmarks of a scan on those of the mean head (Umeyama 1991), in the nearest unit."""
    a, b = places - places.mean(axis=0), wanted - wanted.mean(axis=0)
    left, strength, right = np.linalg.svd(b.T @ a)
    turn = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
    size = float((strength * [1, 1, np.linalg.det(left @ right)]).sum() / (a**2).sum())
    unit = min(units, key=lambda name: abs(np.log(UNITS_MM[name] / UNIT_MM / size)))
    return Pose(turn, wanted.mean(axis=0) - size * turn @ places.mean(axis=0), size, unit)


def apart_degrees(one: Float[np.ndarray, "3 3"], other: Float[np.ndarray, "3 3"]) -> float:
    """Angle between two rotations."""
    return float(np.degrees(np.arccos(np.clip((np.trace(one.T @ other) - 1) / 2, -1, 1))))
