"""Performances of sound that was made or changed for training, with the speech features beside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import track

from facetalk.data import performance_files
from facetalk.data.loudness import listen
from facetalk.data.performance_files import Entry
from facetalk.data.performances import clip_seed, perform
from facetalk.data.segments import Segment
from facetalk.errors import InputError
from facetalk.speech import encoder
from facetalk.types import Waveform


@dataclass(frozen=True)
class Made:
    """One clip before anybody performs it."""

    name: str
    text: str
    speech: Waveform
    segments: Sequence[Segment]
    """They end where the sound does."""


def write(clips: Iterable[Made], count: int, out: Path, encoding: str, seed: int) -> None:
    """Perform clips and write them as a set: index.jsonl, `<name>.npz` and `<name>.npy` for each.

    Args:
        clips: what is said.
        count: how many there are, for the progress bar.
        out: folder to write.
        encoding: weights of the speech encoder.
        seed: of the performances.

    Raises:
        InputError: the encoder hears another number of frames than were performed.
    """
    hear = encoder.load(encoding)
    out.mkdir(parents=True, exist_ok=True)
    entries = []
    for clip in track(clips, "clips", count):
        drawn = clip_seed(seed, clip.name)
        performance = perform(clip.speech, clip.segments, listen(clip.speech), drawn)
        features = hear(clip.speech).values.numpy().astype(np.float16)
        if len(features) != len(performance.weights):
            raise InputError(
                f"{clip.name}: {len(features)} frames of features for {len(performance.weights)} of motion"
            )
        performance_files.write(performance, out, clip.name)
        np.save(out / f"{clip.name}.npy", features)
        frames, sha256 = len(features), performance.sha256
        entries.append(Entry(clip.name, "generated", "", "", clip.text, "train", frames, drawn, "", sha256))
    performance_files.write_index(entries, out)
