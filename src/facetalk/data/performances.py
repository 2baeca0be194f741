"""The performance generator: timed speech in, ARKit curves with their phones out, the same bytes for the same seed.

`perform` makes one clip; `generate` writes a whole set: every clip of a timed-speech folder, and, where a FACEGOOD
folder is given, the real recordings with a living upper face added to the captured mouth.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from facetalk.data import capture, coarticulation, facegood, life, performance_files, style, timed_speech
from facetalk.data.loudness import STEP_S, Loudness, listen, pitch
from facetalk.data.performance_files import Entry, Performance
from facetalk.data.segments import Segment, segment
from facetalk.rig.curves import frame_count, midpoints
from facetalk.speech import waveform
from facetalk.types import FRAME_RATE, Waveform

Progress = Callable[[int, int], None]
"""Told how many clips of how many are done."""


@dataclass(frozen=True)
class PerformanceConfig:
    """What to make and where."""

    timed_speech: Path
    """Folder with index.jsonl and clips/."""
    output: Path
    """Folder to write."""
    facegood: Path | None = None
    """Folder with wav/, bs_value/ and channels.txt; adds the real performances."""
    seed: int = 0
    limit: int | None = None
    """Only the first clips, for a trial."""
    workers: int = 1


@dataclass(frozen=True)
class PerformanceSet:
    """What was written."""

    clips: int
    frames: int
    splits: dict[str, int]
    """Clips in each split."""
    sha256: str


def generate(config: PerformanceConfig, progress: Progress = lambda done, total: None) -> PerformanceSet:
    """Write a performance set.

    Raises:
        InputError: a source folder is not as documented, or a clip cannot be read.
    """
    clips = timed_speech.read(config.timed_speech)[: config.limit]
    takes = facegood.names(config.facegood) if config.facegood else ()
    config.output.mkdir(parents=True, exist_ok=True)
    total = len(clips) + len(takes)
    entries: list[Entry] = []
    for entry in _entries(config, clips, takes):
        entries.append(entry)
        progress(len(entries), total)
    digest = performance_files.write_index(entries, config.output)
    splits = {name: sum(entry.split == name for entry in entries) for name in sorted({e.split for e in entries})}
    return PerformanceSet(len(entries), sum(entry.frames for entry in entries), splits, digest)


def perform(speech: Waveform, segments: Sequence[Segment], loudness: Loudness, seed: int) -> Performance:
    """One performance of a clip whose segments are known; frame i shows its midpoint."""
    generator = np.random.default_rng(seed)
    manner = style.draw(generator)
    duration = Fraction(segments[-1].end).limit_denominator(100_000)
    times = midpoints(frame_count(duration, FRAME_RATE), FRAME_RATE)
    mouth = coarticulation.mouth(segments, segment_levels(segments, loudness), manner, times)
    alive = life.live(segments, life.accents(*pitch(speech), segments), manner, times, generator)
    phones = tuple((item.label, item.start, item.end) for item in segments)
    return Performance(_combined(mouth, alive), envelope(loudness, times), phones)


def segment_levels(segments: Sequence[Segment], loudness: Loudness) -> Float[np.ndarray, " segment"]:
    """Mean level of each segment, dB against the clip's loud parts."""
    spans = [(int(item.start / STEP_S), int(item.end / STEP_S)) for item in segments]
    last = len(loudness.full) - 1
    return np.array([loudness.full[min(a, last) : max(b, a + 1)].mean() for a, b in spans])


def envelope(loudness: Loudness, times: Float[np.ndarray, " frame"]) -> Float[np.ndarray, " frame"]:
    """Level of each frame, dB; silence counts as −60."""
    return np.interp(times, loudness.times, np.maximum(loudness.full, -60.0))


def clip_seed(seed: int, clip: str) -> int:
    """Seed of one clip: its own, whatever else is in the set."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{clip}".encode()).digest()[:4], "big")


def _combined(
    mouth: Float[np.ndarray, "frame 52"], alive: Float[np.ndarray, "frame 52"]
) -> Float[np.ndarray, "frame 52"]:
    return np.clip(mouth + alive, 0.0, 1.0)


def _entries(
    config: PerformanceConfig, clips: Sequence[timed_speech.TimedClip], takes: Sequence[str]
) -> Iterator[Entry]:
    make = partial(_clip, config)
    if config.workers > 1:
        with ProcessPoolExecutor(config.workers) as pool:
            yield from pool.map(make, clips, chunksize=8)
    else:
        yield from map(make, clips)
    for name in takes:
        yield _take(config, name)


def _clip(config: PerformanceConfig, clip: timed_speech.TimedClip) -> Entry:
    seed = clip_seed(config.seed, clip.id)
    speech = waveform.read(clip.path)
    loudness = listen(speech)
    performance = perform(speech, segment(clip.phones, loudness), loudness, seed)
    performance_files.write(performance, config.output, clip.id)
    return Entry(
        id=clip.id,
        kind="generated",
        voice=clip.voice,
        language=clip.language,
        text=clip.text,
        split=clip.split,
        frames=len(performance.weights),
        seed=seed,
        audio=_relative(clip.path, config.output),
        sha256=performance.sha256,
    )


def _take(config: PerformanceConfig, name: str) -> Entry:
    """A real recording: captured mouth, drawn eyes and brows."""
    assert config.facegood is not None
    recording = facegood.read_one(config.facegood, name)
    seed = clip_seed(config.seed, name)
    generator = np.random.default_rng(seed)
    loudness = listen(recording.speech)
    times = midpoints(len(recording.curves), FRAME_RATE)
    alive = life.live((), np.zeros(0), style.draw(generator), times, generator)
    weights = _combined(capture.mouth(recording), alive)
    performance = Performance(weights, envelope(loudness, times), ())
    performance_files.write(performance, config.output, name)
    return Entry(
        id=name,
        kind="captured",
        voice="facegood",
        language="zh",
        text="",
        split=recording.split,
        frames=len(weights),
        seed=seed,
        audio=_relative(config.facegood / "wav" / f"{name}.wav", config.output),
        sha256=performance.sha256,
    )


def _relative(path: Path, folder: Path) -> str:
    return os.path.relpath(path.resolve(), folder.resolve())
