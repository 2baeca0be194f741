"""Packs the training set of the speech encoder: decodes clips, runs the teacher on them, labels frames.

    python -m facetalk.training.speech_pack --timed-speech DIR --librispeech DIR --facegood DIR \
        --teacher encoder_model.ort --out DIR
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float, Int
from rich.progress import track

from facetalk.data import corpus, facegood, timed_speech
from facetalk.data.phone_labels import labels, symbols_of
from facetalk.data.teacher import Teacher
from facetalk.data.timed_speech import Phone
from facetalk.speech import waveform
from facetalk.speech.timing import frame_count, midpoints
from facetalk.training import speech_set
from facetalk.training.speech_set import Example, ShardWriter
from facetalk.types import FRAME_RATE, Waveform

COMPONENTS = 160
"""Principal components of the teacher's features that are kept."""
FITTING_CLIPS = 160
"""Training clips the components are fitted on."""


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
    origin: Path | None = None
    """encoder_model.ort of tiny-en in the moonshine-voice wheel, where training begins with that."""


@dataclass(frozen=True)
class Source:
    """One clip before it is decoded."""

    id: str
    group: str
    path: Path
    phones: tuple[Phone, ...]


@dataclass(frozen=True)
class Origin:
    """The published network that training begins with, and the moments of its features."""

    network: Teacher
    mean: Float[np.ndarray, " feature"]
    spread: Float[np.ndarray, " feature"]

    @classmethod
    def of(cls, path: Path, clips: list[Source]) -> "Origin":
        """Moments over some clips."""
        network = Teacher(path)
        features = np.concatenate([_rows(network, waveform.read(clip.path)) for clip in track(clips, "origin")])
        return cls(network, features.mean(0), features.std(0))

    def __call__(self, speech: Waveform) -> Int[np.ndarray, "frame feature"]:
        """Features of a clip in 8-bit steps."""
        return speech_set.quantised((_rows(self.network, speech) - self.mean) / self.spread)


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
    symbols = symbols_of(timed_speech.read(sources.timed_speech))
    training = [clip for clip in clips if clip.group.endswith("train")]
    some = training[:: max(len(training) // FITTING_CLIPS, 1)]
    components = fit_components(teacher, some)
    origin = None if sources.origin is None else Origin.of(sources.origin, some)
    digest = hashlib.sha256(sources.teacher.read_bytes()).hexdigest()
    about = {"symbols": symbols, "shares": components.shares.tolist(), "teacher_sha256": digest, "rate": 30}
    if origin is not None:
        about["origin"] = {"mean": origin.mean.tolist(), "spread": origin.spread.tolist()}
    writer = ShardWriter(sources.out, about)
    for clip in track(clips, "packing"):
        writer.add(_example(clip, teacher, components, origin, symbols))
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


def fit_components(teacher: Teacher, clips: list[Source]) -> Components:
    """Principal components of the teacher's features over some clips."""
    features = np.concatenate([_rows(teacher, waveform.read(clip.path)) for clip in track(clips, "teacher")])
    mean = features.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((features - mean).T))
    kept = np.argsort(values)[::-1][:COMPONENTS]
    basis = vectors[:, kept] / np.sqrt(values[kept])
    return Components(mean, basis.astype(np.float32), values[kept] / values.sum())


def _rows(teacher: Teacher, speech: Waveform) -> Float[np.ndarray, "frame feature"]:
    return teacher(speech, midpoints(frame_count(speech.duration, FRAME_RATE), FRAME_RATE))


def _example(
    clip: Source, teacher: Teacher, components: Components, origin: Origin | None, symbols: list[str]
) -> Example:
    speech = waveform.read(clip.path)
    rows = components(_rows(teacher, speech))
    phones = labels(clip.phones, speech, symbols, len(rows))
    said = np.zeros((len(rows), 0), np.int8) if origin is None else origin(speech)
    sound = speech_set.compress(speech.samples)
    return Example(clip.id, clip.group, sound, speech_set.quantised(rows), phones, said)


if __name__ == "__main__":
    main(tyro.cli(Sources))
