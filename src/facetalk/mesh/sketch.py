"""Carrying many points by way of a few: these are solved first, and what they learn tells the others where to start.

A solution costs one evaluation of the deformation more for every correction, and neighbours on a surface move alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from scipy.spatial import KDTree
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.mesh.carry import ROUNDS, Carried, Deform, carry

EVERY = 14
"""One point of so many is sketched."""
NEAR = 4
"""Sketched points that each point follows."""
TURNED_MM = 10.0
"""Opposite normals count as this far apart: sides of lips and lids do not follow each other."""
ARRIVED_MM = 0.3
"""Sketched points that miss their place by more are not followed."""
SEED = 0


@dataclass(frozen=True)
class Sketch:
    """Points of a canonical surface with their normals, and the few of them that are solved first."""

    points: Float[Tensor, "point 3"]
    normals: Float[Tensor, "point 3"]
    few: Int[Tensor, " few"]
    follows: csr_matrix
    """Shares of the few in every point; rows add up to 1."""

    @classmethod
    def of(cls, points: Float[Tensor, "point 3"], normals: Float[Tensor, "point 3"]) -> "Sketch":
        """Chosen evenly among the points, so densely where they lie densely."""
        few = np.sort(np.random.default_rng(SEED).permutation(len(points))[: max(NEAR, len(points) // EVERY)])
        places = np.concatenate([points.numpy(), normals.numpy() * TURNED_MM / UNIT_MM / 2], 1)
        distance, index = KDTree(places[few]).query(places, NEAR)
        share = 1 / (distance + 1e-3 / UNIT_MM)
        share /= share.sum(1, keepdims=True)
        starts = np.arange(0, NEAR * len(points) + 1, NEAR)
        follows = csr_matrix((share.astype(np.float32).ravel(), index.ravel(), starts), (len(points), len(few)))
        return cls(points, normals, torch.from_numpy(few), follows)

    def carry(self, deforms: Sequence[Deform], start: Float[Tensor, "point 3"], rounds: int = ROUNDS) -> Carried:
        """Where the points lie in the last of some poses; the few alone go through those before it.

        Args:
            deforms: of poses on the way, and of the one that is wanted.
            start: a guess of the places in the first of them.
            rounds: most evaluations after the first, of each pose.
        """
        points, normals = self.points[self.few], self.normals[self.few]
        begun = place = start[self.few]
        for deform in deforms:
            carried = carry(deform, points, normals, place, rounds)
            place = carried.points
        arrived = (carried.miss_mm < ARRIVED_MM)[:, None]
        moved = torch.where(arrived, place - begun, 0.0)
        followed = torch.from_numpy(self.follows @ moved.numpy())
        share = torch.from_numpy(self.follows @ arrived.float().numpy())
        return carry(deforms[-1], self.points, self.normals, start + followed / share.clamp_min(0.5), rounds)
