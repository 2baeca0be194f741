"""Cutting a mesh by a plane, for a clean rim at the neck."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from facetalk.compiled import kernel
from facetalk.mesh.pieces import pieces, select_faces
from facetalk.types import Mesh

ON_PLANE = np.float32(1e-6)
"""Points this far from a plane lie on it: what was cut before is not cut again."""


@dataclass(frozen=True)
class Plane:
    """The half space normal · x ≥ offset stays."""

    normal: tuple[float, float, float]
    offset: float

    def height(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
        """Signed distance of points from the plane, positive on the side that stays."""
        normal = np.asarray(self.normal, np.float32)
        length = float(np.linalg.norm(normal))
        return (points @ normal - np.float32(self.offset)) / np.float32(length)


def clip(mesh: Mesh, plane: Plane) -> Mesh:
    """The part of `mesh` on the plane's side; triangles across it are cut, their new vertices lie on the plane.

    Of the pieces that the plane cuts, the largest stays: shoulders that only just rise above it would float.
    """
    cut = severed(mesh, plane)
    if cut is mesh:
        return mesh
    return select_faces(cut, _of_largest_cut(cut.faces, cut.vertices, len(mesh.vertices)))


def dropped(mesh: Mesh, plane: Plane) -> Bool[np.ndarray, " vertex"]:
    """Vertices of the pieces that `clip` leaves out although they lie on the plane's side."""
    cut = severed(mesh, plane)
    lost = np.zeros(len(cut.vertices), bool)
    lost[cut.faces[~_of_largest_cut(cut.faces, cut.vertices, len(mesh.vertices))]] = True
    return lost[: len(mesh.vertices)]


def severed(mesh: Mesh, plane: Plane) -> Mesh:
    """Cut, with all vertices of `mesh` still there, also those that no triangle needs; new ones come after them."""
    height = plane.height(mesh.vertices)
    height = np.where(np.abs(height) <= ON_PLANE, np.float32(0), height)
    count = sunk(mesh.faces, height)
    if count.max(initial=0) == 0:
        return mesh
    whole = mesh.faces[count == 0]
    across = mesh.faces[(count == 1) | (count == 2)]
    below = height[across] < 0
    lone = _rolled(across, below, 2, ~below)  # one vertex stays: it comes first
    pair = _rolled(across, below, 1, below)  # one vertex goes: it comes first
    edges = np.concatenate([lone[:, [0, 1]], lone[:, [0, 2]], pair[:, [0, 1]], pair[:, [0, 2]]])
    unique, where = np.unique(np.sort(edges, 1), axis=0, return_inverse=True)
    ids = (where.ravel() + len(mesh.vertices)).astype(np.int32)
    ab, ac, pq, pr = np.split(ids, np.cumsum([len(lone), len(lone), len(pair)]))
    faces = [
        whole,
        np.stack([lone[:, 0], ab, ac], 1),
        np.stack([pq, pair[:, 1], pair[:, 2]], 1),
        np.stack([pq, pair[:, 2], pr], 1),
    ]
    grown = _with_edge_points(mesh, unique, height)
    return replace(grown, faces=np.concatenate(faces).astype(np.int32))


def _of_largest_cut(faces: np.ndarray, vertices: np.ndarray, first: int) -> Bool[np.ndarray, " face"]:
    """Which faces belong to no piece with a rim, or to the largest such; vertices from `first` on are on the rim."""
    piece = pieces(faces, len(vertices))[faces[:, 0]]
    cut = np.unique(piece[(faces >= first).any(axis=1)])
    if len(cut) < 2:
        return np.ones(len(faces), bool)
    a, b, c = vertices[faces].transpose(1, 0, 2)
    area = np.bincount(piece, np.linalg.norm(np.cross(b - a, c - a), axis=1))
    return ~np.isin(piece, cut) | (piece == cut[area[cut].argmax()])


@kernel
def sunk(faces, height):
    """How many corners of each face lie below."""
    count = np.zeros(len(faces), np.uint8)
    for f in range(len(faces)):
        for c in range(3):
            if height[faces[f, c]] < 0:
                count[f] += 1
    return count


def _rolled(faces: np.ndarray, below: np.ndarray, count: int, odd: np.ndarray) -> np.ndarray:
    """The faces with `count` vertices below, turned so that the odd one out comes first."""
    chosen = below.sum(1) == count
    first = odd[chosen].argmax(1)
    return np.take_along_axis(faces[chosen], (first[:, None] + np.arange(3)) % 3, 1)


def _with_edge_points(mesh: Mesh, edges: np.ndarray, height: np.ndarray) -> Mesh:
    a, b = edges.T
    t = (height[a] / (height[a] - height[b]))[:, None]

    def grow(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values[a] + t * (values[b] - values[a])])

    normals = None
    if mesh.normals is not None:
        normals = grow(mesh.normals)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    regions = None if mesh.regions is None else grow(mesh.regions)
    canonical = None if mesh.canonical is None else grow(mesh.canonical)
    return replace(mesh, vertices=grow(mesh.vertices), regions=regions, normals=normals, canonical=canonical)
