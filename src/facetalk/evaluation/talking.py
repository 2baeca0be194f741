"""Speaking the held-out clips of a folder: which clips, and what is asked of a talker beside the table.

The table itself is made in `facetalk.evaluation.proof`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float

from facetalk.data import performance_files
from facetalk.errors import InputError
from facetalk.evaluation import knockouts
from facetalk.evaluation.agreement import root_mean_square, velocity
from facetalk.mesh.aperture import mouth_probe
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.roads import DEFAULT_SURFACE
from facetalk.pipeline.talker import Performing, Talker
from facetalk.speech import waveform
from facetalk.types import FRAME_RATE, SAMPLE_RATE, RigCurves, Waveform

SILENCE_SECONDS = 10
Watch = Callable[[int, int], None]
"""Told (done, of) as clips are finished."""


@dataclass(frozen=True)
class TalkingTest:
    """Which clips are spoken, and how."""

    data: Path
    """Folder of performances with an index.jsonl."""
    clips: int = 40
    """At most so many test clips, spread evenly over the folder."""
    references: int = 40
    """Training clips that the baselines are fitted to."""
    language: str = "en"
    """Only languages that begin so; empty for all."""
    kind: Literal["generated", "captured"] = "generated"
    """Captured clips are real recordings, of any language; their phones are not known."""
    frames: int | None = None
    """At most so many frames of a clip, its first; all of them where left out."""
    identity: str = "seed:1"
    seed: int = 0
    performing: Performing = field(default_factory=Performing)
    knockouts: bool = False
    """Also rows that must fail (shuffled weights, noise as loud), DDPM in 1000 steps, silence alone and in front."""


@dataclass(frozen=True)
class Entry:
    """One performance of the folder."""

    id: str
    audio: Path
    curves: RigCurves
    phones: tuple[tuple[str, float, float], ...]
    loudness: Float[np.ndarray, " frame"]
    sha256: str
    """Of the performance's content."""


def entries(test: TalkingTest, split: str, count: int) -> list[Entry]:
    """Evenly spread clips of one split.

    Raises:
        InputError: the folder is no set of performances or has no such clips.
    """
    rows = [row for row in performance_files.read_index(test.data) if row.split == split and row.kind == test.kind]
    if test.kind == "generated":
        rows = [row for row in rows if row.language.startswith(test.language)]
    if not rows:
        raise InputError(f"{test.data}: no {test.kind} {split} clips in language {test.language!r}; try --language ''")
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))
    return [_entry(test, rows[number]) for number in chosen]


def _entry(test: TalkingTest, row: performance_files.Entry) -> Entry:
    made = performance_files.read(test.data, row.id)
    weights = made.weights[: test.frames].astype(np.float64)
    seconds = len(weights) / float(FRAME_RATE)
    phones = tuple(phone for phone in made.phones if phone[2] <= seconds)
    loudness = made.envelope[: len(weights)].astype(np.float64)
    audio = performance_files.audio_path(test.data, row)
    return Entry(row.id, audio, RigCurves(weights, FRAME_RATE), phones, loudness, row.sha256)


def shifts(talker: Talker, test: TalkingTest) -> list[int]:
    """For every test clip, the frames by which 200 ms of silence in front delay jaw and lips; 6 is right."""
    sounds = (waveform.read(entry.audio) for entry in entries(test, "test", test.clips))
    return [knockouts.shift(talker, sound, test.performing, test.seed) for sound in sounds]


def in_silence(talker: Talker, test: TalkingTest) -> float:
    """RMS speed of the lips in ten seconds of silence, as a share of that in ten seconds of the test clips."""
    identity = talker.identity(test.identity)
    wanted, speech = SILENCE_SECONDS * SAMPLE_RATE, np.zeros(0, np.float32)
    for entry in entries(test, "test", test.clips):
        speech = np.concatenate([speech, waveform.read(entry.audio).samples])[:wanted]

    def speed(samples: Float[np.ndarray, " sample"]) -> float:
        clip = talker.animate(Waveform(samples), identity=identity, seed=test.seed, performing=test.performing)
        return root_mean_square(velocity(mouth_apertures(clip), float(clip.codes.rate)))

    return speed(np.zeros(wanted, np.float32)) / max(speed(speech), 1e-9)


def mouth_apertures(clip: Clip) -> Float[np.ndarray, " frame"]:
    """Mean free height between the lips over the middle columns, mm, for each frame."""
    actor = clip.actor(DEFAULT_SURFACE)
    probe = mouth_probe({name: point.cpu().numpy() for name, point in actor.state.landmarks.items()})
    with torch.inference_mode():
        rows = [probe.apertures(actor.sdf(code)) for code in clip.codes.values]
    return np.stack(rows).mean(axis=1)
