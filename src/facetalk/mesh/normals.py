"""Normals and edges at the vertices of a triangle mesh."""

import numpy as np
from jaxtyping import Float, Int

from facetalk.compiled import kernel


def vertex_normals(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"]
) -> Float[np.ndarray, "vertex 3"]:
    """Unit normals: face normals weighted by area, so that slivers do not count."""
    return area_weighted(np.ascontiguousarray(vertices, np.float32), np.ascontiguousarray(faces, np.int32))


@kernel
def area_weighted(vertices, faces):
    """Sum of the cross products of the faces at each vertex, made unit length; zero where there is no face."""
    normals = np.zeros_like(vertices)
    for f in range(len(faces)):
        a, b, c = faces[f]
        ux, uy, uz = (
            vertices[b, 0] - vertices[a, 0],
            vertices[b, 1] - vertices[a, 1],
            vertices[b, 2] - vertices[a, 2],
        )
        vx, vy, vz = (
            vertices[c, 0] - vertices[a, 0],
            vertices[c, 1] - vertices[a, 1],
            vertices[c, 2] - vertices[a, 2],
        )
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for v in (a, b, c):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(len(normals)):
        length = np.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2)
        if length > 0:
            for a in range(3):
                normals[v, a] /= length
    return normals


@kernel
def edge_lengths(vertices, faces):
    """Mean length of the edges at each vertex; zero where there is no face."""
    total, count = np.zeros(len(vertices), np.float32), np.zeros(len(vertices), np.float32)
    for f in range(len(faces)):
        for corner in range(3):
            a, b = faces[f, corner], faces[f, (corner + 1) % 3]
            length = np.float32(0)
            for i in range(3):
                length += (vertices[a, i] - vertices[b, i]) ** 2
            for v in (a, b):
                total[v] += np.sqrt(length)
                count[v] += 1
    return total / np.maximum(count, np.float32(1))
