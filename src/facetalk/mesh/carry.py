"""Points of the canonical surface carried to a posed one by inverting the backward deformation.

A backward deformation says where a posed point x came from, x + offset(x), and how much the surface stands back or out
there, level(x). The posed surface is canonical(x + offset) + level = 0, so the canonical point v with outward normal n
is looked for where x + offset(x) + level(x) n = v: along the normal the canonical distance grows by one for one, so
that there the posed distance is zero. Where lips or lids touch, the whole gap between them is squeezed into a thin
layer; points of both sides find their place in that layer, and there they stop.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from facetalk.geometry import UNIT_MM

Deform = Callable[[Float[Tensor, "point 3"]], tuple[Float[Tensor, "point 3"], Float[Tensor, " point"]]]
"""Posed points to (offsets to canonical points, level added to the canonical distance)."""
TOLERANCE_MM = 0.04
"""A point this near to where it should have come from has arrived."""
LONGEST_MM = 8.0
"""Longest step of a round."""
ROUNDS = 6
LEAST_TURN = 1e-3
"""An update of the slope is left out where the last step said this little about it."""


@dataclass(frozen=True)
class Carried:
    """Where points of a canonical surface lie in a pose."""

    points: Float[Tensor, "point 3"]
    miss_mm: Float[Tensor, " point"]
    """How far from its own place each point's origin still is; large where the deformation folds or tears."""


def carry(
    deform: Deform, canonical: Float[Tensor, "point 3"], normals: Float[Tensor, "point 3"],
    start: Float[Tensor, "point 3"], rounds: int = ROUNDS,
) -> Carried:  # fmt: skip
    """Solve for every point by Broyden's method (1965, the "good" update), each with a slope of its own.

    Args:
        deform: of the pose.
        canonical: points of the canonical surface.
        normals: outward, of the canonical surface.
        start: a guess of the posed points; the best points met are returned, never worse than these.
        rounds: most evaluations after the first.
    """

    def missing(points: Tensor, rows: Int[Tensor, " row"]) -> Tensor:
        offsets, level = deform(points)
        return points + offsets + level[:, None] * normals[rows] - canonical[rows]

    rows = torch.arange(len(start), device=start.device)
    points, miss = start.clone(), missing(start, rows)
    best, least = start.clone(), miss.norm(dim=1)
    inverse = torch.eye(3, device=start.device, dtype=start.dtype).repeat(len(start), 1, 1)
    for _ in range(rounds):
        rows = rows[miss[rows].norm(dim=1) * UNIT_MM > TOLERANCE_MM]
        if len(rows) == 0:
            break
        step = _at_most(-_times(inverse[rows], miss[rows]), LONGEST_MM / UNIT_MM)
        points[rows] += step
        now = missing(points[rows], rows)
        inverse[rows] += _turn(inverse[rows], step, now - miss[rows])
        miss[rows] = now
        length = now.norm(dim=1)
        better = rows[length < least[rows]]
        best[better], least[better] = points[better], miss[better].norm(dim=1)
    return Carried(best, least * UNIT_MM)


def _times(matrices: Float[Tensor, "row 3 3"], vectors: Float[Tensor, "row 3"]) -> Float[Tensor, "row 3"]:
    return (matrices @ vectors[:, :, None])[:, :, 0]


def _at_most(steps: Float[Tensor, "row 3"], longest: float) -> Float[Tensor, "row 3"]:
    return steps * (longest / steps.norm(dim=1, keepdim=True).clamp_min(longest))


def _turn(
    inverse: Float[Tensor, "row 3 3"], step: Float[Tensor, "row 3"], change: Float[Tensor, "row 3"]
) -> Float[Tensor, "row 3 3"]:
    """What the inverse slopes gain from a step and the change it brought (Sherman-Morrison form)."""
    expected = _times(inverse, change)
    scale = (step * expected).sum(1, keepdim=True)
    known = scale.abs() > LEAST_TURN * step.square().sum(1, keepdim=True)
    gain = torch.where(known, (step - expected) / torch.where(known, scale, 1.0), 0.0)
    return gain[:, :, None] * (step[:, None] @ inverse)
