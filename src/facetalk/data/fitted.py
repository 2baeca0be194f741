"""Codes fitted to recordings as training data: a folder `<subject>_<sequence>/` with `audio.wav` and `codes.npz`.

`codes.npz` holds `codes` [frame, code] and `weights` [frame, 52], `rate` and `first` as numerator and denominator
(frame i was taken at first + i / rate seconds of the sound), `T_head_world` [frame, 4, 4], `z_id`, `head_hash`,
`subject`, and for every frame `residual_mm`, `inliers`, `quality` (0: not measured, 1: as good as the sequence gets)
and `flags`, its faults in words. `performances` turns such folders into a performance set, which the motion training
reads.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from facetalk.data import performance_files
from facetalk.data.loudness import listen
from facetalk.data.performance_files import Entry, Performance
from facetalk.data.performances import Progress, envelope
from facetalk.errors import InputError
from facetalk.rig.curves import at_times, frame_count, midpoints
from facetalk.speech import waveform
from facetalk.types import FRAME_RATE

CODES, AUDIO = "codes.npz", "audio.wav"
LEAST_QUALITY = 0.2
"""Frames below this are bridged from their neighbours."""
LEAST_GOOD = 0.7
"""Sequences with a smaller share of good frames teach nothing."""
_ARRAYS = ("codes", "weights", "T_head_world", "z_id", "residual_mm", "inliers", "quality", "flags")


@dataclass(frozen=True)
class FittedSequence:
    """One sequence's codes."""

    name: str
    rate: Fraction
    first: Fraction
    head_hash: str
    arrays: Mapping[str, np.ndarray]
    """By the names above."""
    subject: str = ""

    @property
    def weights(self) -> Float[np.ndarray, "frame 52"]:
        """ARKit weights."""
        return self.arrays["weights"]

    @property
    def quality(self) -> Float[np.ndarray, " frame"]:
        """0 where a frame was not measured, 1 where it is as good as they get."""
        return self.arrays["quality"]

    @property
    def times(self) -> Float[np.ndarray, " frame"]:
        """When frames were taken, in seconds of the sound; exact until they are rounded here."""
        return np.array([float(self.first + frame / self.rate) for frame in range(len(self.weights))])

    def resampled(self, duration: Fraction, rate: Fraction) -> Float[np.ndarray, "frame 52"]:
        """Weights at the midpoints of another rate's frames, 0 to 1, bad frames bridged.

        Lips that meet between two frames meet, and peaks keep their height: splines leave more of what is quick than
        interpolation that never goes beyond its neighbours, which is kept for bridges alone.

        Raises:
            InputError: too few frames are good.
        """
        good = self.quality >= LEAST_QUALITY
        if good.mean() < LEAST_GOOD:
            raise InputError(f"{self.name}: only {good.mean():.0%} of its frames are good; leave the sequence out")
        wanted = midpoints(frame_count(duration, rate), rate)
        bridged = at_times(self.weights[good].astype(np.float64), self.times[good], self.times)
        return at_times(bridged, self.times, wanted, CubicSpline).clip(0, 1)


def write_codes(sequence: FittedSequence, folder: Path) -> None:
    """Write `codes.npz` beside its place, then rename; equal codes give equal bytes."""
    ratios = {"rate": sequence.rate, "first": sequence.first}
    exact = {name: np.array([value.numerator, value.denominator]) for name, value in ratios.items()}
    partial = folder / f".{CODES}"
    words = {"head_hash": np.array(sequence.head_hash), "subject": np.array(sequence.subject)}
    np.savez(partial.with_suffix(""), **sequence.arrays, **exact, **words)
    os.replace(partial, folder / CODES)


def read(folder: Path | str) -> FittedSequence:
    """Read a sequence.

    Raises:
        InputError: the folder holds none.
    """
    path = Path(folder) / CODES
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS}
            rate, first = (Fraction(*file[name].tolist()) for name in ("rate", "first"))
            words = str(file["head_hash"]), arrays, str(file["subject"])
            return FittedSequence(path.parent.name, rate, first, *words)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: no fitted codes ({error}); write them with facetalk recording fit") from error


def sequences(dataset: Path | str) -> list[Path]:
    """Folders of a dataset, in order.

    Raises:
        InputError: there are none.
    """
    found = sorted(path.parent for path in Path(dataset).glob(f"*/{CODES}") if not path.parent.name.startswith("."))
    if not found:
        raise InputError(f"{dataset}: holds no <subject>_<sequence>/{CODES}; write it with facetalk recording fit")
    return found


def performances(
    dataset: Path, output: Path, held_out: Sequence[str] = (), progress: Progress = lambda done, total: None
) -> list[Entry]:
    """Turn a dataset into a performance set.

    Args:
        dataset: folders as above.
        output: folder to write.
        held_out: subjects that are for testing.
        progress: told how many sequences of how many are done.

    Raises:
        InputError: a sequence cannot be read or holds too few good frames.
    """
    output.mkdir(parents=True, exist_ok=True)
    folders, entries = sequences(dataset), []
    for folder in folders:
        entries.append(_entry(folder, output, held_out))
        progress(len(entries), len(folders))
    performance_files.write_index(entries, output)
    return entries


def _entry(folder: Path, output: Path, held_out: Sequence[str]) -> Entry:
    sequence, sound = read(folder), waveform.read(folder / AUDIO)
    weights = sequence.resampled(sound.duration, FRAME_RATE)
    level = envelope(listen(sound), midpoints(len(weights), FRAME_RATE))
    performance = Performance(weights.astype(np.float32), level.astype(np.float32), ())
    performance_files.write(performance, output, folder.name)
    return Entry(
        id=folder.name,
        kind="fitted",
        voice=sequence.subject,
        language="",
        text="",
        split="test" if sequence.subject in held_out else "train",
        frames=len(weights),
        seed=0,
        audio=os.path.relpath((folder / AUDIO).resolve(), output.resolve()),
        sha256=performance.sha256,
    )


def digest(found: Mapping) -> str:
    """Short hash of settings."""
    return hashlib.sha256(json.dumps(found, sort_keys=True, default=str).encode()).hexdigest()[:12]
