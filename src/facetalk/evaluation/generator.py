"""The performance generator against the real capture: do jaw and rounding spread, hurry and go together alike?

    python -m facetalk.evaluation.generator --performances DIR --facegood DIR [--picture generator.png]

prints the comparison as JSON, and draws it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tyro
from jaxtyping import Float

from facetalk.arkit import ARKIT_INDEX
from facetalk.data import capture, facegood, performance_files
from facetalk.data.facegood import Recording
from facetalk.data.loudness import listen
from facetalk.data.performances import envelope
from facetalk.evaluation import lips
from facetalk.evaluation.agreement import correlation
from facetalk.evaluation.calibration import ChannelMatch, Track, match, speech_frames
from facetalk.evaluation.timing import BANDS_HZ, SEGMENT, spectrum
from facetalk.rig.curves import midpoints
from facetalk.types import FRAME_RATE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST_LAG = 30
"""Frames searched for where a channel no longer resembles itself."""
EVERY = 4
"""Only each fourth generated clip is read; 600 clips are plenty."""


@dataclass(frozen=True)
class Tracks:
    """One channel, generated and captured."""

    ours: list[Track]
    theirs: list[Track]


@dataclass(frozen=True)
class GeneratorReport:
    """Generated against captured."""

    jaw: ChannelMatch
    rounding: ChannelMatch
    span_ms: dict[str, tuple[float, float]]
    """How long a position lasts: lag at which the autocorrelation of a channel falls to one half, (ours, theirs)."""
    power: dict[str, tuple[float, ...]]
    """Power in each of `BANDS_HZ` within continuous speech, ours over theirs: pauses have no part in it."""
    together: tuple[float, float]
    """Correlation of jaw and rounding in speech, (ours, theirs)."""


def report(performances: Path, capture_folder: Path) -> GeneratorReport:
    """Compare the generated clips of a performance set with a FACEGOOD folder.

    Raises:
        InputError: a folder is not as documented.
    """
    return compare(*read(performances, capture_folder))


def compare(jaw: Tracks, rounding: Tracks) -> GeneratorReport:
    """Compare two channels."""
    rate = float(FRAME_RATE)
    spans = {
        name: (span_ms(tracks.ours, rate), span_ms(tracks.theirs, rate))
        for name, tracks in (("jaw", jaw), ("rounding", rounding))
    }
    together = together_in_speech(jaw.ours, rounding.ours), together_in_speech(jaw.theirs, rounding.theirs)
    matches = match(jaw.ours, jaw.theirs, rate), match(rounding.ours, rounding.theirs, rate)
    power = {
        name: power_ratios(tracks, found.scale)
        for name, tracks, found in zip(("jaw", "rounding"), (jaw, rounding), matches, strict=True)
    }
    return GeneratorReport(*matches, spans, power, together)


def read(performances: Path, capture_folder: Path) -> tuple[Tracks, Tracks]:
    """Jaw and rounding of the generated clips of a performance set and of a FACEGOOD folder.

    Raises:
        InputError: a folder is not as documented.
    """
    entries = [entry for entry in performance_files.read_index(performances) if entry.kind == "generated"]
    clips = [performance_files.read(performances, entry.id) for entry in entries[::EVERY]]
    takes = facegood.read(capture_folder)
    spoken = [speech_frames(clip.envelope) for clip in clips]
    captured = [speech_frames(envelope(listen(t.speech), midpoints(len(t.curves), FRAME_RATE))) for t in takes]

    def tracks(
        ours: Callable[[Float[np.ndarray, "frame 52"]], Float[np.ndarray, " frame"]],
        theirs: Callable[[Recording], Float[np.ndarray, " frame"]],
    ) -> Tracks:
        generated = [Track(ours(clip.weights), speech) for clip, speech in zip(clips, spoken, strict=True)]
        return Tracks(generated, [Track(theirs(take), speech) for take, speech in zip(takes, captured, strict=True)])

    jaw = tracks(lambda weights: weights[:, ARKIT_INDEX["jawOpen"]], lambda take: take.channel(facegood.JAW))
    return jaw, tracks(lips.rounding, capture.rounding)


def span_ms(tracks: Sequence[Track], rate: float) -> float:
    """Milliseconds after which a channel resembles itself by one half only, in speech."""
    values = [track.values - np.concatenate([t.values[t.speech] for t in tracks]).mean() for track in tracks]

    def alike(lag: int) -> float:
        pairs = [
            (value[: len(value) - lag], value[lag:], track.speech[: len(value) - lag] & track.speech[lag:])
            for value, track in zip(values, tracks, strict=True)
        ]
        return sum(float((a * b)[both].sum()) for a, b, both in pairs) / max(
            1, sum(int(both.sum()) for *_, both in pairs)
        )

    likeness = np.array([alike(lag) for lag in range(LONGEST_LAG)]) / alike(0)
    below = int(np.argmax(likeness < 0.5))
    if not below:
        return float("inf")
    share = (likeness[below - 1] - 0.5) / (likeness[below - 1] - likeness[below])
    return float(1000 * (below - 1 + share) / rate)


def together_in_speech(first: Sequence[Track], second: Sequence[Track]) -> float:
    """Correlation of two channels over all frames of speech."""
    one, other = (np.concatenate([track.values[track.speech] for track in tracks]) for tracks in (first, second))
    return correlation(one, other)


@dataclass(frozen=True)
class GeneratorCheck:
    """What to compare."""

    performances: Path
    facegood: Path
    picture: Path | None = None
    """A .png to draw the comparison in."""


def main(check: GeneratorCheck) -> None:
    """Print the comparison as JSON, and draw it where asked."""
    jaw, rounding = read(check.performances, check.facegood)
    found = compare(jaw, rounding)
    print(json.dumps(asdict(found), indent=1))
    if check.picture is not None:
        scales = {"jawOpen": found.jaw.scale, "rounding": found.rounding.scale}
        draw({"jawOpen": jaw, "rounding": rounding}, scales).savefig(check.picture, format="png", dpi=80)


def draw(channels: Mapping[str, Tracks], scales: Mapping[str, float]) -> "Figure":
    """Distributions of place and of speed, and spectra, of each channel; the capture in our units."""
    from matplotlib.figure import Figure  # an extra

    picture = Figure(figsize=(11, 5.5), layout="constrained")
    axes = picture.subplots(len(channels), 3, squeeze=False)
    for line, (name, tracks) in enumerate(channels.items()):
        for label, found, scale in (("generated", tracks.ours, 1.0), ("captured", tracks.theirs, scales[name])):
            values = scale * np.concatenate([track.values[track.speech] for track in found])
            steps = scale * np.concatenate([np.diff(track.values)[track.speech[1:]] for track in found])
            hertz, power = spoken_spectrum(found, float(FRAME_RATE))
            axes[line][0].hist(values, np.linspace(0, 0.6, 61), density=True, histtype="step", label=label)
            speeds = np.abs(steps) * float(FRAME_RATE)
            axes[line][1].hist(speeds, np.linspace(0, 5, 61), density=True, histtype="step", log=True, label=label)
            axes[line][2].loglog(hertz[1:], scale**2 * power[1:], label=label)
        for axis, what in zip(axes[line], ("weight", "speed, 1/s", "power by Hz"), strict=True):
            axis.set_title(f"{name}: {what}", fontsize=9)
    axes[0][0].legend(fontsize=8)
    return picture


def power_ratios(tracks: Tracks, scale: float) -> tuple[float, ...]:
    """Power within speech in each band, generated over captured; NaN where no stretch of speech is long enough."""
    hertz, ours = spoken_spectrum(tracks.ours, float(FRAME_RATE))
    _, theirs = spoken_spectrum(tracks.theirs, float(FRAME_RATE))
    bands = [(hertz >= low) & (hertz < high) for low, high in pairwise(BANDS_HZ)]
    return tuple(
        float(ours[band].sum() / (scale**2 * theirs[band].sum())) if theirs.any() else float("nan") for band in bands
    )


def spoken_spectrum(tracks: Sequence[Track], rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean power density over stretches of speech of at least `SEGMENT` frames."""
    total, frames, hertz = np.zeros(SEGMENT // 2 + 1), 0, np.zeros(SEGMENT // 2 + 1)
    for track in tracks:
        edges = np.flatnonzero(np.diff(np.pad(track.speech.astype(int), 1)))
        for start, end in edges.reshape(-1, 2):
            if end - start >= SEGMENT:
                hertz, power = spectrum(track.values[start:end], rate)
                total, frames = total + power, frames + int(end - start)
    return hertz, total / max(frames, 1)


if __name__ == "__main__":
    main(tyro.cli(GeneratorCheck))
