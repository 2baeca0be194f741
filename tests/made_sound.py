"""Made recordings: tones with pauses, in any format soundfile writes."""

from pathlib import Path

import numpy as np
import soundfile

from facetalk.types import SAMPLE_RATE, Waveform


def hum(seconds: float, rate: int = SAMPLE_RATE, loudness: float = 0.2) -> np.ndarray:
    """A buzz that comes and goes four times a second."""
    time = np.arange(round(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 120 * k * time) / k for k in range(1, 12))
    return (loudness * buzz * np.clip(np.sin(2 * np.pi * 2 * time), 0, 1)).astype(np.float32)


def speech(seconds: float = 0.5) -> Waveform:
    return Waveform(hum(seconds))


def write(path: Path, samples: np.ndarray, rate: int = SAMPLE_RATE, subtype: str | None = None) -> Path:
    soundfile.write(path, samples, rate, subtype)
    return path
