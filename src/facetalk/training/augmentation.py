"""What is done to training speech so that an encoder hears rooms, noise, telephones and other voices. numpy only."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from facetalk.types import SAMPLE_RATE

Samples = Float[np.ndarray, " sample"]


@dataclass(frozen=True)
class Augmentation:
    """How often and how strongly speech is disturbed; ranges are uniform."""

    speed_share: float = 0.3
    speed: tuple[float, float] = (0.87, 1.15)
    """Pitch and tempo together."""
    reverberation_share: float = 0.3
    decay_seconds: tuple[float, float] = (0.1, 0.5)
    """Time to fall by 60 dB."""
    band_share: float = 0.3
    highest_hz: tuple[float, float] = (3000.0, 7500.0)
    lowest_hz: tuple[float, float] = (20.0, 300.0)
    tilt_db: tuple[float, float] = (-4.0, 4.0)
    """Slope an octave."""
    noise_share: float = 0.5
    snr_db: tuple[float, float] = (3.0, 35.0)
    gain_db: tuple[float, float] = (-24.0, 10.0)
    """Against the level of the recording; what passes full scale is clipped."""


def draw_speed(augmentation: Augmentation, random: np.random.Generator) -> float:
    """Factor of pitch and tempo for one crop."""
    return random.uniform(*augmentation.speed) if random.random() < augmentation.speed_share else 1.0


def faster(samples: Samples, speed: float, length: int) -> Float[np.ndarray, " heard"]:
    """`length` samples read at `speed`."""
    if speed == 1.0:
        return samples[:length]
    places = np.arange(length) * speed
    return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


def disturbed(samples: Samples, augmentation: Augmentation, random: np.random.Generator) -> Samples:
    """One crop with a random room, band, noise and gain; its timing does not change."""
    length = len(samples)
    response = _room(augmentation, random, length)
    response = _band(augmentation, random, length) * (1 if response is None else response)
    heard = np.fft.irfft(np.fft.rfft(samples) * response, length)
    if random.random() < augmentation.noise_share:
        heard = heard + _noise(heard, augmentation, random)
    gain = 10 ** (random.uniform(*augmentation.gain_db) / 20)
    return np.clip(heard * gain, -1, 1).astype(np.float32)


def _room(augmentation: Augmentation, random: np.random.Generator, length: int) -> Complex[np.ndarray, " bin"] | None:
    """Response of a room: the direct sound at once, then noise that dies away."""
    if random.random() >= augmentation.reverberation_share:
        return None
    seconds = random.uniform(*augmentation.decay_seconds)
    taps = min(int(seconds * SAMPLE_RATE), length)
    tail = random.standard_normal(taps) * 10 ** (-3 * np.arange(taps) / taps)
    tail *= random.uniform(0.2, 0.9) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return np.fft.rfft(tail, length)


def _band(augmentation: Augmentation, random: np.random.Generator, length: int) -> Float[np.ndarray, " bin"] | float:
    """Response of a microphone or a line: a tilt and soft edges."""
    if random.random() >= augmentation.band_share:
        return 1.0
    hertz = np.fft.rfftfreq(length, 1 / SAMPLE_RATE) + 1.0
    high, low = random.uniform(*augmentation.highest_hz), random.uniform(*augmentation.lowest_hz)
    tilt = (hertz / 1000) ** (random.uniform(*augmentation.tilt_db) / 6.02)
    return tilt / np.sqrt((1 + (hertz / high) ** 16) * (1 + (low / hertz) ** 4))


def _noise(samples: Samples, augmentation: Augmentation, random: np.random.Generator) -> Samples:
    """Noise between white and brown, at a random distance below the speech."""
    bins = len(samples) // 2 + 1
    colour = np.maximum(np.arange(bins), 50.0) ** -random.uniform(0, 1)
    phases = random.standard_normal(bins) + 1j * random.standard_normal(bins)
    noise = np.fft.irfft(phases * colour, len(samples))
    ratio = 10 ** (-random.uniform(*augmentation.snr_db) / 20)
    return noise * ratio * np.sqrt(np.mean(samples**2) / np.mean(noise**2))
