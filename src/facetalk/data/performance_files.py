"""Performances on disk: a folder with `index.jsonl` and one `<id>.npz` a clip.

An index line has id, kind, voice, language, text, split, frames, seed, audio and sha256 (of the clip's content).
An .npz holds `weights` (float16 [frame, 52] at 30 fps, Apple's order), `envelope` (float16 [frame], dB against the
clip's loud parts) and `phones` (JSON: [[label, start_s, end_s], …]; "_" is silence, ʼ marks the burst of a stop).
The sound stays where it is: `audio` is its path, relative to the performances' folder where that is possible.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.types import FRAME_RATE, RigCurves

INDEX = "index.jsonl"
Phones = tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Entry:
    """One line of the index."""

    id: str
    kind: str
    """"generated" or "captured"."""
    voice: str
    language: str
    text: str
    split: str
    """"train", "validation" or "test"."""
    frames: int
    seed: int
    audio: str
    sha256: str


@dataclass(frozen=True)
class Performance:
    """Weights of one clip with the phones they speak."""

    weights: Float[np.ndarray, "frame 52"]
    envelope: Float[np.ndarray, " frame"]
    """Level of each frame, dB against the clip's loud parts."""
    phones: Phones

    @property
    def curves(self) -> RigCurves:
        """The weights as rig curves."""
        return RigCurves(self.weights.astype(np.float32), FRAME_RATE)

    @property
    def sha256(self) -> str:
        """Hash of the content, as it is written."""
        digest = hashlib.sha256(self.weights.astype(np.float16).tobytes())
        digest.update(self.envelope.astype(np.float16).tobytes())
        digest.update(_phones_text(self.phones).encode())
        return digest.hexdigest()


def write(performance: Performance, folder: Path, clip: str) -> None:
    """Write one clip beside its place, then rename."""
    partial = folder / f".{clip}.npz"
    np.savez_compressed(
        partial,
        weights=performance.weights.astype(np.float16),
        envelope=performance.envelope.astype(np.float16),
        phones=np.array(_phones_text(performance.phones)),
    )
    os.replace(partial, folder / f"{clip}.npz")


def read(folder: Path | str, clip: str) -> Performance:
    """Read one clip.

    Raises:
        InputError: the file is missing or is no performance.
    """
    path = Path(folder) / f"{clip}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            phones = tuple(
                (str(label), float(start), float(end)) for label, start, end in json.loads(str(file["phones"]))
            )
            return Performance(file["weights"].astype(np.float32), file["envelope"].astype(np.float32), phones)
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path}: no readable performance ({error}); write the set again") from error


def write_index(entries: list[Entry], folder: Path) -> str:
    """Write the index; returns the set's hash, which changes with any clip, split or order."""
    text = "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)
    partial = folder / f".{INDEX}"
    partial.write_text(text, "utf-8")
    os.replace(partial, folder / INDEX)
    return set_hash(entries)


def set_hash(entries: list[Entry]) -> str:
    """SHA-256 over id, split and content of all clips; where the sound lies does not matter."""
    lines = "".join(f"{entry.id} {entry.split} {entry.frames} {entry.sha256}\n" for entry in entries)
    return hashlib.sha256(lines.encode()).hexdigest()


def read_index(folder: Path | str) -> list[Entry]:
    """The index of a performance set.

    Raises:
        InputError: there is no index, or a line is damaged.
    """
    path = Path(folder) / INDEX
    if not path.is_file():
        raise InputError(f"{path}: no such file; make the set with `facetalk data performances`")
    try:
        return [Entry(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    except (ValueError, TypeError) as error:
        raise InputError(f"{path}: damaged index ({error}); write the set again") from error


def audio_path(folder: Path | str, entry: Entry) -> Path:
    """Where the sound of a clip lies."""
    return Path(folder) / entry.audio


def _phones_text(phones: Phones) -> str:
    return json.dumps([[label, round(start, 4), round(end, 4)] for label, start, end in phones], ensure_ascii=False)
