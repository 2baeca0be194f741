"""A talker against a folder of performances: it speaks every held-out clip, and the lips are measured.

The truth's apertures are those of the folder's curves on the same head, read by the same meter. Rows for loudness,
phoneme rules and mean motion stand beside ours, and so does the same talker fed with another clip's sound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from facetalk.data import performance_files
from facetalk.errors import InputError
from facetalk.evaluation import knockouts
from facetalk.evaluation.agreement import root_mean_square, velocity
from facetalk.evaluation.motion import MotionReport, Movement, TestClip, report
from facetalk.mesh.aperture import mouth_probe
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.identity import Identity
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


def entries(test: TalkingTest, split: str, count: int) -> list[Entry]:
    """Evenly spread clips of one split.

    Raises:
        InputError: the folder is no set of performances or has no such clips.
    """
    rows = [row for row in performance_files.read_index(test.data) if row.split == split and row.kind == "generated"]
    rows = [row for row in rows if row.language.startswith(test.language)]
    if not rows:
        raise InputError(f"{test.data}: no {split} clips in language {test.language!r}; try --language ''")
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))
    return [_entry(test.data, rows[number]) for number in chosen]


def _entry(folder: Path, row: performance_files.Entry) -> Entry:
    made = performance_files.read(folder, row.id)
    curves = RigCurves(made.weights.astype(np.float64), FRAME_RATE)
    audio, loudness = performance_files.audio_path(folder, row), made.envelope.astype(np.float64)
    return Entry(row.id, audio, curves, made.phones, loudness)


def evaluate(talker: Talker, test: TalkingTest, watch: Watch = lambda done, of: None) -> MotionReport:
    """Speak the test clips and measure them."""
    asked, known = entries(test, "test", test.clips), entries(test, "train", test.references)
    asides = knockouts.rows(talker, test.performing, test.seed) if test.knockouts else {}
    of = (3 + len(asides)) * len(asked) + len(known)
    done = iter(range(1, of + 1))

    def measured(clip: Clip) -> Movement:
        movement = Movement(mouth_apertures(clip), clip.arkit().weights.astype(np.float64))
        watch(next(done), of)
        return movement

    identity = talker.identity(test.identity)

    def true(entry: Entry) -> TestClip:
        clip = talker.perform(entry.curves, identity=identity)
        movement = Movement(measured(clip).apertures, entry.curves.weights)
        return TestClip(entry.id, movement, entry.phones, entry.loudness, float(FRAME_RATE))

    def ours(sound: Waveform, who: Identity) -> Clip:
        return talker.animate(sound, identity=who, seed=test.seed, performing=test.performing)

    def spoken(entry: Entry, sound: Waveform, speak: knockouts.Speak = ours) -> Movement:
        return _fitted(measured(speak(sound, identity)), len(entry.curves))

    sounds = [waveform.read(entry.audio) for entry in asked]
    predictions = {
        "ours": [spoken(entry, sound) for entry, sound in zip(asked, sounds, strict=True)],
        "another clip's sound": [
            spoken(entry, sound) for entry, sound in zip(asked, sounds[1:] + sounds[:1], strict=True)
        ],
        **{
            name: [spoken(entry, sound, speak) for entry, sound in zip(asked, sounds, strict=True)]
            for name, speak in asides.items()
        },
    }
    return report([true(entry) for entry in asked], predictions, [true(entry) for entry in known])


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


def _fitted(movement: Movement, frames: int) -> Movement:
    """Cut or held to a number of frames: generated curves and sound may differ by one."""
    kept = np.minimum(np.arange(frames), len(movement.apertures) - 1)
    return Movement(movement.apertures[kept], movement.curves[kept])


def table(measured: MotionReport) -> Sequence[tuple[str, ...]]:
    """Rows of text for people: the name, then the figures that the bars ask for."""
    header = (
        "",
        "closes at p b m",
        "false closures",
        "stillness",
        "correlation",
        "lag",
        "velocity",
        "a-i-f-m in order",
    )
    rows = [
        (
            row.name,
            f"{row.lips.closure_rate:.3f}",
            f"{row.lips.false_closure_rate:.3f}",
            f"{row.lips.stillness:.3f}",
            f"{row.aperture_correlation:.3f}",
            f"{row.lag_frames:+d}",
            f"{row.velocity_ratio:.2f}",
            "yes" if row.lips.in_order else "no",
        )
        for row in measured.rows
    ]
    return [header, *rows]
