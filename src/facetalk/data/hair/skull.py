"""The skin that hair grows on: distances to one person's head, and which place of the template lies nearest."""

from dataclasses import dataclass

import igl
import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter, map_coordinates

from facetalk.data.hair.places import Places, skin_faces
from facetalk.data.posing import SourceHead
from facetalk.geometry import UNIT_MM, Box

CELL_MM = 5.0
"""Spacing of the nodes; skin under hair bends so little that distances between nodes are right to 0.1 mm."""
SOFT_MM = 7.0
"""Hair lies over ears and nape as if they were blurred by this much."""
HAIR_BOX = Box((-0.52, -0.5, -0.94), (0.52, 0.745, 0.4))
"""Where hair can be, in units."""


@dataclass(frozen=True)
class Marks:
    """What is known of places of the skin."""

    place: Float[np.ndarray, "point 3"]
    """On the source's mean head."""
    scalp: Float[np.ndarray, " point"]
    beard: Float[np.ndarray, " point"]
    """How far within these regions, negative outside."""


@dataclass(frozen=True)
class Skull:
    """One person's head in the canonical pose, known at the nodes of a grid."""

    distance: Float[np.ndarray, "x y z"]
    """Signed distance to the skin."""
    soft: Float[np.ndarray, "x y z"]
    """The same, blurred."""
    marks: Float[np.ndarray, "5 x y z"]
    """Of the nearest point of the skin: its place on the source's mean head, which is the same part of the head on
    everybody, and how far it is within scalp and beard."""
    lowest: float
    """Height of the chin."""

    @classmethod
    def of(cls, head: SourceHead, places: Places) -> "Skull":
        """Measure a person of the source that `places` belong to."""
        where = nodes()
        parts, vertices = head.source.parts, np.ascontiguousarray(UNIT_MM * head.canonical.vertices, np.float64)
        skin = np.ascontiguousarray(skin_faces(head.source), np.int64)
        squared, faces, nearest = map(np.asarray, igl.point_mesh_squared_distance(where, vertices, skin))
        winding = np.asarray(igl.fast_winding_number(vertices, np.ascontiguousarray(parts.flesh, np.int64), where))
        distance = np.where(winding > 0.5, -1, 1) * np.sqrt(squared)
        corners = skin[faces]
        a, b, c = (np.ascontiguousarray(vertices[corners[:, k]]) for k in range(3))
        shares = np.asarray(igl.barycentric_coordinates(nearest, a, b, c))
        marks = np.einsum("nk,nkx->xn", shares, places.marks[corners]).reshape(-1, *shape()).astype(np.float32)
        grid = distance.reshape(shape()).astype(np.float32)
        chin = float(vertices[head.source.marks.at(8)][0, 1])
        return cls(grid, gaussian_filter(grid, SOFT_MM / CELL_MM), marks, chin)

    def to_skin(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
        """Signed distance to the skin."""
        return _at(self.distance, points)

    def to_soft(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
        """Signed distance to the blurred skin."""
        return _at(self.soft, points)

    def marked(self, points: Float[np.ndarray, "point 3"]) -> Marks:
        """Marks of the skin nearest to points."""
        place = np.stack([_at(axis, points) for axis in self.marks[:3]], 1)
        return Marks(place, _at(self.marks[3], points), _at(self.marks[4], points))

    def normals(self, points: Float[np.ndarray, "point 3"], *, soft: bool) -> Float[np.ndarray, "point 3"]:
        """Away from the skin."""
        field, step = (self.soft if soft else self.distance), 0.5 * CELL_MM * np.eye(3)
        rise = np.stack([_at(field, points + side) - _at(field, points - side) for side in step], 1)
        return rise / np.maximum(np.linalg.norm(rise, axis=1, keepdims=True), 1e-6)


def nodes(stride: int = 1) -> Float[np.ndarray, "node 3"]:
    """Places of the nodes, or of every `stride`-th along each axis."""
    steps = zip(HAIR_BOX.lower, shape(), strict=True)
    axes = [UNIT_MM * low + CELL_MM * np.arange(count)[::stride] for low, count in steps]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)


def shape() -> tuple[int, int, int]:
    """Nodes along x, y and z."""
    x, y, z = (np.ceil(HAIR_BOX.size * UNIT_MM / CELL_MM).astype(int) + 1).tolist()
    return x, y, z


def _at(grid: Float[np.ndarray, "x y z"], points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
    place = (points - UNIT_MM * np.array(HAIR_BOX.lower)) / CELL_MM
    return map_coordinates(grid, place.T, order=1, mode="nearest")
