"""How like two sets of curves move: quantile scale, spread, speed and spectrum of one channel, in speech.

Two rigs have different units, so the second is scaled to the first by least squares on their quantiles; what is
compared after that is shape and pace.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_closing
from scipy.signal import welch

QUANTILES = np.arange(5, 100, 5)
SPEECH_DB = -34.0
"""Frames louder than this, against the clip's loud parts, are speech."""
GAP_FRAMES = 3
"""Shorter gaps between them are speech too."""
BANDS_HZ = (0.5, 2.0, 4.0, 6.0, 9.0, 14.0)


@dataclass(frozen=True)
class Track:
    """One channel of a clip, and which of its frames are speech."""

    values: Float[np.ndarray, " frame"]
    speech: Bool[np.ndarray, " frame"]


@dataclass(frozen=True)
class ChannelMatch:
    """Ours against theirs, theirs scaled to our units; ratios of 1 are alike."""

    scale: float
    """Our units in one of theirs."""
    deviation_ratio: float
    variance_ratio: float
    velocity_ratio: float
    """Of RMS velocities."""
    fast_ratio: float
    """Of 99th percentiles of absolute velocity."""
    quantiles: tuple[tuple[float, float], ...]
    """50th, 75th, 90th, 95th and 99th percentile, (ours, theirs scaled)."""
    spectrum: tuple[tuple[float, float], ...]
    """Share of power in each band of `BANDS_HZ`, (ours, theirs)."""


def speech_frames(envelope: Float[np.ndarray, " frame"]) -> Bool[np.ndarray, " frame"]:
    """Which frames are speech, from their level in dB."""
    return binary_closing(np.pad(envelope > SPEECH_DB, GAP_FRAMES), iterations=GAP_FRAMES)[GAP_FRAMES:-GAP_FRAMES]


def match(ours: Sequence[Track], theirs: Sequence[Track], rate: float) -> ChannelMatch:
    """Compare one channel of two sets of clips."""
    first, second = _speech(ours), _speech(theirs)
    a, b = np.percentile(first, QUANTILES), np.percentile(second, QUANTILES)
    scale = float(a @ b / (b @ b))
    speed, other = _steps(ours), scale * _steps(theirs)
    marks = (50, 75, 90, 95, 99)
    deviation = float(first.std() / (scale * second.std()))
    return ChannelMatch(
        scale=scale,
        deviation_ratio=deviation,
        variance_ratio=deviation**2,
        velocity_ratio=float(np.sqrt((speed**2).mean() / (other**2).mean())),
        fast_ratio=float(np.percentile(np.abs(speed), 99) / np.percentile(np.abs(other), 99)),
        quantiles=_paired(np.percentile(first, marks), scale * np.percentile(second, marks)),
        spectrum=_paired(_bands(ours, rate), _bands(theirs, rate)),
    )


def _speech(tracks: Sequence[Track]) -> Float[np.ndarray, " frame"]:
    return np.concatenate([track.values[track.speech] for track in tracks])


def _steps(tracks: Sequence[Track]) -> Float[np.ndarray, " step"]:
    return np.concatenate([np.diff(track.values)[track.speech[1:] & track.speech[:-1]] for track in tracks])


def _bands(tracks: Sequence[Track], rate: float) -> Float[np.ndarray, " band"]:
    """Share of power in each band; silence counts as it is, so that pauses weigh alike."""
    power = np.zeros(len(BANDS_HZ) - 1)
    for track in tracks:
        if len(track.values) >= 64:
            hertz, density = welch(track.values, rate, nperseg=64)
            edges = itertools.pairwise(BANDS_HZ)
            power += [density[(hertz >= low) & (hertz < high)].sum() * len(track.values) for low, high in edges]
    return power / power.sum()


def _paired(first: Float[np.ndarray, " item"], second: Float[np.ndarray, " item"]) -> tuple[tuple[float, float], ...]:
    return tuple((round(float(a), 4), round(float(b), 4)) for a, b in zip(first, second, strict=True))
