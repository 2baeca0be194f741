"""Packs the training set of the speech encoder: decodes clips, runs the teacher on them, labels frames.

    python -m facetalk.training.speech_pack --timed-speech DIR --librispeech DIR --facegood DIR \
        --teacher encoder_model.ort --out DIR
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float, Int
from rich.progress import track

from facetalk.data import corpus, facegood, timed_speech
from facetalk.data.timed_speech import BOUNDARY, SILENCE, Phone, TimedClip
from facetalk.speech import waveform
from facetalk.speech.timing import frame_count, midpoints
from facetalk.training import speech_set
from facetalk.training.speech_set import IGNORED, Example, ShardWriter
from facetalk.training.teacher import Teacher
from facetalk.types import FRAME_RATE, Waveform

COMPONENTS = 160
"""Principal components of the teacher's features that are kept."""
FITTING_CLIPS = 160
"""Training clips the components are fitted on."""
TRUSTED_SECONDS = Fraction(1, 4)
"""A label is believed for this long: pauses at the end of a phrase are swallowed by its last phone."""
QUIET_DB = 32
"""A frame this far below a clip's loud parts (their 95th percentile) is a pause."""


@dataclass(frozen=True)
class Sources:
    """Folders and files the set is packed from."""

    timed_speech: Path
    """Folder with index.jsonl and clips/."""
    librispeech: Path
    """Folder with LibriSpeech parts."""
    facegood: Path
    """Folder with wav/ and bs_value/; only the sound of its training recordings is used."""
    teacher: Path
    """encoder_model.ort of the moonshine-cpp wheel."""
    out: Path
    """Folder to write."""


@dataclass(frozen=True)
class Source:
    """One clip before it is decoded."""

    id: str
    group: str
    path: Path
    phones: tuple[Phone, ...]


@dataclass(frozen=True)
class Components:
    """A whitening of the teacher's features: components of unit variance and the share of variance of each."""

    mean: Float[np.ndarray, " feature"]
    basis: Float[np.ndarray, "feature component"]
    shares: Float[np.ndarray, " component"]

    def __call__(self, features: Float[np.ndarray, "frame feature"]) -> Float[np.ndarray, "frame component"]:
        """Components of features."""
        return (features - self.mean) @ self.basis


def main(sources: Sources) -> None:
    """Pack `sources` into shards."""
    teacher = Teacher(sources.teacher)
    clips = tuple(_sources(sources))
    symbols = _symbols(timed_speech.read(sources.timed_speech))
    training = [clip for clip in clips if clip.group.endswith("train")]
    components = fit_components(teacher, training[:: max(len(training) // FITTING_CLIPS, 1)])
    digest = hashlib.sha256(sources.teacher.read_bytes()).hexdigest()
    about = {"symbols": symbols, "shares": components.shares.tolist(), "teacher_sha256": digest, "rate": 30}
    writer = ShardWriter(sources.out, about)
    for clip in track(clips, "packing"):
        writer.add(_example(clip, teacher, components, symbols))
    writer.close()


def _sources(sources: Sources) -> Iterator[Source]:
    for clip in timed_speech.read(sources.timed_speech):
        yield Source(clip.id, f"timed-{clip.split}", clip.path, clip.phones)
    for utterance in corpus.read(sources.librispeech):
        if utterance.split == "train":
            yield Source(utterance.id, "librispeech-train", utterance.path, ())
    for name in facegood.names(sources.facegood):
        if name not in facegood.HELD_OUT:
            yield Source(name, "facegood-train", sources.facegood / "wav" / f"{name}.wav", ())


def _symbols(clips: tuple[TimedClip, ...]) -> list[str]:
    """Silence first, then every phone of the training clips."""
    phones = {phone.symbol for clip in clips if clip.split == "train" for phone in clip.phones}
    return [SILENCE, *sorted(phones - {SILENCE, BOUNDARY})]


def fit_components(teacher: Teacher, clips: list[Source]) -> Components:
    """Principal components of the teacher's features over some clips."""
    features = np.concatenate([_teacher_rows(teacher, waveform.read(clip.path)) for clip in track(clips, "teacher")])
    mean = features.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((features - mean).T))
    kept = np.argsort(values)[::-1][:COMPONENTS]
    basis = vectors[:, kept] / np.sqrt(values[kept])
    return Components(mean, basis.astype(np.float32), values[kept] / values.sum())


def _teacher_rows(teacher: Teacher, speech: Waveform) -> Float[np.ndarray, "frame feature"]:
    return teacher(speech, midpoints(frame_count(speech.duration, FRAME_RATE), FRAME_RATE))


def _example(clip: Source, teacher: Teacher, components: Components, symbols: list[str]) -> Example:
    speech = waveform.read(clip.path)
    rows = components(_teacher_rows(teacher, speech))
    phones = labels(clip.phones, speech, symbols, len(rows))
    return Example(clip.id, clip.group, speech_set.compress(speech.samples), speech_set.quantised(rows), phones)


def labels(phones: tuple[Phone, ...], speech: Waveform, symbols: list[str], frames: int) -> Int[np.ndarray, " frame"]:
    """Phone class at each frame's midpoint; `IGNORED` where there is none or it is doubtful.

    A frame is silent at the clip's edges and where the sound is `QUIET_DB` below the clip's loud parts inside a
    boundary or in what is left of a phone after `TRUSTED_SECONDS`. Boundaries that sound are left out.
    """
    classes = np.full(frames, IGNORED, np.int8)
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    loudness = facegood.log_loudness(speech, frames)
    quiet = loudness < np.percentile(loudness, 95) - QUIET_DB / 20
    times = midpoints(frames, FRAME_RATE)
    for phone in phones:
        inside = (times >= float(phone.start)) & (times < float(phone.end))
        trusted = inside & (times < float(phone.start + TRUSTED_SECONDS))
        if phone.symbol != SILENCE:
            classes[inside & quiet] = numbers[SILENCE]
        if phone.symbol in numbers:
            classes[inside if phone.symbol == SILENCE else trusted] = numbers[phone.symbol]
    return classes


if __name__ == "__main__":
    main(tyro.cli(Sources))
