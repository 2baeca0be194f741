"""Log energies in mel bands: what a spectrogram shows. numpy only."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from facetalk.types import SAMPLE_RATE

WINDOW_SAMPLES = 400
"""25 ms."""
TRANSFORM_SAMPLES = 512
LOWEST_HZ = 20.0
FAINTEST = 1e-6
"""Added to energies before their logarithm: digital silence has one."""


def mel_energies(
    samples: Float[np.ndarray, " sample"], seconds: Float[np.ndarray, " frame"], bands: int
) -> Float[np.ndarray, "frame band"]:
    """Energies of `bands` mel bands in a window round each of the moments `seconds`."""
    centres = np.round(seconds * SAMPLE_RATE).astype(int)
    padded = np.pad(samples, WINDOW_SAMPLES)
    windows = padded[centres[:, None] + np.arange(WINDOW_SAMPLES) + WINDOW_SAMPLES // 2]
    spectrum = np.fft.rfft(windows * np.hanning(WINDOW_SAMPLES), TRANSFORM_SAMPLES)
    return (np.abs(spectrum) ** 2 @ triangles(bands).T).astype(np.float32)


def log_mel(samples: Float[np.ndarray, " sample"], rate: float, bands: int) -> Float[np.ndarray, "step band"]:
    """Logarithms of `mel_energies` at `rate` steps a second; step i is about the middle of [i/rate, (i+1)/rate)."""
    steps = round(len(samples) / SAMPLE_RATE * rate)
    return np.log(mel_energies(samples, (np.arange(steps) + 0.5) / rate, bands) + FAINTEST)


@lru_cache
def triangles(bands: int) -> Float[np.ndarray, "band bin"]:
    """Triangular bands between `LOWEST_HZ` and half the sample rate, evenly spaced in mel (HTK)."""
    hertz = np.linspace(0, SAMPLE_RATE / 2, TRANSFORM_SAMPLES // 2 + 1)
    ends = 2595 * np.log10(1 + np.array([LOWEST_HZ, SAMPLE_RATE / 2]) / 700)
    edges = 700 * (10 ** (np.linspace(*ends, bands + 2) / 2595) - 1)
    low, middle, high = (edges[start : start + bands, None] for start in range(3))
    return np.clip(np.minimum((hertz - low) / (middle - low), (high - hertz) / (high - middle)), 0, None)
