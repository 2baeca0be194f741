"""The hair set in memory, its points carried to the mean head."""

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from facetalk.data.hair.purpose import TRAIN
from facetalk.errors import InputError
from facetalk.geometry import PAPER_BOX, UNIT_MM
from facetalk.head.model import Head
from facetalk.head.warping import Warp, fixed_points


@dataclass(frozen=True)
class HairBatch:
    """Points of some rows."""

    points: Float[Tensor, "row point 3"]
    """On the mean head, units."""
    skin: Float[Tensor, "row point"]
    """Signed distance to the skin of the person, units."""
    distance: Float[Tensor, "row point"]
    way: Float[Tensor, "row point 3"]


@dataclass(frozen=True)
class HairRows:
    """One kind of hair: every row a style on a person."""

    names: tuple[str, ...]
    variants: int
    person: Int[Tensor, " row"]
    style: Int[Tensor, " row"]
    kind: Int[Tensor, " row"]
    textures: Float[Tensor, "style texture"]
    everything: HairBatch

    def rows(self, kind: int) -> Int[Tensor, " chosen"]:
        """Rows for a purpose."""
        return (self.kind == kind).nonzero()[:, 0]

    @property
    def trained_variants(self) -> int:
        """Variants of a name that are trained."""
        return int((self.style[self.kind == TRAIN] % self.variants).max()) + 1

    def batch(self, rows: Int[Tensor, " row"], points: int, generator: torch.Generator) -> HairBatch:
        """Some points of some rows."""
        whole = self.everything
        index = torch.randint(whole.distance.shape[1], (len(rows), points), generator=generator)
        here = rows[:, None]
        return HairBatch(
            whole.points[here, index], whole.skin[here, index], whole.distance[here, index], whole.way[here, index]
        )


def read(folder: Path, head: Head) -> dict[str, HairRows]:
    """Scalp and beard rows of a set.

    Raises:
        InputError: the folder holds no hair set.
    """
    try:
        meta = json.loads((folder / "meta.json").read_text())
        people = load_file(folder / "people.safetensors")["weights"]
        parts = {kind: load_file(folder / f"{kind}.safetensors") for kind in ("scalp", "beard")}
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise InputError(f"{folder}: no hair set; make one with facetalk data hair") from error
    with torch.no_grad():
        anatomies = head.anatomies(head.identity(people))
    warp = mean_warp(head)
    maps = [warp.to_mean(anatomies.rows(slice(person, person + 1))) for person in range(len(people))]
    return {kind: _unpacked(part, meta["names"][kind], meta["variants"], maps) for kind, part in parts.items()}


def mean_warp(head: Head) -> Warp:
    """The warp to the mean of a head's people."""
    warp = Warp()
    with torch.no_grad():
        warp.mean.copy_(fixed_points(head.anatomies(head.identity(torch.zeros(1, len(head.source)))))[0])
    return warp


def _unpacked(part: dict[str, Tensor], names: list[str], variants: int, maps: list) -> HairRows:
    person, style, kind = part["rows"].T.long()
    lower, size = torch.tensor(PAPER_BOX.lower), torch.tensor(PAPER_BOX.size)
    points = (part["points"].float() + 32768) / 65535 * size + lower
    carried = torch.stack([maps[number](row) for number, row in zip(person.tolist(), points, strict=True)])
    batch = HairBatch(
        carried, part["skin"].float() / UNIT_MM, part["distance"].float() / UNIT_MM, part["way"].float() / 127
    )
    return HairRows(tuple(names), variants, person, style, kind, part["textures"], batch)
