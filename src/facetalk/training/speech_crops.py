"""Random stretches of training speech with what the encoder should make of them. Knows no network."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from facetalk.speech.composition import Stretch
from facetalk.speech.mel import mel_energies
from facetalk.speech.timing import midpoints
from facetalk.training import speech_set
from facetalk.training.augmentation import Augmentation, babble, disturbed, draw_speed, faster
from facetalk.training.speech_set import IGNORED, TEACHER_STEP, Example
from facetalk.types import FRAME_RATE, SAMPLE_RATE

SAMPLES_PER_FRAME = SAMPLE_RATE / FRAME_RATE
MEL_BANDS = 40


@dataclass(frozen=True)
class Batch:
    """Crops of training speech."""

    sound: Float[Tensor, "crop sample"]
    teacher: Float[Tensor, "crop frame component"]
    origin: Float[Tensor, "crop frame feature"]
    """What the network said that training begins with, of unit variance; no feature where there is none."""
    mouth: Float[Tensor, "crop frame curve"]
    """What the readout says of the teacher; no curve where there is no readout."""
    phones: Int[Tensor, "crop frame"]
    heard: Float[Tensor, "crop frame"]
    """1 where the clip has a frame, 0 behind its end."""
    spectrum: Float[Tensor, "crop frame band"]
    """Log energies of the undisturbed sound, about zero mean and unit variance."""


def crop(
    example: Example,
    mouth: Float[np.ndarray, "frame curve"],
    span: Stretch,
    augmentation: Augmentation,
    random: np.random.Generator,
    others: Sequence[Example] = (),
) -> tuple[np.ndarray, ...]:
    """A row of `Batch`: sound, teacher, origin, mouth, phones, presence and spectrum of a random stretch of an example.

    Stretches start on multiples of three frames, which are whole samples. In some, `others` talk in the background.
    """
    speed, frames = draw_speed(augmentation, random), len(span.before)
    start = 3 * int(random.integers(max(example.frames - int(frames * speed), 0) // 3 + 1))
    length = span.last_sample - span.first_sample
    first = int(start * SAMPLES_PER_FRAME)
    taken = speech_set.expand(example.sound[first : first + int(length * speed) + 2])
    sound = faster(np.pad(taken, (0, max(int(length * speed) + 2 - len(taken), 0))), speed, length)
    places = start + (np.arange(frames) + 0.5) * speed - 0.5
    nearest = np.clip(np.round(places).astype(int), 0, example.frames - 1)
    inside = places <= example.frames - 1
    phones = np.where(inside, example.phones[nearest], IGNORED).astype(np.int64)
    teacher, origin = (_between(rows, places) * np.float32(TEACHER_STEP) for rows in (example.teacher, example.origin))
    heard = inside.astype(np.float32)
    spectrum = relative_spectrum(sound, frames)

    def voice() -> Float[np.ndarray, " sample"]:
        said = others[int(random.integers(len(others)))].sound
        return speech_set.expand(np.roll(said, -int(random.integers(len(said)))))

    voices = babble(voice, length, augmentation, random) if others else None
    sound = disturbed(sound, augmentation, random, voices)
    return sound, teacher, origin, _between(mouth, places), phones, heard, spectrum


def relative_spectrum(sound: Float[np.ndarray, " sample"], frames: int) -> Float[np.ndarray, "frame band"]:
    """Log mel energies against the crop's mean (a recording's level does not matter), down to 30 dB below it."""
    energies = mel_energies(sound, midpoints(frames, FRAME_RATE), MEL_BANDS)
    mean = energies.mean() + 1e-9
    return (np.log(energies / mean + 1e-3) + 3) / 2.5


def _between(
    rows: Int[np.ndarray, "row part"] | Float[np.ndarray, "row part"], places: Float[np.ndarray, " place"]
) -> Float[np.ndarray, "place part"]:
    """Rows read at fractional places, linearly; the ends are held."""
    places = np.clip(places, 0, len(rows) - 1)
    before = places.astype(int)
    share = (places - before).astype(np.float32)[:, None]
    return rows[before] * (1 - share) + rows[np.minimum(before + 1, len(rows) - 1)] * share
