"""Damage on purpose: what scanners, files and people do to a scan, on points of a true surface.

Numbers are millimetres until a damage says otherwise. Knows no heads but where shoulders would be.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from facetalk.evaluation import views
from facetalk.geometry import UNIT_MM

NOISE_MM = 5.0
OUTLIERS = 0.3
"""Share of all points that are anywhere in a box half as large again as the scan."""
TILT_DEGREES = 40.0
TORSO = (np.array([0.0, -1.25, -0.2]), np.array([0.8, 0.72, 0.4]))
"""Middle and half axes of the ellipsoid that stands for shoulders, in units."""
FRONTAL_POINTS = 2500
Random = np.random.Generator


@dataclass(frozen=True)
class Damaged:
    """A scan before it is written: points and normals in millimetres, and the unit of its file."""

    points: Float[np.ndarray, "point 3"]
    normals: Float[np.ndarray, "point 3"]
    unit_mm: float = 1.0
    T_scan_truth: Float[np.ndarray, "4 4"] | None = None

    def turned(self, rotation: Rotation) -> "Damaged":
        """The same in another pose."""
        T_scan_truth = np.eye(4)
        T_scan_truth[:3, :3] = rotation.as_matrix()
        return replace(
            self, points=rotation.apply(self.points), normals=rotation.apply(self.normals), T_scan_truth=T_scan_truth
        )


def halved(scan: Damaged, random: Random) -> Damaged:
    """Half of it missing, whichever half."""
    height = (scan.points - np.median(scan.points, axis=0)) @ _direction(random)
    kept = height > np.median(height)
    return Damaged(scan.points[kept], scan.normals[kept])


def noisy(scan: Damaged, random: Random) -> Damaged:
    """Noise in every coordinate; the normals are lost with it."""
    points = scan.points + NOISE_MM * random.normal(size=scan.points.shape)
    return Damaged(points, np.zeros_like(points))


def littered(scan: Damaged, random: Random) -> Damaged:
    """Points that belong to nothing among the others."""
    low, high = scan.points.min(axis=0), scan.points.max(axis=0)
    count = int(len(scan.points) * OUTLIERS / (1 - OUTLIERS))
    litter = random.uniform(low - (high - low) / 4, high + (high - low) / 4, (count, 3))
    towards = np.stack([_direction(random) for _ in range(count)])
    return Damaged(np.concatenate([scan.points, litter]), np.concatenate([scan.normals, towards]))


def rescaled(scan: Damaged, random: Random) -> Damaged:
    """In metres, centimetres or millimetres."""
    return replace(scan, unit_mm=float(random.choice([1000.0, 10.0, 1.0])))


def tilted(scan: Damaged, random: Random) -> Damaged:
    """Turned by 40 degrees about any axis."""
    return scan.turned(Rotation.from_rotvec(np.radians(TILT_DEGREES) * _direction(random)))


def tumbled(scan: Damaged, random: Random) -> Damaged:
    """In any pose."""
    return scan.turned(Rotation.random(random_state=random))


def shouldered(scan: Damaged, random: Random) -> Damaged:
    """With as many points of a torso as of the head, tumbled."""
    normals = np.stack([_direction(random) for _ in range(len(scan.points))])
    points = (TORSO[0] + TORSO[1] * normals) * UNIT_MM
    return tumbled(Damaged(np.concatenate([scan.points, points]), np.concatenate([scan.normals, normals])), random)


def frontal(scan: Damaged, random: Random) -> Damaged:
    """One view from the front, 2500 points."""
    rows = views.frontal(scan.points, scan.normals, FRONTAL_POINTS, random)
    return Damaged(scan.points[rows], scan.normals[rows])


def surrounding(scan: Damaged, random: Random) -> Damaged:
    """What cameras all round see, with the noise of their depth."""
    rows = views.surrounding(scan.points, scan.normals, random)
    noise = views.NOISE_MM * random.normal(size=(len(rows), 3))
    return Damaged(scan.points[rows] + noise, scan.normals[rows])


DAMAGES: Mapping[str, Callable[[Damaged, Random], Damaged]] = {
    "half missing": halved,
    "5 mm noise": noisy,
    "30 % outliers": littered,
    "unit confusion": rescaled,
    "rotated 40°": tilted,
    "any pose": tumbled,
    "with shoulders": shouldered,
    "frontal view": frontal,
    "full cloud": surrounding,
}
PROTOCOLS = ("frontal view", "full cloud")
"""Not damage but measurement: these start from every true point, the others from evenly spread ones."""


def _direction(random: Random) -> Float[np.ndarray, "3"]:
    raw = random.normal(size=3)
    return raw / np.linalg.norm(raw)
