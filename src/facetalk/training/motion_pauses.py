"""More silence for motion training: clips of room tone alone, and speech with pauses put in.

    python -m facetalk.training.motion_pauses --timed-speech DIR --out DIR [--encoder FILE]

Synthetic voices pause rarely and into digital silence; real rooms are never silent. The performances are made by the
same generator from the same sound, so nothing here knows how a face moves. Written like any performance set, with the
features beside.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from facetalk.data.loudness import listen
from facetalk.data.segments import Segment, segment
from facetalk.data.timed_speech import SILENCE
from facetalk.speech import waveform
from facetalk.training import motion_made
from facetalk.training.motion_made import Made, MadeSet
from facetalk.types import SAMPLE_RATE, Waveform

FADE_S = 0.01
"""Speech fades out before a pause and in after it this fast, so that no click is heard."""


@dataclass(frozen=True)
class PauseSet(MadeSet):
    """What to make."""

    idle: int = 60
    """Clips of room tone alone."""
    paused: int = 140
    """Clips of speech with pauses put in."""
    idle_seconds: tuple[float, float] = (4.0, 12.0)
    pause_seconds: tuple[float, float] = (0.4, 2.5)
    tone_db: tuple[float, float] = (-85.0, -42.0)
    """Level of the room tone, dB of full scale."""


def main(config: PauseSet) -> None:
    """Write the set."""
    motion_made.write(config, _clips(config), config.idle + config.paused)


def _clips(config: PauseSet) -> Iterator[Made]:
    for number in range(config.idle):
        random = np.random.default_rng((config.seed, 0, number))
        samples = room_tone(round(random.uniform(*config.idle_seconds) * SAMPLE_RATE), random, config.tone_db)
        silence = Segment(SILENCE, 0.0, len(samples) / SAMPLE_RATE)
        yield Made(f"idle_{number:04d}", "", Waveform(samples), [silence])
    train = config.spoken()
    chosen = np.random.default_rng((config.seed, 1)).choice(len(train), config.paused, replace=False)
    for index in sorted(chosen):
        random = np.random.default_rng((config.seed, 2, int(index)))
        speech = waveform.read(train[index].path)
        segments = segment(train[index].phones, listen(speech))
        yield Made(f"paused_{train[index].id}", train[index].text, *put_pause(speech, segments, random, config))


def room_tone(samples: int, random: np.random.Generator, level_db: tuple[float, float]) -> Float[np.ndarray, " sample"]:
    """Noise whose spectrum falls by 0–9 dB an octave, at a random level; one in ten is digital silence."""
    if random.random() < 0.1:
        return np.zeros(samples, np.float32)
    spectrum = np.fft.rfft(random.standard_normal(samples))
    hertz = np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLE_RATE), 50.0)
    noise = np.fft.irfft(spectrum * hertz ** -random.uniform(0.0, 1.5), samples)
    return (noise / noise.std() * 10 ** (random.uniform(*level_db) / 20)).astype(np.float32)


def put_pause(
    speech: Waveform, segments: Sequence[Segment], random: np.random.Generator, config: PauseSet
) -> tuple[Waveform, list[Segment]]:
    """Speech held up between two of its segments, room tone under all of it."""
    at = int(random.integers(1, len(segments)))
    cut = round(segments[at].start * SAMPLE_RATE)
    length = round(random.uniform(*config.pause_seconds) * SAMPLE_RATE)
    halves = _faded(speech.samples[:cut], end=True), _faded(speech.samples[cut:], end=False)
    samples = np.concatenate([halves[0], np.zeros(length, np.float32), halves[1]])
    samples = samples + room_tone(len(samples), random, config.tone_db)
    seconds = length / SAMPLE_RATE
    late = [replace(item, start=item.start + seconds, end=item.end + seconds) for item in segments[at:]]
    late[-1] = replace(late[-1], end=len(samples) / SAMPLE_RATE)
    pause = Segment(SILENCE, segments[at].start, segments[at].start + seconds)
    return Waveform(samples.astype(np.float32)), [*segments[:at], pause, *late]


def _faded(samples: Float[np.ndarray, " sample"], *, end: bool) -> Float[np.ndarray, " sample"]:
    length = min(round(FADE_S * SAMPLE_RATE), len(samples))
    gain = np.ones(len(samples), np.float32)
    if end:
        gain[len(samples) - length :] = np.linspace(1, 0, length)
    else:
        gain[:length] = np.linspace(0, 1, length)
    return samples * gain


if __name__ == "__main__":
    import tyro

    main(tyro.cli(PauseSet))
