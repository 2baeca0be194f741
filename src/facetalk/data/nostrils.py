"""The wall between the nostrils: a source's nostrils meet behind the tip of the nose on one head in seven.

Their inner walls move apart until so much flesh lies between them that it neither vanishes nor is too thin to be
learnt; towards the openings they stay where they are.
"""

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from facetalk.data.eyeballs import MILLIMETRE

HALF_WALL = 2.0 * MILLIMETRE
"""Least distance of a nostril's wall from the middle between both nostrils."""
SOFTNESS = 0.6 * MILLIMETRE
"""Over what length a wall that is moved goes over into one that is not."""
WHOLLY, NOT_AT_ALL = 18.0 * MILLIMETRE, 26.0 * MILLIMETRE
"""How far along the skin from the end of a nostril walls are moved wholly, and from where on they are not."""


class Nostrils:
    """Both nostrils of a source's mesh, left first."""

    def __init__(
        self, neutral: Float[np.ndarray, "vertex 3"], skin: Int[np.ndarray, "face 3"], ends: tuple[int, int]
    ) -> None:
        """Take the mean head, the faces of its skin, and the vertices at which both nostrils end."""
        along = _along_skin(neutral, skin, ends)
        self.walls: list[tuple[float, Int[np.ndarray, " wall"], Float[np.ndarray, " wall"]]] = []
        for sign, distance in zip((1.0, -1.0), along, strict=True):
            wall = np.flatnonzero(distance < NOT_AT_ALL)
            share = np.clip((NOT_AT_ALL - distance[wall]) / (NOT_AT_ALL - WHOLLY), 0, 1)
            self.walls.append((sign, wall, share * share * (3 - 2 * share)))

    def parted(self, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """Displacement of all vertices that leaves a wall between the nostrils."""
        moved = np.zeros_like(vertices)
        middle = np.mean([vertices[wall, 0].mean() for _, wall, _ in self.walls])
        for sign, wall, share in self.walls:
            aside = sign * (vertices[wall, 0] - middle)
            least = HALF_WALL + SOFTNESS * np.logaddexp(0, (aside - HALF_WALL) / SOFTNESS)
            moved[wall, 0] = sign * share * (least - aside)
        return moved


def _along_skin(
    neutral: Float[np.ndarray, "vertex 3"], skin: Int[np.ndarray, "face 3"], starts: tuple[int, int]
) -> Float[np.ndarray, "start vertex"]:
    """Length of the way along edges of the skin from some vertices; far ones are infinite."""
    one, other = skin.ravel(), np.roll(skin, -1, axis=1).ravel()
    length = np.linalg.norm(neutral[one] - neutral[other], axis=1)
    edges = coo_matrix((length, (one, other)), shape=(len(neutral), len(neutral))).tocsr()
    return dijkstra(edges, directed=False, indices=starts, limit=NOT_AT_ALL)
