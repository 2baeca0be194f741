"""A signed distance on a lattice, with its slope: what scans are aligned to, asked millions of times a second."""

from collections.abc import Callable

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import grid_sample

from facetalk.geometry import PAPER_BOX
from facetalk.head.cloud import Cloud

MARGIN, STEP = 0.3, 0.03
"""How far round the box of heads the field is kept, and how finely, in units."""
TRUSTED_COSINE = 0.9
"""Normals that agree so well with the head's, by the median, show where outside is and are fitted to."""


class Guide:
    """The mean head's signed distance, or any other, and its slope."""

    def __init__(self, sdf: Callable[[Float[Tensor, "point 3"]], Float[Tensor, " point"]]) -> None:
        lower, upper = np.array(PAPER_BOX.lower) - MARGIN, np.array(PAPER_BOX.upper) + MARGIN
        axes = [torch.arange(a, b, STEP) for a, b in zip(lower.tolist(), upper.tolist(), strict=True)]
        with torch.no_grad():
            distance = sdf(torch.cartesian_prod(*axes).float()).view([len(axis) for axis in axes])
        slope = torch.stack(torch.gradient(distance, spacing=STEP))
        # grid_sample wants channels first and indexes the last axis by x: hence z y x.
        self.volume = rearrange(torch.cat([distance[None], slope]), "channel x y z -> 1 channel z y x").contiguous()
        self.lower = torch.tensor([float(axis[0]) for axis in axes])
        self.upper = torch.tensor([float(axis[-1]) for axis in axes])

    def __call__(
        self, points: Float[Tensor, "start point 3"]
    ) -> tuple[Float[Tensor, "start point"], Float[Tensor, "start point 3"]]:
        """Distance, in units, and its slope."""
        places = 2 * (points - self.lower) / (self.upper - self.lower) - 1
        found = grid_sample(self.volume, places[None, None], align_corners=True, padding_mode="border")
        beyond = (points - points.clamp(self.lower, self.upper)).norm(dim=-1)
        return found[0, 0, 0] + beyond, rearrange(found[0, 1:, 0], "way start point -> start point way")


def facing(
    guide: Guide, points: Float[np.ndarray, "point 3"], normals: Float[np.ndarray, "point 3"], alike: bool
) -> Cloud:
    """Points in head space with their normals outward, as the guide has it; with none where these are too unlike it.

    Args:
        guide: of the mean head, or of the person.
        points: in units.
        normals: to either side; points whose normal has no length are left out.
        alike: whether all of them point to the same side of the surface.
    """
    placed, turned = torch.tensor(points).float(), torch.tensor(normals).float()
    slope = torch.nn.functional.normalize(guide(placed[None])[1][0], dim=-1)
    agreed = (turned * slope).sum(1)
    if agreed.abs().median() < TRUSTED_COSINE:
        return Cloud(placed, None)
    side = agreed.sum().sign() if alike else agreed.sign()[:, None]
    known = turned.any(dim=1)
    return Cloud(placed[known], (turned * side)[known])
