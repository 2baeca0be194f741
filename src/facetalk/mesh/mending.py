"""Carried vertices made presentable: torn ones follow their neighbours, covered ones draw back.

Where a deformation tears, some vertices miss their place and would stand out as spikes. Teeth and eyeballs behind
closed lips and lids have their solution inside flesh, in the very layer where the two sides touch: teeth would show
through the line between them, and an eyeball would be rough.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_matrix, csr_matrix, diags
from torch import Tensor

from facetalk.geometry import UNIT_MM

SWEEPS = 30
"""Times that torn vertices are given the mean of their neighbours."""
COVERED_MM, DRAW_MM, GAIN = 0.1, 1.5, 3.0
"""From this depth in flesh on a hard vertex is covered; it draws back by so many times its depth, at most so far."""

FEWEST = 12
"""Points of an eyeball that tell how it is turned."""


def follow_neighbours(
    moves: Float[Tensor, "vertex 3"], torn: Bool[Tensor, " vertex"], means: csr_matrix
) -> Float[Tensor, "vertex 3"]:
    """Displacements, those of torn vertices replaced by their neighbours' `means` until they agree."""
    rows = np.flatnonzero(torn.numpy())
    if len(rows) == 0:
        return moves
    found = moves.numpy().copy()
    chosen = means[rows]
    for _ in range(SWEEPS):
        found[rows] = chosen @ found
    return torch.from_numpy(found)


def neighbour_means(faces: Int[np.ndarray, "face 3"], count: int) -> csr_matrix:
    """The matrix that takes the mean over a vertex's neighbours."""
    pairs = np.concatenate([faces[:, [a, b]] for a in range(3) for b in range(3) if a != b])
    links = coo_matrix((np.ones(len(pairs), np.float32), pairs.T), (count, count)).tocsr()
    links.data[:] = 1
    return csr_matrix(diags(1 / np.maximum(np.asarray(links.sum(1)).ravel(), 1).astype(np.float32)) @ links)


def draw_back(
    points: Float[Tensor, "vertex 3"], normals: Float[Tensor, "vertex 3"], distance: Float[Tensor, " vertex"]
) -> Float[Tensor, "vertex 3"]:
    """Hard points inside flesh, whose posed distance is given, moved inwards along their normals."""
    depth = (-distance - COVERED_MM / UNIT_MM).clamp_min(0)
    return points - (GAIN * depth).clamp_max(DRAW_MM / UNIT_MM)[:, None] * normals


def turn_rigidly(
    points: Float[Tensor, "point 3"], canonical: Float[Tensor, "point 3"], sure: Bool[Tensor, " point"],
    centre: Float[Tensor, "3"],
) -> Float[Tensor, "point 3"]:  # fmt: skip
    """Points of a ball that turns about its centre, all as the sure ones do (Kabsch 1976); unturned if few are sure."""
    arms = canonical - centre
    if int(sure.sum()) < FEWEST:
        return canonical
    left, _, right = torch.linalg.svd((arms[sure].T @ (points[sure] - centre)).double())
    flip = torch.diag(torch.tensor([1.0, 1.0, float(torch.sign(torch.linalg.det(left @ right)))], dtype=torch.float64))
    return centre + arms @ (left @ flip @ right).to(arms.dtype)
