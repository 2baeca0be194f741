"""Importer of FACEGOOD-Audio2Face training pairs: real mouth curves with the speech they were captured with.

Layout: `wav/<name>.wav`, `bs_value/bs_value_<name>.npy` ([frame, channel] at 30 fps), `channels.txt`.
The capture trails the sound by about a frame; the lag is estimated on each recording and removed.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline

from facetalk.errors import InputError
from facetalk.speech import waveform
from facetalk.types import FRAME_RATE, SAMPLE_RATE, Waveform

HELD_OUT = frozenset({"1114_2_05"})
"""Recordings never trained on."""

JAW = "mouth_stretch_c"
"""The channel that opens the jaw."""

LOUDNESS_SECONDS = 0.04
"""Window of the loudness curve."""

LARGEST_LAG = 6
"""Frames searched on either side for the lag of the capture."""


@dataclass(frozen=True)
class Recording:
    """One take: speech and the curves captured with it, already in step with each other."""

    name: str
    speech: Waveform
    curves: Float[np.ndarray, "frame channel"]
    """At `FRAME_RATE`, sampled at frame midpoints, in the capture rig's own units."""
    channels: tuple[str, ...]
    lag: float
    """Frames by which the capture trailed the sound before it was shifted."""
    split: str
    """"train" or "test"."""

    def channel(self, name: str) -> Float[np.ndarray, " frame"]:
        """The curve of one channel."""
        return self.curves[:, self.channels.index(name)]


def names(folder: Path | str) -> tuple[str, ...]:
    """Names of the recordings in a FACEGOOD folder.

    Raises:
        InputError: the folder holds no recording.
    """
    found = tuple(sorted(path.stem for path in (Path(folder) / "wav").glob("*.wav")))
    if not found:
        raise InputError(f"{folder}: no wav/*.wav in it; give the folder that holds wav/, bs_value/ and channels.txt")
    return found


def read(folder: Path | str) -> tuple[Recording, ...]:
    """All recordings of a FACEGOOD folder."""
    return tuple(read_one(folder, name) for name in names(folder))


def read_one(folder: Path | str, name: str) -> Recording:
    """One recording, its lag removed.

    Raises:
        InputError: a file is missing, or the curves do not fit the channel names.
    """
    folder = Path(folder)
    speech = waveform.read(folder / "wav" / f"{name}.wav")
    channels = tuple(_existing(folder / "channels.txt").read_text("utf-8").split())
    path = _existing(folder / "bs_value" / f"bs_value_{name}.npy")
    curves = _python2_array(path)
    if curves.ndim != 2 or curves.shape[1] != len(channels):
        raise InputError(f"{path}: shape {curves.shape} does not fit the {len(channels)} names in channels.txt")
    loudness = log_loudness(speech, len(curves))
    lag = estimate_lag(loudness, curves[:, channels.index(JAW)])
    split = "test" if name in HELD_OUT else "train"
    return Recording(name, speech, advanced(curves, lag), channels, lag, split)


def log_loudness(speech: Waveform, frames: int) -> Float[np.ndarray, " frame"]:
    """Log10 of the RMS over `LOUDNESS_SECONDS` round each frame's midpoint."""
    half = round(LOUDNESS_SECONDS * SAMPLE_RATE / 2)
    power = np.concatenate([[0.0], np.cumsum(np.square(speech.samples, dtype=np.float64))])
    middles = [int((index + 0.5) / float(FRAME_RATE) * SAMPLE_RATE) for index in range(frames)]
    middles = np.minimum(middles, len(speech.samples))
    first, last = np.maximum(middles - half, 0), np.minimum(middles + half, len(speech.samples))
    mean = (power[last] - power[first]) / np.maximum(last - first, 1)
    return np.log10(np.sqrt(mean) + 1e-3).astype(np.float32)


def estimate_lag(loudness: Float[np.ndarray, " frame"], jaw: Float[np.ndarray, " frame"]) -> float:
    """Frames by which `jaw` trails `loudness`: the peak of their correlation, refined by a parabola."""
    edge = LARGEST_LAG + 1
    if len(jaw) < 4 * edge:
        raise InputError(f"{len(jaw)} frames are too few to find the capture's lag; give at least {4 * edge}")
    inner = loudness[edge:-edge]
    shifts = range(-edge, edge + 1)
    match = [np.corrcoef(inner, jaw[edge + shift : len(jaw) - edge + shift])[0, 1] for shift in shifts]
    best = 1 + int(np.argmax(match[1:-1]))
    before, peak, after = match[best - 1 : best + 2]
    curvature = before - 2 * peak + after
    return shifts[best] + (0.5 * (before - after) / curvature if curvature < 0 else 0.0)


def advanced(curves: Float[np.ndarray, "frame channel"], lag: float) -> Float[np.ndarray, "frame channel"]:
    """Curves read `lag` frames later, so that what trailed by `lag` frames is in step; the ends are held."""
    times = np.arange(len(curves))
    return CubicSpline(times, curves)(np.clip(times + lag, 0, len(curves) - 1)).astype(np.float32)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the folder that holds wav/, bs_value/ and channels.txt")
    return path


def _python2_array(path: Path) -> Float[np.ndarray, "..."]:
    """A .npy array whose header was written by Python 2 (which numpy reads with a warning)."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Reading `.npy`", category=UserWarning)
            return np.load(path, allow_pickle=False).astype(np.float32)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"{path}: not a numpy array of curves ({error})") from error
