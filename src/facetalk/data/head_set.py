"""The head training set: many identities and expressions of a source, sampled and labelled, packed small.

Layout: `meta.json`, `identities.safetensors`, `canonical_###.safetensors`, `posed_###.safetensors`; positions are
16-bit fractions of the box, distances fp16 units, normals int8. Made once, in parallel, and kept.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from rich.progress import track
from safetensors.numpy import save_file

from facetalk.arkit import ARKIT_INDEX
from facetalk.data import anny, expressions, ict
from facetalk.data.head_sampling import Counts, Exposure, Sampler
from facetalk.data.source import HeadSource
from facetalk.errors import InputError
from facetalk.geometry import PAPER_BOX
from facetalk.head.anatomy import LANDMARK_NAMES


@dataclass(frozen=True, kw_only=True)
class HeadSetConfig(Counts):
    """How many heads of which source, and how many points of each."""

    ict: Path | None = None
    """Root of an ICT-FaceKit checkout, for heads of that source."""
    anny: bool = False
    """Heads of the anny package instead: other ages and sexes, and a tongue; needs pip install 'facetalk[anny]'."""
    out: Path
    first: int = 0
    """Number of the first identity, to extend a set of that many; 0 is the mean head."""
    identities: int = 240
    held_out: int = 20
    """The last ones are for testing."""
    poses: int = 7
    """Scans of each; the first is at rest."""
    purpose: Literal["all", "wide", "small", "smiling"] = "all"
    """all: every expression, as speech and moods need them. For sets beside one of all, wide: the jaw wide open;
    small: lips and lids that are a little open; smiling: smiles with lips parted."""
    shard: int = 12
    """Identities in one shard, so that a shard stays under 15 MiB."""
    seed: int = 0
    workers: int = 2


@runtime_checkable
class Sources(Protocol):
    """A question that names one source."""

    @property
    def ict(self) -> Path | None:
        """Root of an ICT-FaceKit checkout, or None."""
        ...

    @property
    def anny(self) -> bool:
        """Whether the anny package is asked for."""
        ...


def source(config: Sources) -> HeadSource:
    """The one source that is asked for.

    Raises:
        InputError: none is asked for, or both; or it cannot be read.
    """
    if config.anny == (config.ict is not None):
        raise InputError("a head set has one source; give either --ict FOLDER or --anny")
    return ict.read(config.ict) if config.ict is not None else anny.read()


def drawing(heads: HeadSource, purpose: str) -> expressions.Draw:
    """What draws the expressions of a source's people; tongues come out where the source has one that does."""
    draw = expressions.PURPOSES[purpose]
    return expressions.with_tongue(draw) if heads.expressions[ARKIT_INDEX["tongueOut"]].any() else draw


_sampler: tuple[Sampler, HeadSetConfig] | None = None


def _prepare(heads: HeadSource, config: HeadSetConfig, exposure: Exposure) -> None:
    """Give a worker process its sampler once."""
    global _sampler
    _sampler = Sampler(heads, config, exposure), config


def _work(number: int):
    assert _sampler is not None
    sampler, config = _sampler
    return sampler.person(number, config.poses, config.seed, drawing(sampler.source, config.purpose))


def stacked(rows: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """One array of each name, a row of it for each of `rows`."""
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def write(config: HeadSetConfig) -> None:
    """Make the whole set.

    Raises:
        InputError: the source cannot be read.
    """
    heads = source(config)
    config.out.mkdir(parents=True, exist_ok=True)
    exposure = Exposure.survey(heads, drawing(heads, config.purpose))
    descriptions: list[dict] = []
    with ProcessPoolExecutor(config.workers, initializer=_prepare, initargs=(heads, config, exposure)) as pool:
        results = pool.map(_work, range(config.first, config.first + config.identities))
        canonical: list[dict] = []
        posed: list[dict] = []
        for number, (description, field, poses) in enumerate(
            track(results, total=config.identities, description="heads")
        ):
            descriptions.append(description)
            canonical.append({"identity": np.array(number), **field})
            posed.extend(poses)
            if len(canonical) == config.shard or number == config.identities - 1:
                shard = number // config.shard
                save_file(stacked(canonical), config.out / f"canonical_{shard:03d}.safetensors")
                half = (len(posed) + 1) // 2
                for part, rows in enumerate((posed[:half], posed[half:])):
                    save_file(stacked(rows), config.out / f"posed_{shard:03d}_{part}.safetensors")
                canonical, posed = [], []
    save_file(stacked(descriptions), config.out / "identities.safetensors")
    split = ["train"] * (config.identities - config.held_out) + ["test"] * config.held_out
    meta = {
        "source": heads.name,
        "box": asdict(PAPER_BOX),
        "landmarks": list(LANDMARK_NAMES),
        "split": split,
        "seed": config.seed,
        "purpose": config.purpose,
    }
    (config.out / "meta.json").write_text(json.dumps(meta, indent=1))
