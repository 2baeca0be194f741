"""Subdivision of quad meshes as a linear operator, so that a coarse blendshape model becomes a smooth one.

Catmull and Clark 1978: a face point in the middle of each face, an edge point on each edge, and old vertices moved.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix, vstack


@dataclass(frozen=True)
class Subdivided:
    """A finer mesh and how it follows from the coarse one; coarse vertices keep their numbers."""

    operator: csr_matrix
    """Rows sum to one: fine vertices = operator @ coarse vertices."""
    faces: Int[np.ndarray, "fine 4"]
    """Four for each coarse face, in its order."""

    def __call__(self, vertices: Float[np.ndarray, "coarse 3"]) -> Float[np.ndarray, "fine 3"]:
        """Fine vertices."""
        return self.operator @ vertices


def catmull_clark(count: int, faces: Int[np.ndarray, "face 4"]) -> Subdivided:
    """One step for `count` vertices; vertices without faces stay, boundaries follow the boundary curve alone."""
    edges = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    edges, of_face, uses = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    of_face = of_face.reshape(faces.shape)
    middle = _rows(faces, np.full(faces.shape, 0.25), count)
    along = _rows(edges, np.full(edges.shape, 0.5), count)
    border = uses == 1
    beside = csr_matrix(
        (np.full(of_face.size, 0.5), (of_face.ravel(), np.repeat(np.arange(len(faces)), 4))), (len(edges), len(faces))
    )
    inner = csr_matrix((np.where(border, 0.0, 0.5), (np.arange(len(edges)),) * 2))
    edge_points = _scaled(along, np.where(border, 1.0, 0.5)) + inner @ beside @ middle
    operator = _stack(_moved(count, faces, edges, border, middle, along), edge_points, middle)
    face_points = count + len(edges) + np.arange(len(faces))
    before = count + np.roll(of_face, 1, axis=1)
    quads = np.stack([faces, count + of_face, np.repeat(face_points[:, None], 4, axis=1), before], axis=2)
    return Subdivided(operator, quads.reshape(-1, 4))


def _moved(count: int, faces, edges, border, middle: csr_matrix, along: csr_matrix) -> csr_matrix:
    """Old vertices: (faces' mean + 2 edges' mean + (n − 3) self) / n inside, the boundary's own curve on it."""
    at_face = _incidence(faces, count)
    at_edge = _incidence(edges, count)
    valence = np.maximum(np.asarray(at_edge.sum(axis=1)).ravel(), 1)
    faces_around = np.maximum(np.asarray(at_face.sum(axis=1)).ravel(), 1)
    at_border = at_edge @ csr_matrix((border.astype(float), (np.arange(len(edges)),) * 2))
    on_border = np.asarray(at_border.sum(axis=1)).ravel() > 0
    loose = np.asarray(at_face.sum(axis=1)).ravel() == 0
    free = ~on_border & ~loose
    itself = csr_matrix((np.ones(count), (np.arange(count),) * 2))
    inside = (
        _scaled(at_face @ middle, free / (valence * faces_around))
        + _scaled(at_edge @ along, free * 2 / valence**2)
        + _scaled(itself, free * (valence - 3) / valence)
    )
    curve = _scaled(at_border @ along, on_border * 0.25) + _scaled(itself, on_border * 0.5)
    return inside + curve + _scaled(itself, loose.astype(float))


def _rows(columns: np.ndarray, weights: np.ndarray, count: int) -> csr_matrix:
    rows = np.repeat(np.arange(len(columns)), columns.shape[1])
    return csr_matrix((weights.ravel(), (rows, columns.ravel())), (len(columns), count))


def _incidence(groups: np.ndarray, count: int) -> csr_matrix:
    """Which groups each vertex belongs to."""
    return csr_matrix(_rows(groups, np.ones(groups.shape), count).T)


def _scaled(matrix: csr_matrix, factors: np.ndarray) -> csr_matrix:
    return csr_matrix((factors, (np.arange(len(factors)),) * 2)) @ matrix


def _stack(*blocks: csr_matrix) -> csr_matrix:
    return csr_matrix(vstack(blocks))
