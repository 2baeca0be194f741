"""What the generator hears of a clip: its energy in three bands, and its pitch, every 5 ms."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d
from scipy.signal import stft

from facetalk.types import SAMPLE_RATE, Waveform

STEP_S = 0.005
"""Seconds between two values."""
WINDOW_S = 0.015
LOUD_PERCENTILE = 95
"""Levels are given against this percentile of the clip, so that a clip's gain does not matter."""
FLOOR = 1e-10
PITCH_HZ = (70.0, 400.0)
PITCH_STEP_S = 0.01
PITCH_WINDOW_S = 0.04
OCTAVE_COST = 0.05
VOICED = 0.5
"""Least normalised autocorrelation of a voiced frame."""


@dataclass(frozen=True)
class Loudness:
    """Levels in dB below the clip's loud parts; value k is centred on k × `STEP_S`."""

    full: Float[np.ndarray, " step"]
    middle: Float[np.ndarray, " step"]
    """700–3500 Hz: falls while the mouth is shut, even when the voice goes on."""
    high: Float[np.ndarray, " step"]
    """4500–7900 Hz: hiss and bursts."""

    @property
    def times(self) -> Float[np.ndarray, " step"]:
        """Seconds of each value."""
        return np.arange(len(self.full)) * STEP_S


def listen(speech: Waveform) -> Loudness:
    """Band levels of a waveform."""
    window, hop = round(WINDOW_S * SAMPLE_RATE), round(STEP_S * SAMPLE_RATE)
    samples = np.pad(speech.samples, (0, max(0, window - len(speech.samples))))
    hertz, _, spectrum = stft(samples, SAMPLE_RATE, nperseg=window, noverlap=window - hop, boundary="zeros")
    power = np.abs(spectrum) ** 2

    def level(low: float, top: float) -> Float[np.ndarray, " step"]:
        decibels = 10 * np.log10(power[(hertz >= low) & (hertz < top)].sum(0) + FLOOR)
        return decibels - np.percentile(decibels, LOUD_PERCENTILE)

    return Loudness(level(60.0, 7900.0), level(700.0, 3500.0), level(4500.0, 7900.0))


def loudness_curve(
    loudness: Loudness, times: Float[np.ndarray, " time"], smoothing_s: float
) -> Float[np.ndarray, " time"]:
    """Smoothed level in dB at the times wanted; quiet parts count as −40."""
    level = gaussian_filter1d(np.maximum(loudness.full, -40.0), smoothing_s / STEP_S)
    return np.interp(times, loudness.times, level)


def pitch(speech: Waveform) -> tuple[Float[np.ndarray, " step"], Float[np.ndarray, " step"]]:
    """Times, and log2 of the pitch in Hz there; NaN where unvoiced.

    The peak of the window-corrected autocorrelation (Boersma 1993), without its path search: it only has to find
    accents, not to sing.
    """
    hop, window = round(PITCH_STEP_S * SAMPLE_RATE), round(PITCH_WINDOW_S * SAMPLE_RATE)
    samples = np.pad(speech.samples.astype(np.float64), window // 2)
    count = max(1, (len(samples) - window) // hop + 1)
    frames = np.stack([samples[k * hop : k * hop + window] for k in range(count)])
    taper = np.hanning(window)
    correlation = _autocorrelation((frames - frames.mean(1, keepdims=True)) * taper) / _autocorrelation(taper)
    shortest, longest = int(SAMPLE_RATE / PITCH_HZ[1]), int(SAMPLE_RATE / PITCH_HZ[0])
    lags = correlation[:, shortest:longest]
    # A period's multiples match as well as the period itself: the octave cost takes the shortest.
    best = (lags - OCTAVE_COST * np.log2(np.arange(shortest, longest) / shortest)).argmax(1)
    energy = np.log10((frames**2).mean(1) + FLOOR)
    is_voiced = (lags.max(1) > VOICED) & (energy > energy.max() - 3.5)
    hertz = SAMPLE_RATE / (best + shortest)
    return np.arange(count) * PITCH_STEP_S, np.where(is_voiced, np.log2(hertz), np.nan)


def _autocorrelation(frames: Float[np.ndarray, "*batch sample"]) -> Float[np.ndarray, "*batch lag"]:
    size = frames.shape[-1]
    spectrum = np.fft.rfft(frames, 2 * size, axis=-1)
    values = np.fft.irfft(np.abs(spectrum) ** 2, axis=-1)[..., :size]
    return values / np.maximum(values[..., :1], FLOOR)
