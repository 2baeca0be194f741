"""Points on and about lips, teeth and lids: few of all that were drawn, but what speech and blinks are read from.

Of the points in space that a scan holds, two in a hundred lie in the air within reach of the lips, three times as many
in the flesh there. Taken as they come, a film of flesh across lips that part by little costs next to nothing, and so
does an edge of a lid that is worn away.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import Anatomy
from facetalk.training.head_data import HeadSet
from facetalk.training.lids import about_eyes, on_lids
from facetalk.types import Region

ASIDE_MM, ABOVE_MM, BELOW_MM, BEHIND_MM, BEFORE_MM = 22.0, 10.0, 20.0, 1.0, 14.0
"""How far from the middle of the lips, and behind the front of the teeth, points count as about the lips."""
NEAR_MM = 2.5
"""How far from the surface."""
TEETH_BEHIND_MM = 8.0
"""How far behind the front of the teeth others may show between parted lips."""
MOST = 128
"""Columns kept of each kind and row."""
CHUNK = 128
"""Rows looked through at once."""
Columns = Int[Tensor, "row kept"]


@dataclass(frozen=True)
class FinePoints:
    """Of every row of some arrays, which points are fine: where there are few, repeated; where there are none, any."""

    surface: tuple[Columns, ...]
    """On lips, on the teeth that show between them, on lids."""
    space: tuple[Columns, ...]
    """In the air about lips, in flesh about lips, and the same about lids."""

    @classmethod
    def of(cls, data: HeadSet, arrays: Mapping[str, Tensor], identities: Int[Tensor, " row"]) -> "FinePoints":
        """Look through the arrays of a set, canonical or posed, whose rows are of `identities`."""
        rows = torch.arange(len(identities)).split(CHUNK)
        found = [_found(data, {name: arrays[name][some] for name in _USED}, identities[some]) for some in rows]
        kinds = [torch.cat(kind) for kind in zip(*found, strict=True)]
        return cls(tuple(kinds[:3]), tuple(kinds[3:]))

    def drawn(
        self, rows: Int[Tensor, " row"], count: int, generator: torch.Generator
    ) -> tuple[Int[Tensor, "row sample"], Int[Tensor, "row point"]]:
        """Columns of `count` surface points of every kind, and of as many in space about lips and about lids."""
        surface = [_picked(kind[rows], count, generator) for kind in self.surface]
        space = [_picked(kind[rows], count // 2, generator) for kind in self.space]
        return torch.cat(surface, 1), torch.cat(space, 1)


_USED = ("points", "sdf", "surface", "region")


def about_lips(
    anatomy: Anatomy, points: Float[Tensor, "row point 3"], behind_mm: float = BEHIND_MM
) -> Bool[Tensor, "row point"]:
    """Which points lie before the teeth, or a little behind their front, near to the lips at rest."""
    centre, teeth = anatomy.landmark("mouth_centre")[:, None], anatomy.landmark("teeth_front")[:, None, 2]
    x, y, z = ((points - centre) * UNIT_MM).unbind(-1)
    behind = (teeth - centre[..., 2]) * UNIT_MM - behind_mm
    return (x.abs() < ASIDE_MM) & (y < ABOVE_MM) & (y > -BELOW_MM) & (z > behind) & (z < BEFORE_MM)


def _found(data: HeadSet, arrays: Mapping[str, Tensor], identities: Int[Tensor, " row"]) -> list[Columns]:
    anatomy, points, sdf = data.anatomy_of(identities), data.places(arrays["points"]), arrays["sdf"].float()
    air, near = sdf > 0, sdf.abs() < NEAR_MM / UNIT_MM
    lips, lids = near & about_lips(anatomy, points), near & about_eyes(anatomy, points)
    surface, region = data.places(arrays["surface"]), arrays["region"]
    teeth = (region == Region.TEETH) & about_lips(anatomy, surface, TEETH_BEHIND_MM)
    on = on_lids(anatomy, surface, region)
    kinds = (region == Region.LIPS, teeth, on, lips & air, lips & ~air, lids & air, lids & ~air)
    return [_columns(kind) for kind in kinds]


def _columns(chosen: Bool[Tensor, "row point"]) -> Columns:
    """Columns that are chosen, repeated where they are few; many others where there are none."""
    first = chosen.float().topk(min(MOST, chosen.shape[1]), 1).indices
    count = chosen.sum(1, keepdim=True)
    count = torch.where(count == 0, first.shape[1], count.clamp(max=first.shape[1]))
    return first.gather(1, torch.arange(MOST) % count).to(torch.int32)


def _picked(columns: Columns, count: int, generator: torch.Generator) -> Int[Tensor, "row count"]:
    return columns.long().gather(1, torch.randint(columns.shape[1], (len(columns), count), generator=generator))
