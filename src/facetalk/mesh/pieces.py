"""The connected pieces of a mesh, and which of them an onlooker can reach."""

import numpy as np
from jaxtyping import Bool, Float, Int

from facetalk.compiled import kernel
from facetalk.geometry import UNIT_MM
from facetalk.types import Mesh

FLOATING_MM = 20.0
"""Pieces smaller than this across are dust. An eyeball or a row of teeth is larger; a splinter of an ear is not."""


def reachable(mesh: Mesh, floating_mm: float = FLOATING_MM) -> Mesh:
    """`mesh` without closed inner cavities and without pieces less than `floating_mm` across.

    A cavity's walls face inward, so it encloses negative volume: a sealed mouth is one. The largest piece always
    stays.
    """
    keep = outer_faces(mesh.vertices, mesh.faces, floating_mm)
    return mesh if keep.all() else select_faces(mesh, keep)


def outer_faces(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], floating_mm: float = FLOATING_MM
) -> Bool[np.ndarray, " face"]:
    """Faces of pieces that `reachable` keeps."""
    if len(faces) == 0:
        return np.zeros(0, bool)
    piece = pieces(np.ascontiguousarray(faces, np.int32), len(vertices))
    keep = _outer(vertices, faces, piece, floating_mm / UNIT_MM)
    return keep[piece[faces[:, 0]]]


def select_faces(mesh: Mesh, chosen: np.ndarray) -> Mesh:
    """The chosen faces (a mask or indices) and the vertices they use."""
    faces = np.ascontiguousarray(mesh.faces[chosen], np.int32)
    used, faces = renumbered(faces, len(mesh.vertices))
    regions = None if mesh.regions is None else mesh.regions[used]
    normals = None if mesh.normals is None else mesh.normals[used]
    canonical = None if mesh.canonical is None else mesh.canonical[used]
    return Mesh(mesh.vertices[used], faces, regions, normals, canonical)


@kernel
def renumbered(faces, count):
    """The vertices that faces use, in order, and the faces counting in those alone."""
    new = np.full(count, -1, np.int32)
    for f in range(len(faces)):
        for c in range(3):
            new[faces[f, c]] = 0
    used = np.empty(count, np.int64)
    n = 0
    for v in range(count):
        if new[v] == 0:
            new[v] = n
            used[n] = v
            n += 1
    found = np.empty_like(faces)
    for f in range(len(faces)):
        for c in range(3):
            found[f, c] = new[faces[f, c]]
    return used[:n].copy(), found


def _outer(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], piece: Int[np.ndarray, " vertex"],
    least: float,
) -> np.ndarray:  # fmt: skip
    count = int(piece.max()) + 1
    volume, diagonal = piece_sizes(vertices, faces, piece, count)
    keep = (volume > 0) & (diagonal >= least)
    keep[diagonal.argmax()] = True
    return keep


@kernel
def pieces(faces, count):
    """Number of the connected piece each vertex belongs to."""
    parent = np.arange(count).astype(np.int32)
    for f in range(len(faces)):
        for c in range(2):
            a, b = faces[f, c], faces[f, c + 1]
            while parent[a] != a:
                parent[a] = parent[parent[a]]
                a = parent[a]
            while parent[b] != b:
                parent[b] = parent[parent[b]]
                b = parent[b]
            if a < b:
                parent[b] = a
            else:
                parent[a] = b
    n = 0
    for v in range(count):  # a root comes before all it holds
        if parent[v] == v:
            parent[v] = -n - 1
            n += 1
        else:
            root = parent[v]
            while root >= 0 and parent[root] >= 0:
                root = parent[root]
            parent[v] = parent[root] if root >= 0 else root
    return -parent - 1


@kernel
def piece_sizes(vertices, faces, piece, count):
    """Signed volume about its first vertex and length of the box diagonal of each piece."""
    volume = np.zeros(count)
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    origin = np.full(count, -1)
    a, b, c = np.empty(3), np.empty(3), np.empty(3)
    for f in range(len(faces)):
        p = piece[faces[f, 0]]
        if origin[p] < 0:
            origin[p] = faces[f, 0]
        for x in range(3):
            o = vertices[origin[p], x]
            a[x], b[x], c[x] = vertices[faces[f, 0], x] - o, vertices[faces[f, 1], x] - o, vertices[faces[f, 2], x] - o
            low[p, x] = min(low[p, x], a[x], b[x], c[x])
            high[p, x] = max(high[p, x], a[x], b[x], c[x])
        volume[p] += (
            a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])
        )
    diagonal = np.zeros(count)
    for p in range(count):
        for x in range(3):
            diagonal[p] += (high[p, x] - low[p, x]) ** 2
        diagonal[p] = np.sqrt(diagonal[p])
    return volume / 6, diagonal
