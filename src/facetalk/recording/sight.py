"""What calibrated cameras see of a posed head: pixels with their true depth, and what their surface is like."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from facetalk.recording.areas import on_scalp
from facetalk.recording.cameras import CalibratedCamera
from facetalk.recording.stereo import TrueView
from facetalk.render.raster import Visibility, visible
from facetalk.types import EYEBALL, Mesh


@dataclass(frozen=True)
class Surface:
    """A mesh where it stands in the world; everything that all cameras share is made once."""

    vertices: Float[np.ndarray, "vertex 3"]
    """Millimetres of the world."""
    faces: Int[np.ndarray, "face 3"]
    normals: Float[np.ndarray, "face 3"]
    """Of length 1, or 0 where a face has no area."""
    middles: Float[np.ndarray, "face 3"]
    wet: Bool[np.ndarray, " face"]
    """Of eyes."""
    hairy: Bool[np.ndarray, " face"]
    """Under hair."""

    @classmethod
    def of(cls, mesh: Mesh, T_world_head: Float[np.ndarray, "4 4"]) -> "Surface":
        """A mesh of head space, in units."""
        world = mesh.vertices.astype(np.float64) @ T_world_head[:3, :3].T + T_world_head[:3, 3]
        a, b, c = (world[corner] for corner in mesh.faces.T)
        normals = np.cross(b - a, c - a)
        normals /= np.maximum(np.sqrt(np.einsum("fi,fi->f", normals, normals)), 1e-12)[:, None]
        here = [mesh.vertices[corner] for corner in mesh.faces.T]
        return cls(world, mesh.faces, normals, (a + b + c) / 3, _wet(mesh), on_scalp((here[0] + here[1] + here[2]) / 3))

    def through(self, camera: CalibratedCamera) -> Visibility:
        """The nearest face through every pixel."""
        column, row, depth = camera.project(self.vertices).T
        screen = np.stack([column, row, 1 / depth], axis=1).astype(np.float32)
        return visible(screen, self.faces, camera.width, camera.height)

    def seen(self, camera: CalibratedCamera) -> "Pixels":
        """The pixels of a camera that see the surface."""
        found = self.through(camera)
        row, column = np.nonzero(found.triangle >= 0)
        return Pixels(row, column, found.triangle[row, column], found.nearness[row, column])

    def view(self, camera: CalibratedCamera, pixels: "Pixels") -> TrueView:
        """What a camera would measure at some pixels without error."""
        face = pixels.face
        towards, normal = self.middles[face] - camera.position, self.normals[face]
        away = np.sqrt(np.einsum("fi,fi->f", towards, towards))
        cosine = np.abs(np.einsum("fi,fi->f", normal, towards)) / np.maximum(away, 1e-12)
        depth = 1 / pixels.nearness.astype(np.float64)
        shape = (camera.height, camera.width)
        return TrueView(shape, pixels.row, pixels.column, depth, cosine, self.wet[face], self.hairy[face])


@dataclass(frozen=True)
class Pixels:
    """Pixels of one camera that see a surface."""

    row: Int[np.ndarray, " pixel"]
    column: Int[np.ndarray, " pixel"]
    face: Int[np.ndarray, " pixel"]
    nearness: Float[np.ndarray, " pixel"]
    """1 / depth."""

    def __len__(self) -> int:
        return len(self.row)

    def some(self, chosen: Bool[np.ndarray, " pixel"]) -> "Pixels":
        """Some of them."""
        return Pixels(self.row[chosen], self.column[chosen], self.face[chosen], self.nearness[chosen])


def _wet(mesh: Mesh) -> Bool[np.ndarray, " face"]:
    if mesh.regions is None:
        return np.zeros(len(mesh.faces), bool)
    return mesh.regions[mesh.faces[:, 0]][:, list(map(int, EYEBALL))].sum(axis=1) > 0.5
