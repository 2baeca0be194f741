"""Material points of a scan off its surface, posed and canonical, which the deformation has to carry on each other."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.training.head_data import PosedBatch

INWARD, INWARD_AT_LIDS = 0.008, 0.0016
"""Furthest a point inside the surface is paired with a canonical one, in units; lids are thin."""
FINE_OUT_MM = 0.6
"""Furthest that points in front of lips and lids are carried with them: across a small opening they move apart."""


def paired(
    batch: PosedBatch, lids: Bool[Tensor, "scan point"], generator: torch.Generator
) -> tuple[Float[Tensor, "scan point 3"], Float[Tensor, "scan point 3"]]:
    """Posed and canonical places of material points: the last half on the surface, the rest off it along the normal."""
    reach = torch.rand(batch.valid_out.shape, generator=generator)
    inward = torch.where(lids, INWARD_AT_LIDS, INWARD)
    along = reach * (batch.valid_out + inward) - inward
    along[:, along.shape[1] // 2 :] = 0.0
    along = along[..., None]
    return batch.surface + along * batch.normal, batch.target + along * batch.target_normal


@dataclass(frozen=True)
class Before:
    """Places on and close before a surface, posed and canonical, and their distances."""

    source: Float[Tensor, "scan point 3"]
    target: Float[Tensor, "scan point 3"]
    out: Float[Tensor, "scan point"]


def before(fine: PosedBatch, generator: torch.Generator) -> Before:
    """Every other one out in the air along the normal, where that is known to be free, the rest on the surface."""
    out = torch.rand(fine.valid_out.shape, generator=generator) * fine.valid_out.clamp_max(FINE_OUT_MM / UNIT_MM)
    out[:, ::2] = 0.0
    along = out[..., None]
    return Before(fine.surface + along * fine.normal, fine.target + along * fine.target_normal, out)
