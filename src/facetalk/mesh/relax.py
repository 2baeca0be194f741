"""Vertices along seams drawn between their neighbours: where lips meet a surface is not a smooth zero of the field."""

import numpy as np
from jaxtyping import Bool, Float, Int

from facetalk.compiled import kernel

ROUNDS = 6
ROUGH = 0.03
"""Mean of one minus the cosine between a vertex's normal and those of its faces, from which on it is crumpled: folds of
14 degrees."""


def crumpled(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], normals: Float[np.ndarray, "vertex 3"]
) -> Bool[np.ndarray, " vertex"]:
    """Vertices whose faces do not lie in one plane, nor nearly so."""
    return folds(vertices, faces, normals) > ROUGH


def relaxed(
    vertices: Float[np.ndarray, "vertex 3"],
    faces: Int[np.ndarray, "face 3"],
    loose: Int[np.ndarray, " loose"],
    rounds: int = ROUNDS,
) -> Float[np.ndarray, "vertex 3"]:
    """`vertices`, the loose ones moved `rounds` times to the mean of their neighbours (Laplacian smoothing)."""
    marked = np.zeros(len(vertices), bool)
    marked[loose] = True
    touched = faces[marked[faces[:, 0]] | marked[faces[:, 1]] | marked[faces[:, 2]]]
    moved = vertices.copy()
    for _ in range(rounds):
        average(moved, touched, marked)
    return moved


@kernel
def folds(vertices, faces, normals):
    """Mean of one minus the cosine between the normal of a vertex and those of its faces."""
    total, count = np.zeros(len(vertices), np.float32), np.zeros(len(vertices), np.float32)
    u, v, n = np.empty(3, np.float32), np.empty(3, np.float32), np.empty(3, np.float32)
    for f in range(len(faces)):
        a, b, c = faces[f]
        for i in range(3):
            u[i], v[i] = vertices[b, i] - vertices[a, i], vertices[c, i] - vertices[a, i]
        n[0], n[1], n[2] = u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]
        length = np.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2])
        if length > 0:
            for corner in (a, b, c):
                along = n[0] * normals[corner, 0] + n[1] * normals[corner, 1] + n[2] * normals[corner, 2]
                total[corner] += 1 - along / length
                count[corner] += 1
    return total / np.maximum(count, np.float32(1))


@kernel
def average(vertices, faces, loose):
    """Move loose vertices to the mean of their neighbours, all at once."""
    total, count = np.zeros_like(vertices), np.zeros(len(vertices), np.float32)
    for f in range(len(faces)):
        for corner in range(3):
            a = faces[f, corner]
            if loose[a]:
                for other in (faces[f, (corner + 1) % 3], faces[f, (corner + 2) % 3]):
                    count[a] += 1
                    for i in range(3):
                        total[a, i] += vertices[other, i]
    for v in range(len(vertices)):
        if loose[v] and count[v] > 0:
            for i in range(3):
                vertices[v, i] = total[v, i] / count[v]
