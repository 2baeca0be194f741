"""The head training set in memory, and batches drawn from it. Knows the files' layout; knows no network.

Layout: `meta.json` (box, landmark names, split of each identity), `identities.safetensors`,
`canonical_*.safetensors` (one row an identity) and `posed_*.safetensors` (one row a scan). Positions are 16-bit
fractions of the box, normals are in 127ths, distances in units.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from jaxtyping import Float, Int, Shaped, UInt8
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import normalize, pad

from facetalk.errors import InputError
from facetalk.head.anatomy import LANDMARK_NAMES, Anatomy
from facetalk.head.sources import FIRST_SOURCE

LEVELS = 65_535
"""Steps of a 16-bit position across the box."""
FULL_NORMAL = 127


@dataclass(frozen=True)
class CanonicalBatch:
    """Points of several heads in the canonical pose; positions and distances in units."""

    identities: Int[Tensor, " identity"]
    points: Float[Tensor, "identity point 3"]
    sdf: Float[Tensor, "identity point"]
    surface: Float[Tensor, "identity sample 3"]
    normal: Float[Tensor, "identity sample 3"]
    region: UInt8[Tensor, "identity sample"]


@dataclass(frozen=True)
class PosedBatch:
    """Points of several scans, with the canonical places of the surface points; positions and distances in units."""

    scans: Int[Tensor, " scan"]
    identities: Int[Tensor, " scan"]
    weights: Float[Tensor, "scan 52"]
    surface: Float[Tensor, "scan sample 3"]
    target: Float[Tensor, "scan sample 3"]
    normal: Float[Tensor, "scan sample 3"]
    target_normal: Float[Tensor, "scan sample 3"]
    region: UInt8[Tensor, "scan sample"]
    valid_out: Float[Tensor, "scan sample"]
    """How far along the normal a point off the surface still corresponds."""
    points: Float[Tensor, "scan point 3"]
    sdf: Float[Tensor, "scan point"]


@dataclass(frozen=True)
class HeadSet:
    """Everything of a training set, in the compact types of its files."""

    weights: Float[Tensor, "identity mode"]
    """Each person's weights in its own source, with zeros after them where another source has more."""
    sources: tuple[str, ...]
    """Names of the sources."""
    source: Int[Tensor, " identity"]
    """Which of `sources` each person is of."""
    sizes: tuple[int, ...]
    """Identity weights of each source."""
    anatomy: Anatomy
    train: Int[Tensor, " trained"]
    """Identities to train on."""
    test: Int[Tensor, " tested"]
    """Identities never trained on."""
    lower: Float[Tensor, "3"]
    size: Float[Tensor, "3"]
    fields: dict[str, Tensor]
    """Canonical arrays, one row an identity."""
    scans: dict[str, Tensor]
    """Posed arrays, one row a scan."""

    def anatomy_of(self, identities: Int[Tensor, " some"]) -> Anatomy:
        """True anatomy of some identities, repeats allowed."""
        whole = self.anatomy
        return Anatomy(whole.anchors[identities], whole.landmarks[identities], whole.eye_radius[identities])

    def source_of(self, identity: int) -> str:
        """Name of the source one person is of."""
        return self.sources[int(self.source[identity])]

    def own_weights(self, identity: int) -> Float[Tensor, " mode"]:
        """One person's weights, as many as its source has."""
        return self.weights[identity, : self.sizes[int(self.source[identity])]]

    def scans_of(self, identities: Int[Tensor, " some"]) -> Int[Tensor, " scan"]:
        """Rows of the scans of some identities."""
        return torch.isin(self.scans["identity"].long(), identities).nonzero()[:, 0]

    def surfaces(
        self, scans: Int[Tensor, " scan"]
    ) -> tuple[Float[Tensor, "scan sample 3"], Float[Tensor, "scan sample 3"]]:
        """Every surface point of some scans, and its normal."""
        return self.places(self.scans["surface"][scans]), directions(self.scans["normal"][scans])

    def canonical(
        self, identities: Int[Tensor, " identity"], points: int, surface: int, generator: torch.Generator
    ) -> CanonicalBatch:
        """Random points of the given identities."""
        space, skin = (
            torch.randint(self.fields[like].shape[1], (len(identities), count), generator=generator)
            for like, count in (("sdf", points), ("region", surface))
        )
        return self.canonical_at(identities, skin, space)

    def canonical_at(
        self,
        identities: Int[Tensor, " identity"],
        surface: Int[Tensor, "identity sample"],
        points: Int[Tensor, "identity point"],
    ) -> CanonicalBatch:
        """Points of the given identities, by their columns."""
        skin, space = _Columns(self.fields, identities, surface), _Columns(self.fields, identities, points)
        return CanonicalBatch(
            identities,
            self.places(space["points"]),
            space["sdf"].float(),
            self.places(skin["surface"]),
            directions(skin["normal"]),
            skin["region"],
        )

    def posed(self, scans: Int[Tensor, " scan"], surface: int, points: int, generator: torch.Generator) -> PosedBatch:
        """Random points of the given scans."""
        drawn = (
            torch.randint(self.scans[like].shape[1], (len(scans), count), generator=generator)
            for like, count in (("region", surface), ("sdf", points))
        )
        return self.posed_at(scans, *drawn)

    def posed_at(
        self, scans: Int[Tensor, " scan"], surface: Int[Tensor, "scan sample"], points: Int[Tensor, "scan point"]
    ) -> PosedBatch:
        """Points of the given scans, by their columns."""
        skin, space = _Columns(self.scans, scans, surface), _Columns(self.scans, scans, points)
        return PosedBatch(
            scans,
            self.scans["identity"][scans].long(),
            self.scans["weights"][scans].float(),
            self.places(skin["surface"]),
            self.places(skin["target"]),
            directions(skin["normal"]),
            directions(skin["target_normal"]),
            skin["region"],
            skin["valid_out"].float(),
            self.places(space["points"]),
            space["sdf"].float(),
        )

    def places(self, quantised: Tensor) -> Float[Tensor, "row point 3"]:
        """Positions from 16-bit ones."""
        return dequantised(quantised, self.lower, self.size)


def read(*folders: Path | str) -> HeadSet:
    """Read whole sets into memory, as one: the people of each follow those of the one before.

    The sets may be of several sources, and hold different numbers of points. Every scan keeps to the mesh it was
    drawn from, so no correspondence is ever asked between sources.

    Raises:
        InputError: a folder is no head training set, or its landmarks are not ours.
    """
    sets = [_read(Path(folder)) for folder in folders]
    first = sets[0]
    starts = [sum(len(each.weights) for each in sets[:place]) for place in range(len(sets))]
    anatomies = [each.anatomy for each in sets]
    numbered = [
        {**each.scans, "identity": each.scans["identity"].long() - int(each.scans["identity"].min()) + start}
        for each, start in zip(sets, starts, strict=True)
    ]
    sizes = {each.sources[0]: each.sizes[0] for each in sets}
    names = tuple(sizes)
    return HeadSet(
        torch.cat([pad(each.weights, (0, max(sizes.values()) - each.sizes[0])) for each in sets]),
        names,
        torch.cat([torch.full((len(each.weights),), names.index(each.sources[0])) for each in sets]),
        tuple(sizes.values()),
        Anatomy(*(torch.cat([getattr(each, part.name) for each in anatomies]) for part in fields(Anatomy))),
        torch.cat([each.train + start for each, start in zip(sets, starts, strict=True)]),
        torch.cat([each.test + start for each, start in zip(sets, starts, strict=True)]),
        first.lower,
        first.size,
        {name: _joined([each.fields[name] for each in sets]) for name in first.fields},
        {name: _joined([each[name] for each in numbered]) for name in first.scans},
    )


def _joined(arrays: list[Tensor]) -> Tensor:
    """Rows of several sets; those with more points keep as many as the leanest set has, drawn without order.

    Arrays that go together have as many points and so keep the same ones.
    """
    if arrays[0].dim() == 1:
        return torch.cat(arrays)
    fewest = min(array.shape[1] for array in arrays)
    return torch.cat([_thinned(array, fewest) for array in arrays])


def _thinned(array: Shaped[Tensor, "row point *shape"], count: int) -> Shaped[Tensor, "row {count} *shape"]:
    if array.shape[1] == count:
        return array
    kept = torch.randperm(array.shape[1], generator=torch.Generator().manual_seed(0))[:count]
    return array[:, kept]


def _read(folder: Path) -> HeadSet:
    try:
        meta = json.loads((folder / "meta.json").read_text())
        people = load_file(folder / "identities.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{folder}: not a head training set ({error}); make one with facetalk data heads") from error
    if tuple(meta["landmarks"]) != LANDMARK_NAMES:
        raise InputError(f"{folder}: its landmarks are {meta['landmarks']}; make the set again with this version")
    split = meta["split"]
    lower, upper = torch.tensor(meta["box"]["lower"]), torch.tensor(meta["box"]["upper"])
    return HeadSet(
        people["weights"].float(),
        (meta.get("source", FIRST_SOURCE),),
        torch.zeros(len(people["weights"]), dtype=torch.long),
        (people["weights"].shape[1],),
        Anatomy(people["anchors"].float(), people["landmarks"].float(), people["eye_radius"].float()),
        _where(split, "train"),
        _where(split, "test"),
        lower,
        upper - lower,
        _stacked(folder, "canonical_*.safetensors"),
        _stacked(folder, "posed_*.safetensors"),
    )


class _Columns:
    """Some columns of each of some rows; the same for every array."""

    def __init__(self, arrays: dict[str, Tensor], rows: Int[Tensor, " row"], columns: Int[Tensor, "row point"]) -> None:
        self.arrays, self.rows, self.columns = arrays, rows[:, None], columns

    def __getitem__(self, name: str) -> Tensor:
        return self.arrays[name][self.rows, self.columns]


def dequantised(quantised: Tensor, lower: Float[Tensor, "3"], size: Float[Tensor, "3"]) -> Float[Tensor, "*shape 3"]:
    """Positions in units from 16-bit fractions of a box."""
    return lower + (quantised.float() + (LEVELS + 1) / 2) / LEVELS * size


def directions(normals: Tensor) -> Float[Tensor, "*shape 3"]:
    """Unit vectors from 127ths."""
    return normalize(normals.float() / FULL_NORMAL, dim=-1)


def _where(split: list[str], name: str) -> Int[Tensor, " identity"]:
    return torch.tensor([row for row, value in enumerate(split) if value == name], dtype=torch.long)


def _stacked(folder: Path, pattern: str) -> dict[str, Tensor]:
    shards = [load_file(path) for path in sorted(folder.glob(pattern))]
    if not shards:
        raise InputError(f"{folder}: has no {pattern}; make the set again")
    return {name: torch.cat([shard[name] for shard in shards]) for name in shards[0]}
