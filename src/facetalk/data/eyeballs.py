"""Eyeballs as spheres: their charts, how they turn, and what their lids cover."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import minimum_filter

from facetalk.arkit import ARKIT_INDEX
from facetalk.data import contact
from facetalk.geometry import UNIT_MM

MILLIMETRE = 1.0 / UNIT_MM
GAZE_RANGE_DEGREES = {"In": 30.0, "Out": 30.0, "Up": 25.0, "Down": 30.0}
"""Turn of the eyeball at weight 1: comfortable eye-only range, as ARKit's rigs use."""
UNDER_SKIN = 0.3 * MILLIMETRE
"""How far behind the outer skin of lids their cover begins: flesh has its own surface, and that skin is not inside."""


@dataclass(frozen=True)
class Eyeball:
    """A fitted sphere; its centre is the centre of rotation."""

    centre: Float[np.ndarray, "3"]
    radius: float

    def chart(self, points: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """(azimuth, elevation, radius) about the centre, angles times the radius so that all are lengths."""
        x, y, z = (points - self.centre).T
        radius = np.sqrt(x * x + y * y + z * z)
        angles = np.arctan2(x, z), np.arcsin(y / np.maximum(radius, 1e-9))
        return np.stack([angles[0] * self.radius, angles[1] * self.radius, radius], axis=1)

    def unchart(self, chart: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """Inverse of `chart`."""
        azimuth, elevation, radius = chart[:, 0] / self.radius, chart[:, 1] / self.radius, chart[:, 2]
        flat = radius * np.cos(elevation)
        return self.centre + np.stack(
            [flat * np.sin(azimuth), radius * np.sin(elevation), flat * np.cos(azimuth)], axis=1
        )

    def raster(self) -> contact.Raster:
        """The window over the opening of the lids."""
        return contact.Raster((-1.1 * self.radius, 0.85 * self.radius), (self.radius / 60, self.radius / 60), (133, 40))


@dataclass(frozen=True)
class LidCover:
    """The slit between lids and eyeball, which nothing can reach: where it begins, over azimuth and elevation."""

    eyeball: Eyeball
    window: contact.Raster
    radius: Float[np.ndarray, "azimuth elevation"]
    """Distance from the centre of the eyeball, under the outer skin; -contact.NOTHING where the eye is open."""

    @classmethod
    def of(cls, eyeball: Eyeball, vertices: Float[np.ndarray, "vertex 3"], flaps: contact.Flaps) -> "LidCover":
        """Look at the lids from the eyeball's centre.

        Places between nodes are looked up at the nearest one, so each node takes the least of its neighbourhood: where
        lids slope, or end, no place in front of them is covered.
        """
        step = eyeball.radius / 50
        window = contact.Raster((-1.2 * eyeball.radius, -0.8 * eyeball.radius), (step, step), (121, 81))
        lids = np.concatenate([flaps.upper_faces, flaps.lower_faces])
        seen = eyeball.chart(vertices)[:, [0, 2, 1]]
        skin = contact.height_map(seen, lids, 1.0, window.lower, window.step, window.shape)
        return cls(eyeball, window, minimum_filter(skin, 3) - UNDER_SKIN)

    def covers(self, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
        """Which points lie behind lids, near the eyeball."""
        chart = self.eyeball.chart(points)
        start = contact.sample(self.radius, self.window, chart[:, [0, 2, 1]])
        near = (chart[:, 2] > self.eyeball.radius - 2 * MILLIMETRE) & (points[:, 2] > self.eyeball.centre[2])
        return near & (start > chart[:, 2])


def fit_sphere(points: Float[np.ndarray, "vertex 3"]) -> Eyeball:
    """Least-squares sphere through points."""
    system = np.concatenate([2 * points, np.ones((len(points), 1))], axis=1)
    solution = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    centre = solution[:3]
    return Eyeball(centre, float(np.sqrt(solution[3] + centre @ centre)))


def rotation(yaw: float, pitch: float) -> Float[np.ndarray, "3 3"]:
    """Turn about y by `yaw` (towards +x) after a turn about x by `pitch` (upwards), radians."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    return about_y @ about_x


def gaze(weights: Float[np.ndarray, "52"], side: str) -> tuple[float, float]:
    """Yaw towards the subject's left and pitch upwards of one eyeball, radians."""
    amount = {
        way: weights[ARKIT_INDEX[f"eyeLook{way}{side.capitalize()}"]] * np.radians(degrees)
        for way, degrees in GAZE_RANGE_DEGREES.items()
    }
    outward = amount["Out"] - amount["In"]
    return float(outward if side == "left" else -outward), float(amount["Up"] - amount["Down"])
