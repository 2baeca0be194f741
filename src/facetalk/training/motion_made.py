"""Performances of sound that was made or changed for training, with the speech features beside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.progress import track

from facetalk.data import performance_files, timed_speech
from facetalk.data.loudness import listen
from facetalk.data.performance_files import Entry
from facetalk.data.performances import clip_seed, perform
from facetalk.data.segments import Segment
from facetalk.data.timed_speech import TimedClip
from facetalk.errors import InputError
from facetalk.speech import encoder
from facetalk.training.feature_note import claim
from facetalk.types import Waveform


@dataclass(frozen=True)
class MadeSet:
    """What every set that is made from timed speech is told."""

    timed_speech: Path
    """Folder with index.jsonl and clips/; only its training clips are used."""
    out: Path
    """Folder to write: index.jsonl, `<id>.npz` and `<id>.npy` for each clip."""
    encoder: str = encoder.BUNDLED
    """Weights of the speech encoder."""
    seed: int = 0

    def spoken(self) -> list[TimedClip]:
        """The training clips that there are."""
        return [clip for clip in timed_speech.read(self.timed_speech) if clip.split == "train"]


@dataclass(frozen=True)
class Made:
    """One clip before anybody performs it."""

    name: str
    text: str
    speech: Waveform
    segments: Sequence[Segment]
    """They end where the sound does."""


def write(config: MadeSet, clips: Iterable[Made], count: int) -> None:
    """Perform clips, `count` of them, and write them as a set.

    Raises:
        InputError: the encoder hears another number of frames than were performed, or another's features lie there.
    """
    hear = encoder.load(config.encoder)
    config.out.mkdir(parents=True, exist_ok=True)
    claim(config.out, hear)
    entries = []
    for clip in track(clips, "clips", count):
        seed = clip_seed(config.seed, clip.name)
        performance = perform(clip.speech, clip.segments, listen(clip.speech), seed)
        features = hear(clip.speech).values.numpy().astype(np.float16)
        if len(features) != len(performance.weights):
            raise InputError(
                f"{clip.name}: {len(features)} frames of features for {len(performance.weights)} of motion"
            )
        performance_files.write(performance, config.out, clip.name)
        np.save(config.out / f"{clip.name}.npy", features)
        frames, sha256 = len(features), performance.sha256
        entries.append(Entry(clip.name, "generated", "", "", clip.text, "train", frames, seed, "", sha256))
    performance_files.write_index(entries, config.out)
