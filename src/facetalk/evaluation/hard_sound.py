"""Sound that is hard to hear speech in: noise, music, lines, rooms, voices that whisper, shout, sing or are a child's.

Nothing here moves a syllable, so that lips are held against the same truth. Voices are changed by a source and a
filter (linear prediction, Atal and Hanauer 1971): the filter is taken from the recording, the source is made anew. That
alone costs some quality, so the same voice said again by the vocoder stands beside what is done to it. numpy and scipy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float
from scipy.linalg import solve_toeplitz

from facetalk.types import SAMPLE_RATE

Samples = Float[np.ndarray, " sample"]
Random = np.random.Generator
Condition = Callable[[Samples, Random], Samples]

SNR_DB = 10.0
"""How far noise, babble and music lie below the speech."""
LINE_HZ = (300.0, 3400.0)
ROOM_SECONDS, DIRECT_DB = 0.6, -3.0
"""Time to fall by 60 dB; the direct sound against the room's."""
FAR_DB, FAINT_DB = -20.0, -30.0
WINDOW, HOP, ORDER = 512, 128, 18
VOICED = 0.45
"""Height of the autocorrelation's peak from which on a frame has a pitch."""
OCTAVE = 0.85
"""The first peak this near to the highest is taken: twice a period is one too."""
PITCH_HZ = (60.0, 420.0)
HIGHEST_HZ = 7600.0
NOTE_SECONDS, VIBRATO_HZ, VIBRATO = 0.45, 5.5, 0.03
CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
"""Semitones above the key: I, vi, IV, V."""


def beneath(other: Samples, samples: Samples, decibels: float = SNR_DB) -> Samples:
    """Speech with something else so far below it."""
    ratio = 10 ** (-decibels / 20) * np.sqrt(np.mean(samples**2) / max(np.mean(other**2), 1e-12))
    return (samples + ratio * other).astype(np.float32)


def in_noise(samples: Samples, random: Random) -> Samples:
    """Noise whose power falls by 3 dB an octave."""
    bins = len(samples) // 2 + 1
    spectrum = random.standard_normal(bins) + 1j * random.standard_normal(bins)
    return beneath(np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(bins), 50)), len(samples)), samples)


def in_babble(samples: Samples, random: Random) -> Samples:
    """Six voices that say nothing: the clip itself backwards, from other places and at other speeds."""
    voices = np.zeros(len(samples))
    for speed in random.uniform(0.8, 1.25, 6):
        places = (random.integers(len(samples)) + speed * np.arange(len(samples))) % len(samples)
        voices += samples[::-1][places.astype(int)]
    return beneath(voices, samples)


def over_music(samples: Samples, random: Random) -> Samples:
    """Four chords in turn, plucked every half second, and a drum."""
    seconds = np.arange(len(samples)) / SAMPLE_RATE
    beat = np.floor(seconds / 0.5).astype(int)
    since = seconds - 0.5 * beat
    key = 110 * 2 ** (random.integers(12) / 12)
    music = 0.8 * random.standard_normal(len(samples)) * np.exp(-since / 0.03)
    chords = np.array(CHORDS)[(beat // 2) % len(CHORDS)]
    for note in chords.T:
        for harmonic in range(1, 9):
            turns = 2 * np.pi * harmonic * key * 2 ** (note / 12) * since
            music += np.sin(turns) * np.exp(-since * harmonic) / harmonic
    return beneath(music, samples)


def on_the_line(samples: Samples, random: Random) -> Samples:
    """A telephone: its band, and eight bits of mu-law."""
    low, high = LINE_HZ
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE) + 1
    band = 1 / np.sqrt((1 + (low / hertz) ** 8) * (1 + (hertz / high) ** 16))
    heard = np.fft.irfft(np.fft.rfft(samples) * band, len(samples))
    steps = np.round(127 * np.sign(heard) * np.log1p(255 * np.minimum(np.abs(heard), 1)) / np.log(256)) / 127
    return (np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255).astype(np.float32)


def far_off(samples: Samples, random: Random) -> Samples:
    """Across a room: more of its walls than of the voice, faint, with a fan."""
    taps = int(ROOM_SECONDS * SAMPLE_RATE)
    tail = random.standard_normal(taps) * 10 ** (-3 * np.arange(taps) / taps)
    tail *= 10 ** (-DIRECT_DB / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    length = len(samples) + taps
    heard = np.fft.irfft(np.fft.rfft(samples, length) * np.fft.rfft(tail, length), length)[: len(samples)]
    noise = random.standard_normal(len(samples))
    return (10 ** (FAR_DB / 20) * beneath(noise, heard, 25.0)).astype(np.float32)


def faint(samples: Samples, random: Random) -> Samples:
    """A thirtieth of the amplitude."""
    return (10 ** (FAINT_DB / 20) * samples).astype(np.float32)


@dataclass(frozen=True)
class Voice:
    """What a vocoder makes of a voice."""

    pitch: float = 1.0
    formants: float = 1.0
    """Factors."""
    breath: float = 0.0
    """Share of noise in what had a pitch."""
    tilt_db: float = 0.0
    """Added for each octave above 200 Hz."""
    dynamics: float = 1.0
    """Exponent of the energy of frames: below 1 what is faint comes up."""
    notes: bool = False
    """Pitch held on notes with a vibrato."""
    overdrive: float = 0.0
    """Peaks over full scale before they are clipped; 0 leaves the level as it was."""


def said_as(voice: Voice) -> Condition:
    """The clip said again by another voice."""

    def condition(samples: Samples, random: Random) -> Samples:
        frames = _frames(samples)
        envelope, energy = _envelopes(frames, voice)
        hertz, voiced = _pitches(frames)
        if voice.notes:
            hertz = _held(hertz, voiced)
        source = _source(voice.pitch * hertz, voiced * (1 - voice.breath), len(samples), random)
        made = _overlapped(_frames(source), envelope, energy**voice.dynamics, len(samples))
        if voice.overdrive:
            return np.clip(made * voice.overdrive / np.quantile(np.abs(made), 0.999), -1, 1).astype(np.float32)
        return (made * np.sqrt(np.mean(samples**2) / max(np.mean(made**2), 1e-12))).astype(np.float32)

    return condition


def untouched(samples: Samples, random: Random) -> Samples:
    """As it was."""
    return samples


CONDITIONS: Mapping[str, Condition] = {
    "clean": untouched,
    "noise, 10 dB": in_noise,
    "babble, 10 dB": in_babble,
    "music, 10 dB": over_music,
    "telephone": on_the_line,
    "far microphone": far_off,
    "faint, -30 dB": faint,
    "vocoder alone": said_as(Voice()),
    "whispered": said_as(Voice(breath=1.0, tilt_db=3.0, dynamics=0.8)),
    "shouted": said_as(Voice(pitch=1.7, formants=1.05, tilt_db=3.0, dynamics=0.8, overdrive=2.0)),
    "sung": said_as(Voice(pitch=1.3, notes=True)),
    "a child's": said_as(Voice(pitch=1.7, formants=1.2)),
}


def _frames(samples: Samples) -> Float[np.ndarray, "frame window"]:
    """Windows a hop apart, the first about the first sample."""
    count = len(samples) // HOP + 1
    padded = np.pad(samples, (WINDOW // 2, WINDOW))
    return padded[np.arange(count)[:, None] * HOP + np.arange(WINDOW)] * np.hanning(WINDOW)


def _envelopes(
    frames: Float[np.ndarray, "frame window"], voice: Voice
) -> tuple[Complex[np.ndarray, "frame bin"], Float[np.ndarray, " frame"]]:
    """What the vocal tract lets through, its formants moved, and the level of each frame."""
    power = np.abs(np.fft.rfft(frames, 2 * WINDOW)) ** 2
    lags = np.fft.irfft(power)[:, : ORDER + 1]
    lags[:, 0] = lags[:, 0] * 1.0001 + 1e-7
    filters = np.stack([solve_toeplitz(lag[:ORDER], lag[1:]) for lag in lags])
    hertz = np.fft.rfftfreq(2 * WINDOW, 1 / SAMPLE_RATE)
    turns = np.exp(-2j * np.pi * np.outer(np.arange(1, ORDER + 1), hertz / voice.formants / SAMPLE_RATE))
    tilt = 10 ** (voice.tilt_db / 20 * np.log2(np.maximum(hertz, 200) / 200))
    return tilt / (1 - filters @ turns), np.sqrt(np.mean(frames**2, axis=1))


def _pitches(
    frames: Float[np.ndarray, "frame window"],
) -> tuple[Float[np.ndarray, " frame"], Float[np.ndarray, " frame"]]:
    """Pitch of each frame, carried across those without, and how voiced they are, 0 or 1."""
    power = np.abs(np.fft.rfft(frames, 2 * WINDOW)) ** 2
    taper = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(WINDOW), 2 * WINDOW)) ** 2)
    lags = np.fft.irfft(power) / np.maximum(taper / taper[0], 0.05)
    first, last = int(SAMPLE_RATE / PITCH_HZ[1]), int(SAMPLE_RATE / PITCH_HZ[0])
    around = np.maximum(lags[:, first - 1 : last - 1], lags[:, first + 1 : last + 1])
    peaks = np.where(lags[:, first:last] >= around, lags[:, first:last], 0)
    best = first + np.argmax(peaks > OCTAVE * peaks.max(axis=1, keepdims=True), axis=1)
    height = lags[np.arange(len(lags)), best] / np.maximum(lags[:, 0], 1e-9)
    voiced = (height > VOICED) & (lags[:, 0] > 1e-3 * lags[:, 0].max())
    if not voiced.any():
        return np.full(len(frames), 150.0), np.zeros(len(frames))
    where = np.flatnonzero(voiced)
    return np.interp(np.arange(len(frames)), where, SAMPLE_RATE / best[where]), voiced.astype(float)


def _held(hertz: Float[np.ndarray, " frame"], voiced: Float[np.ndarray, " frame"]) -> Float[np.ndarray, " frame"]:
    """The nearest semitone to the middle pitch of each note, with a vibrato."""
    length = max(round(NOTE_SECONDS * SAMPLE_RATE / HOP), 1)
    seconds = np.arange(len(hertz)) * HOP / SAMPLE_RATE
    parts = np.split(hertz, range(length, len(hertz), length))
    notes = np.concatenate([np.full(len(part), np.median(part)) for part in parts])
    semitones = np.round(12 * np.log2(notes / 110))
    return 110 * 2 ** (semitones / 12) * (1 + VIBRATO * np.sin(2 * np.pi * VIBRATO_HZ * seconds))


def _source(
    hertz: Float[np.ndarray, " frame"], voiced: Float[np.ndarray, " frame"], length: int, random: Random
) -> Samples:
    """Harmonics of equal strength where there is a voice, noise where there is none."""
    at = np.arange(length) / HOP
    pitch, share = (np.interp(at, np.arange(len(hertz)), row) for row in (hertz, voiced))
    turns = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    count = np.maximum(np.floor(HIGHEST_HZ / pitch), 1)
    pulses = np.zeros(length)
    for harmonic in range(1, int(count.max()) + 1):
        pulses += np.cos(harmonic * turns) * (harmonic <= count)
    return share * pulses * np.sqrt(2 / count) + (1 - share) * random.standard_normal(length)


def _overlapped(
    source: Float[np.ndarray, "frame window"], envelope: Complex[np.ndarray, "frame bin"],
    level: Float[np.ndarray, " frame"], length: int,
) -> Samples:  # fmt: skip
    """Each frame of the source through its filter, at its level, added up."""
    made = np.fft.irfft(np.fft.rfft(source, 2 * WINDOW) * envelope)
    made *= (level / np.maximum(np.sqrt(np.mean(made**2, axis=1)), 1e-9))[:, None]
    whole = np.zeros(length + 4 * WINDOW)
    for number, frame in enumerate(made):
        whole[number * HOP : number * HOP + 2 * WINDOW] += frame
    return whole[WINDOW // 2 : WINDOW // 2 + length]
