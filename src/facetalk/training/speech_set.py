"""The packed training set of the speech encoder: sound, teacher features and phones in a few safetensors shards.

Reading it needs torch, numpy and safetensors alone. Sound is 8-bit mu-law at 16 kHz; teacher features are principal
components, 8 bits each, one row a frame; phones are class numbers, one a frame. Where training begins with a published
network, what that says of whole clips is packed too.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
from jaxtyping import Float, Int, UInt8

from facetalk.errors import InputError

MU = 255.0
IGNORED = -1
"""Phone class of frames whose label is unknown or doubtful."""
SHARD_BYTES = 14_000_000
READOUT = "readout.safetensors"
"""Holds what reads mouth curves off the teacher; written by `facetalk.training.speech_readout`."""
READOUT_REACH = 4
"""Frames on either side that the readout sees."""
TEACHER_STEP = 1 / 24
"""Size of one step of the 8-bit teacher components and features of the origin, which have unit variance."""
PARTS = ("sound", "teacher", "phones", "origin")
"""Arrays of an example."""


@dataclass(frozen=True)
class Example:
    """One clip of the training set."""

    id: str
    group: str
    """What the clip belongs to: its corpus and split."""
    sound: UInt8[np.ndarray, " sample"]
    teacher: Float[np.ndarray, "frame component"] | Int[np.ndarray, "frame component"]
    phones: Int[np.ndarray, " frame"]
    origin: Int[np.ndarray, "frame feature"]
    """What the network that training begins with said of the whole clip, in 8 bits; no feature where there is none."""

    @property
    def components(self) -> Float[np.ndarray, "frame component"]:
        """The teacher's components, of unit variance."""
        return self.teacher * np.float32(TEACHER_STEP)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.teacher)


def compress(samples: Float[np.ndarray, " sample"]) -> UInt8[np.ndarray, " sample"]:
    """Mu-law, 8 bits (ITU-T G.711's curve, without its segments)."""
    curve = np.sign(samples) * np.log1p(MU * np.minimum(np.abs(samples), 1)) / np.log1p(MU)
    return np.round((curve + 1) * 127.5).astype(np.uint8)


_EXPANDED = np.sign(np.arange(256) - 127.5) * (np.power(1 + MU, np.abs(np.arange(256) / 127.5 - 1)) - 1) / MU


def expand(sound: UInt8[np.ndarray, " sample"]) -> Float[np.ndarray, " sample"]:
    """Samples of mu-law sound."""
    return _EXPANDED.astype(np.float32)[sound]


def quantised(components: Float[np.ndarray, "frame component"]) -> Int[np.ndarray, "frame component"]:
    """Numbers of unit variance as 8-bit steps."""
    return np.clip(np.round(components / TEACHER_STEP), -127, 127).astype(np.int8)


class ShardWriter:
    """Collects examples and writes a shard whenever it is full; `close` writes the index."""

    def __init__(self, folder: Path, about: dict) -> None:
        self.folder, self.about = folder, about
        self.rows: list[dict] = []
        self.pending: dict[str, np.ndarray] = {}
        self.shards = 0
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, example: Example) -> None:
        """Take one example, its teacher features already 8-bit."""
        size = example.sound.nbytes + example.teacher.nbytes + example.origin.nbytes
        if self.pending and size + sum(array.nbytes for array in self.pending.values()) > SHARD_BYTES:
            self._flush()
        for part in PARTS:
            self.pending[f"{example.id}/{part}"] = getattr(example, part)
        self.rows.append({"id": example.id, "group": example.group, "shard": self.shards, "frames": example.frames})

    def close(self) -> None:
        """Write what is left, and the index."""
        self._flush()
        index = {**self.about, "examples": self.rows}
        (self.folder / "index.json").write_text(json.dumps(index, ensure_ascii=False), "utf-8")

    def _flush(self) -> None:
        if self.pending:
            safetensors.numpy.save_file(self.pending, self.folder / f"{self.shards:03d}.safetensors")
            self.pending, self.shards = {}, self.shards + 1


@dataclass(frozen=True)
class Readout:
    """A linear reader of mouth curves off teacher components and their neighbours in time."""

    weights: Float[np.ndarray, "input curve"]
    offset: Float[np.ndarray, " curve"]

    def __call__(self, components: Float[np.ndarray, "frame component"]) -> Float[np.ndarray, "frame curve"]:
        """Curves of about zero mean and unit variance; at the ends the first and last frames are held."""
        reach, frames, size = READOUT_REACH, *components.shape
        padded = np.pad(components, ((reach, reach), (0, 0)), mode="edge")
        parts = self.weights.reshape(2 * reach + 1, size, -1)
        return sum(padded[shift : shift + frames] @ part for shift, part in enumerate(parts)) + self.offset


def read_readout(folder: Path | str) -> Readout:
    """The reader of a packed set.

    Raises:
        InputError: the set has none.
    """
    path = Path(folder) / READOUT
    if not path.is_file():
        raise InputError(f"{path}: no such file; run facetalk.training.speech_readout (see recipes/speech.md)")
    return Readout(**safetensors.numpy.load_file(path))


@dataclass(frozen=True)
class SpeechSet:
    """A packed set in memory."""

    examples: tuple[Example, ...]
    symbols: tuple[str, ...]
    """Phone of each class."""
    about: dict

    def group(self, *names: str) -> tuple[Example, ...]:
        """Examples of the named groups."""
        return tuple(example for example in self.examples if example.group in names)


def read(folder: Path | str) -> SpeechSet:
    """A packed set.

    Raises:
        InputError: the folder holds no packed set.
    """
    index = Path(folder) / "index.json"
    if not index.is_file():
        raise InputError(f"{index}: no such file; pack a training set first (see recipes/speech.md)")
    about = json.loads(index.read_text("utf-8"))
    shards = {row["shard"] for row in about["examples"]}
    arrays: dict[str, np.ndarray] = {}
    for shard in sorted(shards):
        arrays |= safetensors.numpy.load_file(Path(folder) / f"{shard:03d}.safetensors")
    rows = about.pop("examples")
    return SpeechSet(tuple(_example(row, arrays) for row in rows), tuple(about["symbols"]), about)


def _example(row: dict, arrays: dict[str, np.ndarray]) -> Example:
    unknown = np.zeros((row["frames"], 0), np.int8)  # of an origin older sets say nothing
    return Example(row["id"], row["group"], *(arrays.get(f"{row['id']}/{part}", unknown) for part in PARTS))
