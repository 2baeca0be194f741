"""Triangles that bend: edges whose arc leaves the chord are divided, and their middles brought onto the surface.

Flat triangles on a round head lie inside of it, by a twentieth of a millimetre and more where cells are wide. Which
edges bend is read from the normals at their ends, so nothing is asked of the field but at the new vertices.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Int

from facetalk.geometry import UNIT_MM
from facetalk.mesh.normals import vertex_normals
from facetalk.types import Mesh

CREASE = 0.5
"""Cosine between the normals of an edge's ends below which the two do not lie on one arc; its middle starts flat."""
Onto = Callable[[np.ndarray, np.ndarray, np.ndarray], Float[np.ndarray, "point 3"]]
"""Moves points along normals onto the surface, each no farther than its reach."""


def divided(mesh: Mesh, onto: Onto, tolerance_mm: float) -> Mesh:
    """The mesh with a vertex more on every edge that bends away from the surface by more than the tolerance.

    Args:
        mesh: vertices on the surface, outward normals.
        onto: brings the new vertices there.
        tolerance_mm: largest height of an arc over an edge that stays.
    """
    ends, of_face = edges(mesh.faces)
    height, middle, normal = arcs(mesh, ends)
    bent = np.flatnonzero(np.abs(height) > tolerance_mm / UNIT_MM)
    starts, stops = mesh.vertices[ends[bent]].swapaxes(0, 1)
    added = onto(middle[bent], normal[bent], np.linalg.norm(stops - starts, axis=1) / 2)
    number = np.full(len(ends), -1, np.int32)
    number[bent] = len(mesh.vertices) + np.arange(len(bent), dtype=np.int32)
    vertices = np.concatenate([mesh.vertices, added])
    faces = split(mesh.faces, number[of_face], vertices)
    return Mesh(vertices, faces, normals=vertex_normals(vertices, faces))


def edges(faces: Int[np.ndarray, "face 3"]) -> tuple[Int[np.ndarray, "edge 2"], Int[np.ndarray, "face 3"]]:
    """Vertices of each edge, the lower first, and the edges of each face: the first from its first corner on."""
    ends = np.sort(np.stack([faces, np.roll(faces, -1, 1)], 2).reshape(-1, 2).astype(np.int64), 1)
    key, of_face = np.unique(ends[:, 0] << 32 | ends[:, 1], return_inverse=True)
    return np.stack([key >> 32, key & 0xFFFFFFFF], 1), of_face.reshape(-1, 3)


def arcs(
    mesh: Mesh, ends: Int[np.ndarray, "edge 2"]
) -> tuple[Float[np.ndarray, " edge"], Float[np.ndarray, "edge 3"], Float[np.ndarray, "edge 3"]]:
    """Of the circle through each edge's ends, square to their normals: height over the chord, top, and normal there."""
    (a, b), (normal_a, normal_b) = mesh.vertices[ends].swapaxes(0, 1), mesh.normals[ends].swapaxes(0, 1)
    height = np.einsum("ij,ij->i", normal_b - normal_a, b - a) / 8
    length = np.linalg.norm(normal_a + normal_b, axis=1)
    normal = (normal_a + normal_b) / np.maximum(length, 1e-6)[:, None]
    arched = np.einsum("ij,ij->i", normal_a, normal_b) > CREASE
    return height, (a + b) / 2 + np.where(arched, height, 0.0)[:, None] * normal, normal


def split(
    faces: Int[np.ndarray, "face 3"], middles: Int[np.ndarray, "face 3"], vertices: Float[np.ndarray, "vertex 3"]
) -> Int[np.ndarray, "more 3"]:
    """Every face cut at the middles of its edges; -1 where an edge is whole."""
    cuts = (middles >= 0).sum(1)
    turn = np.where(cuts == 1, np.argmax(middles >= 0, 1), np.where(cuts == 2, (np.argmin(middles, 1) + 1) % 3, 0))
    turned = (turn[:, None] + np.arange(3)) % 3
    (a, b, c), (ab, bc, ca) = np.take_along_axis(faces, turned, 1).T, np.take_along_axis(middles, turned, 1).T
    one, two, three = cuts == 1, cuts == 2, cuts == 3
    across = np.linalg.norm(vertices[ab] - vertices[c], axis=1) < np.linalg.norm(vertices[a] - vertices[bc], axis=1)
    near, far = two & across, two & ~across
    pieces = [
        (cuts == 0, ((a, b, c),)),
        (one, ((a, ab, c), (ab, b, c))),
        (near, ((ab, b, bc), (a, ab, c), (ab, bc, c))),
        (far, ((ab, b, bc), (a, ab, bc), (a, bc, c))),
        (three, ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))),
    ]  # fmt: skip
    return np.concatenate([np.stack(corners, 1)[rows] for rows, triangles in pieces for corners in triangles])
