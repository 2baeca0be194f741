"""Lips and lids of very many people in a head's training (`facetalk.data.rims`): read, drawn, and asked for."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import LANDMARK_NAMES, NUMBERS, Anatomy, unflatten
from facetalk.head.model import Head
from facetalk.head.sources import FIRST_SOURCE
from facetalk.training import head_losses as losses
from facetalk.training.head_data import dequantised, directions

ASIDE_MM = 0.4
"""Furthest that points beside the surface are asked for, in flesh and in free air: edges of lids are as thin."""
FIELDS = ("surface", "normal", "free", "weights", "posed", "posed_normal", "posed_free")


@dataclass(frozen=True)
class Noise:
    """What is added to what is known of people, since of a new one it is a little off."""

    anatomy: float
    """Spread, in units."""
    code: float
    """Spread of each dimension of an identity code."""


@dataclass(frozen=True)
class Rims:
    """Material points on lips and lids of several people, in the canonical pose or in one expression each."""

    people: Int[Tensor, " person"]
    weights: Float[Tensor, "person 52"] | None
    """None in the canonical pose."""
    surface: Float[Tensor, "person point 3"]
    normal: Float[Tensor, "person point 3"]
    target: Float[Tensor, "person point 3"]
    """Their canonical places."""
    free: Float[Tensor, "person point"]
    """Way before each that is free, in units; negative where lips touch and no surface is known."""

    def beside(
        self, generator: torch.Generator
    ) -> tuple[Float[Tensor, "person point 3"], Float[Tensor, "person point"]]:
        """Places, every other one a little off the surface, and their distances; 0 and on it for the others."""
        out = ASIDE_MM / UNIT_MM * (2 * torch.rand(self.free.shape, generator=generator) - 1)
        out = torch.minimum(out, self.free.clamp(min=0))
        out[:, ::2] = 0.0
        return self.surface + out[..., None] * self.normal, out


class RimSet:
    """People of one or more sets of rims."""

    def __init__(self, *folders: Path) -> None:
        """Read whole sets into memory.

        Raises:
            InputError: a folder is no set of rims, its landmarks are not ours, or the sets are not alike.
        """
        read = [_read(Path(folder)) for folder in folders]
        self.source = [meta["source"] for meta, people, _ in read for _ in range(len(people["weights"]))]
        self._weights = [row for _, people, _ in read for row in people["weights"].float()]
        self._anatomy = Anatomy(
            *(torch.cat([people[part.name].float() for _, people, _ in read]) for part in fields(Anatomy))
        )
        if len({(rows["surface"].shape[1], rows["weights"].shape[1]) for _, _, rows in read}) > 1:
            names = " and ".join(map(str, folders))
            raise InputError(f"{names}: hold different numbers of points or openings; make them alike")
        self._rows = {name: torch.cat([rows[name] for _, _, rows in read]) for name in FIELDS}
        box = read[0][0]["box"]
        self._lower = torch.tensor(box["lower"])
        self._size = torch.tensor(box["upper"]) - self._lower

    def __len__(self) -> int:
        return len(self.source)

    def anatomy_of(self, people: Int[Tensor, " person"]) -> Anatomy:
        """True anatomy of some people."""
        whole = self._anatomy
        return Anatomy(whole.anchors[people], whole.landmarks[people], whole.eye_radius[people])

    def codes_of(self, head: Head, people: Int[Tensor, " person"]) -> Float[Tensor, "person code"]:
        """Identity codes of some people, each by the map of its own source."""
        return torch.cat([head.identity(self._weights[row][None], self.source[row]) for row in people.tolist()])

    def canonical(self, people: int, points: int, generator: torch.Generator) -> Rims:
        """Random points of random people in the canonical pose."""
        who, columns = self._picked(people, points, generator)
        surface = self._places(self._rows["surface"][who[:, None], columns])
        normal = directions(self._rows["normal"][who[:, None], columns])
        return Rims(who, None, surface, normal, surface, self._rows["free"][who[:, None], columns].float())

    def posed(self, people: int, points: int, generator: torch.Generator) -> Rims:
        """Random points of random people, each in one of its expressions."""
        who, columns = self._picked(people, points, generator)
        opening = torch.randint(self._rows["weights"].shape[1], (people,), generator=generator)
        at = (who[:, None], opening[:, None], columns)
        return Rims(
            who,
            self._rows["weights"][who, opening].float(),
            self._places(self._rows["posed"][at]),
            directions(self._rows["posed_normal"][at]),
            self._places(self._rows["surface"][who[:, None], columns]),
            self._rows["posed_free"][at].float(),
        )

    def _picked(
        self, people: int, points: int, generator: torch.Generator
    ) -> tuple[Int[Tensor, " person"], Int[Tensor, "person point"]]:
        count = self._rows["surface"].shape[1]
        who = torch.randint(len(self), (people,), generator=generator)
        return who, torch.randint(count, (people, points), generator=generator)

    def _places(self, quantised: Tensor) -> Float[Tensor, "person point 3"]:
        return dequantised(quantised, self._lower, self._size)


def canonical_error(head: Head, rims: RimSet, some: Rims, generator: torch.Generator) -> Mapping[str, Tensor]:
    """Canonical distances at rims, and the anatomy of their people."""
    z_id, true = rims.codes_of(head, some.people), rims.anatomy_of(some.people)
    anatomy = head.anatomies(z_id)
    points, exact = some.beside(generator)
    predicted = head.ensemble(anatomy.detach(), head.fold(z_id), points)
    deviations = head.anatomy.deviations
    return {
        "rims": losses.posed_error(predicted, exact, (some.free >= 0).float()),
        "rims_anatomy": losses.anatomy_error(deviations(anatomy), deviations(true)),
    }


def posed_error(
    head: Head, canonical: Head, rims: RimSet, some: Rims, generator: torch.Generator, noise: Noise
) -> Mapping[str, Tensor]:
    """Where rims are carried, and posed distances there; gradients flow to the deformation of `head` alone.

    Anatomies are the true ones.
    """
    assert some.weights is not None
    true = rims.anatomy_of(some.people)
    anatomy = unflatten(true.flat() + noise.anatomy * torch.randn(len(some.people), NUMBERS, generator=generator))
    z_id = rims.codes_of(canonical, some.people)
    about = z_id + noise.code * torch.randn(z_id.shape, generator=generator)
    folded = head.deformation.fold(head.condition(anatomy, about, head.rig(some.weights)))
    points, exact = some.beside(generator)
    field = head.deformation(folded, anatomy, torch.cat([some.surface, points], 1))
    carried, asked = field.split(some.surface.shape[1], 1)
    places = points + asked[..., :3]
    predicted = canonical.ensemble(canonical.anatomies(z_id), canonical.fold(z_id), places) + asked[..., 3]
    on = torch.ones_like(exact)
    return {
        "rims_carried": losses.correspondence_error(some.surface + carried[..., :3], some.target, on),
        "rims": losses.posed_error(predicted, exact, (some.free >= 0).float()),
    }


def _read(folder: Path) -> tuple[dict, dict[str, Tensor], dict[str, Tensor]]:
    try:
        meta = json.loads((folder / "meta.json").read_text())
        people = load_file(folder / "identities.safetensors")
        shards = [load_file(path) for path in sorted(folder.glob("rims_*.safetensors"))]
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{folder}: not a set of rims ({error}); make one with facetalk data rims") from error
    if meta.get("kind") != "rims" or not shards:
        raise InputError(f"{folder}: not a set of rims; make one with facetalk data rims")
    if tuple(meta["landmarks"]) != LANDMARK_NAMES:
        raise InputError(f"{folder}: its landmarks are {meta['landmarks']}; make the set again with this version")
    meta.setdefault("source", FIRST_SOURCE)
    return meta, people, {name: torch.cat([shard[name] for shard in shards]) for name in FIELDS}
