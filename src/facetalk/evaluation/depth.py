"""Depth pictures of a mesh: clouds back-projected from them, and what of a surface they see at all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from facetalk.geometry import PAPER_BOX, UNIT_MM
from facetalk.pipeline.actor import NECK_CUT
from facetalk.render.camera import Camera, looking_at
from facetalk.render.raster import visible

PIXELS = 512
"""Along a picture: 2.6 mm each on the head."""
AWAY, FRAMED = 6.0, 1.6
"""How far cameras stand from the head, and what height they frame there, in units: 1.5 m and 40 cm."""
BEHIND = 2.0 / UNIT_MM
"""A point this little behind what a picture shows is still seen: a pixel is as wide."""
EVERYWHERE = 26
"""Cameras, spread evenly over all directions, of which one sees what counts as seen from outside."""
FRONT = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Depth:
    """One picture: the triangle of each pixel (−1 for none or one seen from behind) and 1 / distance (0 for none)."""

    camera: Camera
    triangle: np.ndarray
    nearness: Float[np.ndarray, "row column"]

    def places(self) -> Float[np.ndarray, "point 3"]:
        """Where the filled pixels lie in the world, row after row."""
        row, column = np.nonzero(self.triangle >= 0)
        depth = 1 / self.nearness[row, column].astype(np.float64)
        across = (column + 0.5 - self.camera.width / 2) * depth / self.camera.focal
        up = (self.camera.height / 2 - row - 0.5) * depth / self.camera.focal
        seen = np.stack([across, up, -depth], 1) - self.camera.T_camera_world[:3, 3]
        return seen @ self.camera.T_camera_world[:3, :3]

    def sees(self, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
        """Which points lie on what the picture shows, or beside it."""
        column, row, inverse = self.camera.project(points).T
        column, row = (np.clip(place.astype(int), 0, len(self.nearness) - 1) for place in (column, row))
        nearness = self.nearness[row, column]
        return (nearness > 0) & (1 / inverse < 1 / np.maximum(nearness, 1e-6) + BEHIND)


def camera(towards: Float[np.ndarray, "3"]) -> Camera:
    """A camera in the direction `towards` of the head's middle."""
    middle = PAPER_BOX.centre
    return looking_at(middle + AWAY * np.asarray(towards), middle, PIXELS * AWAY / FRAMED, PIXELS, PIXELS)


def pictured(
    vertices: Float[np.ndarray, "vertex 3"], faces: np.ndarray, directions: Float[np.ndarray, "view 3"]
) -> list[Depth]:
    """Depth pictures from some directions. Triangles hide from either side what is behind them: necks are open."""
    both = np.concatenate([faces, faces[:, ::-1]])
    found = []
    for towards in directions:
        view = camera(towards)
        seen = visible(view.project(vertices.astype(np.float32)), both, PIXELS, PIXELS)
        found.append(Depth(view, np.where(seen.triangle < len(faces), seen.triangle, -1), seen.nearness))
    return found


def seen_by(views: Sequence[Depth], points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
    """Which points some picture sees."""
    return np.any([view.sees(points) for view in views], axis=0)


def outside(vertices: Float[np.ndarray, "vertex 3"], faces: np.ndarray) -> list[Depth]:
    """Pictures from all round of a head whose neck ends in a plane, closed there.

    Nobody looks up through an open neck, where a mouth that is ajar by a hair shows from behind.
    """
    low, high = PAPER_BOX.lower, PAPER_BOX.upper
    rim = max(NECK_CUT.offset, float(vertices[:, 1].min()))
    under = np.array([[x, rim, z] for x in (low[0], high[0]) for z in (low[2], high[2])], vertices.dtype)
    lid = len(vertices) + np.array([[0, 1, 2], [2, 1, 3]], faces.dtype)
    return pictured(np.concatenate([vertices, under]), np.concatenate([faces, lid]), everywhere())


def everywhere() -> Float[np.ndarray, "view 3"]:
    """Directions spread evenly over the sphere (a Fibonacci spiral)."""
    place = np.arange(EVERYWHERE) + 0.5
    up, turn = 1 - 2 * place / EVERYWHERE, np.pi * (1 + 5**0.5) * place
    across = np.sqrt(1 - up**2)
    return np.stack([across * np.sin(turn), up, across * np.cos(turn)], 1)


def anywhere(count: int, random: np.random.Generator) -> Float[np.ndarray, "view 3"]:
    """Random directions."""
    raw = random.normal(size=(count, 3))
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)
