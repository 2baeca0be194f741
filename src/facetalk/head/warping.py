"""Carrying points of one person's head to the same places of the mean head, by the anchors of both."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from facetalk.head.anatomy import ANCHORS, Anatomy

FIXED = ANCHORS + 1
"""Points that are carried exactly: the anchors and the crown."""
STIFFNESS = 1e-3
"""How far, in units, a fixed point may be missed for a smoother warp."""


def fixed_points(anatomy: Anatomy) -> Float[Tensor, "identity 40 3"]:
    """Anchors and crown of identities."""
    return torch.cat([anatomy.anchors, anatomy.landmark("crown")[:, None]], 1)


class Warp(nn.Module):
    """Biharmonic splines in space: an affine map and the smoothest bend that carries fixed points to the mean's."""

    mean: Float[Tensor, "40 3"]

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FIXED, 3))

    def to_mean(self, anatomy: Anatomy) -> Callable[[Float[Tensor, "point 3"]], Float[Tensor, "point 3"]]:
        """The map of one identity."""
        fixed = fixed_points(anatomy)[0]
        weights = _solved(fixed, self.mean.to(fixed.device) - fixed)

        def carried(points: Float[Tensor, "point 3"]) -> Float[Tensor, "point 3"]:
            return points + torch.cat([torch.cdist(points, fixed), affine(points)], 1) @ weights

        return carried


def affine(points: Float[Tensor, "point 3"]) -> Float[Tensor, "point 4"]:
    """One and the coordinates."""
    return torch.cat([torch.ones_like(points[:, :1]), points], 1)


def _solved(fixed: Float[Tensor, "40 3"], moves: Float[Tensor, "40 3"]) -> Float[Tensor, "44 3"]:
    """Weights of the distances to the fixed points, then of the affine map."""
    size = len(fixed)
    system = torch.zeros(size + 4, size + 4, dtype=torch.float64, device=fixed.device)
    system[:size, :size] = torch.cdist(fixed, fixed).double() - STIFFNESS * torch.eye(size, device=fixed.device)
    system[:size, size:] = affine(fixed).double()
    system[size:, :size] = affine(fixed).double().T
    goal = torch.cat([moves, moves.new_zeros(4, 3)]).double()
    return torch.linalg.solve(system, goal).float()
