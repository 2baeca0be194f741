"""Whether a surface is whole: its pieces, tears and tunnels, and whether it passes through itself.

A tear is an edge with one face; a tunnel is a handle of the surface, as an ear pierced by a hole has one. The genus g
of a surface follows from Euler's formula, V − E + F = 2C − 2g − B with C pieces and B loops of border edges. Where
more than two faces share an edge, sheets only touch: there the surface is cut apart before it is counted.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from facetalk.types import Mesh

NEAR_TRIANGLES = 24
"""Neighbours, by their middles, that a sampled triangle is tested against."""
TOUCHING = 1e-3
"""Share of a triangle or edge by which a crossing must lie inside: triangles that merely touch do not cross."""


@dataclass(frozen=True)
class Topology:
    """What Euler's formula says of a surface."""

    pieces: int
    loops: int
    """Closed runs of border edges, those of cut-apart edges included."""
    genus: int
    """Tunnels of all pieces together."""


def topology(faces: Int[np.ndarray, "face 3"]) -> Topology:
    """Pieces, border loops and tunnels of a surface."""
    if len(faces) == 0:
        return Topology(0, 0, 0)
    start, stop = faces.ravel(), np.roll(faces, -1, 1).ravel()
    one, other = _joined(start, stop)
    after = _following(np.arange(3 * len(faces)))
    corners = np.concatenate([one, after[one]]), np.concatenate([after[other], other])
    vertices, fan = _components(*corners, 3 * len(faces))
    pieces, _ = _components(one // 3, other // 3, len(faces))
    border = np.ones(3 * len(faces), bool)
    border[one] = border[other] = False
    edges = np.flatnonzero(border)
    ends, numbered = np.unique(np.stack([fan[edges], fan[after[edges]]]), return_inverse=True)
    numbered = numbered.reshape(2, -1)
    loops = _components(numbered[0], numbered[1], len(ends))[0] if len(ends) else 0
    euler = vertices - (len(one) + len(edges)) + len(faces)
    return Topology(pieces, loops, (2 * pieces - loops - euler) // 2)


def border_vertices(faces: Int[np.ndarray, "face 3"]) -> Int[np.ndarray, " vertex"]:
    """Vertices at edges that only one face has."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    return np.unique(unique[count == 1])


def crossings(mesh: Mesh, sampled: Int[np.ndarray, " sample"]) -> Bool[np.ndarray, " sample"]:
    """Whether sampled triangles are pierced by, or pierce, an edge of a triangle near them with no corner in common."""
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    tree = KDTree(corners.mean(1))
    near = tree.query(corners[sampled].mean(1), k=min(NEAR_TRIANGLES, len(corners)))[1].reshape(len(sampled), -1)
    here, there = np.repeat(sampled, near.shape[1]), near.ravel()
    apart = ~(mesh.faces[here][:, :, None] == mesh.faces[there][:, None, :]).any((1, 2))
    crossed = np.zeros(len(here), bool)
    a, b = corners[here[apart]], corners[there[apart]]
    crossed[apart] = _pierced(a, b) | _pierced(b, a)
    return crossed.reshape(len(sampled), -1).any(1)


def _pierced(
    triangles: Float[np.ndarray, "pair 3 3"], others: Float[np.ndarray, "pair 3 3"]
) -> Bool[np.ndarray, " pair"]:
    """Whether an edge of the other triangle passes through a triangle (Möller and Trumbore, 1997)."""
    origin, u, v = triangles[:, 0], triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    found = np.zeros(len(triangles), bool)
    for corner in range(3):
        begin, way = others[:, corner], others[:, (corner + 1) % 3] - others[:, corner]
        across = np.cross(way, v)
        volume = (u * across).sum(1)
        scale = np.divide(1.0, volume, out=np.zeros_like(volume), where=np.abs(volume) > 1e-30)
        from_origin = begin - origin
        first = (from_origin * across).sum(1) * scale
        turned = np.cross(from_origin, u)
        second, along = (way * turned).sum(1) * scale, (v * turned).sum(1) * scale
        inside = (first > TOUCHING) & (second > TOUCHING) & (first + second < 1 - TOUCHING)
        found |= inside & (along > TOUCHING) & (along < 1 - TOUCHING) & (scale != 0)
    return found


def _joined(start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half edges that meet exactly one other, running against it."""
    key = np.minimum(start, stop).astype(np.int64) * (int(max(start.max(), stop.max())) + 1) + np.maximum(start, stop)
    _, inverse, count = np.unique(key, return_inverse=True, return_counts=True)
    order, first = np.argsort(inverse, kind="stable"), np.cumsum(count) - count
    one, other = order[first[count == 2]], order[first[count == 2] + 1]
    opposed = start[one] == stop[other]
    return one[opposed], other[opposed]


def _following(half_edges: np.ndarray) -> np.ndarray:
    return half_edges // 3 * 3 + (half_edges + 1) % 3


def _components(first: np.ndarray, second: np.ndarray, count: int) -> tuple[int, np.ndarray]:
    links = coo_matrix((np.ones(len(first), np.int8), (first, second)), shape=(count, count))
    return connected_components(links, directed=False)
