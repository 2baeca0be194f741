"""What is done to training speech so that an encoder hears rooms, noise, telephones and other voices. numpy only."""

from collections.abc import Callable
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
    decay_seconds: tuple[float, float] = (0.1, 0.7)
    """Time to fall by 60 dB."""
    walls: tuple[float, float] = (0.2, 1.6)
    """Amplitude of what comes from the walls against the direct sound: far microphones hear more of the walls."""
    band_share: float = 0.3
    highest_hz: tuple[float, float] = (3000.0, 7500.0)
    lowest_hz: tuple[float, float] = (20.0, 300.0)
    tilt_db: tuple[float, float] = (-4.0, 4.0)
    """Slope an octave."""
    noise_share: float = 0.5
    snr_db: tuple[float, float] = (3.0, 35.0)
    babble_share: float = 0.25
    babble_db: tuple[float, float] = (4.0, 25.0)
    """Other voices, so far below the speech."""
    most_voices: int = 4
    gain_db: tuple[float, float] = (-34.0, 10.0)
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


def babble(
    voice: Callable[[], Samples], length: int, augmentation: Augmentation, random: np.random.Generator
) -> Samples | None:
    """Some other voices added up, each again from its start where it ends; mostly none.

    Args:
        voice: draws one.
        length: samples wanted.
        augmentation: how often, and how many.
        random: what decides.
    """
    if random.random() >= augmentation.babble_share:
        return None
    voices = np.zeros(length, np.float32)
    for _ in range(int(random.integers(1, augmentation.most_voices + 1))):
        voices += np.resize(voice(), length)
    return voices


def disturbed(
    samples: Samples, augmentation: Augmentation, random: np.random.Generator, voices: Samples | None = None
) -> Samples:
    """One crop with other voices, if there are any, a random room, band, noise and gain; its timing does not change."""
    length = len(samples)
    response = _room(augmentation, random, length)
    response = _band(augmentation, random, length) * (1 if response is None else response)
    heard = np.fft.irfft(np.fft.rfft(samples) * response, length)
    if voices is not None:
        heard = heard + _beneath(voices, heard, random.uniform(*augmentation.babble_db))
    if random.random() < augmentation.noise_share:
        heard = heard + _beneath(_noise(length, random), heard, random.uniform(*augmentation.snr_db))
    gain = 10 ** (random.uniform(*augmentation.gain_db) / 20)
    return np.clip(heard * gain, -1, 1).astype(np.float32)


def _room(augmentation: Augmentation, random: np.random.Generator, length: int) -> Complex[np.ndarray, " bin"] | None:
    """Response of a room: the direct sound at once, then noise that dies away."""
    if random.random() >= augmentation.reverberation_share:
        return None
    seconds = random.uniform(*augmentation.decay_seconds)
    taps = min(int(seconds * SAMPLE_RATE), length)
    tail = random.standard_normal(taps) * 10 ** (-3 * np.arange(taps) / taps)
    tail *= random.uniform(*augmentation.walls) / np.sqrt(np.sum(tail**2))
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


def _noise(length: int, random: np.random.Generator) -> Samples:
    """Noise between white and brown."""
    bins = length // 2 + 1
    colour = np.maximum(np.arange(bins), 50.0) ** -random.uniform(0, 1)
    phases = random.standard_normal(bins) + 1j * random.standard_normal(bins)
    return np.fft.irfft(phases * colour, length)


def _beneath(other: Samples, samples: Samples, decibels: float) -> Samples:
    """Another sound at a level so far below the speech; silence stays silence."""
    return other * 10 ** (-decibels / 20) * np.sqrt(np.mean(samples**2) / max(np.mean(other**2), 1e-12))
