"""One phone a video frame, from timed phones; what cannot be known is left out. Knows no features."""

from fractions import Fraction

import numpy as np
from jaxtyping import Int

from facetalk.data.facegood import log_loudness
from facetalk.data.segments import LABEL_LAG_S
from facetalk.data.timed_speech import BOUNDARY, SILENCE, Phone, TimedClip
from facetalk.speech.timing import midpoints
from facetalk.types import FRAME_RATE, Waveform

IGNORED = -1
"""Class of frames whose label is unknown or doubtful."""
TRUSTED_SECONDS = Fraction(1, 4)
"""A label is believed for this long: pauses at the end of a phrase are swallowed by its last phone."""
QUIET_DB = 32
"""A frame this far below a clip's loud parts (their 95th percentile) is a pause."""


def symbols_of(clips: tuple[TimedClip, ...]) -> list[str]:
    """Silence first, then every phone of the training clips."""
    phones = {phone.symbol for clip in clips if clip.split == "train" for phone in clip.phones}
    return [SILENCE, *sorted(phones - {SILENCE, BOUNDARY})]


def labels(phones: tuple[Phone, ...], speech: Waveform, symbols: list[str], frames: int) -> Int[np.ndarray, " frame"]:
    """Phone class at each frame's midpoint; `IGNORED` where there is none or it is doubtful.

    A frame is silent at the clip's edges and where the sound is `QUIET_DB` below the clip's loud parts inside a
    boundary or in what is left of a phone after `TRUSTED_SECONDS`. Boundaries that sound are left out.
    """
    classes = np.full(frames, IGNORED, np.int8)
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    loudness = log_loudness(speech, frames)
    quiet = loudness < np.percentile(loudness, 95) - QUIET_DB / 20
    times = midpoints(frames, FRAME_RATE) + LABEL_LAG_S  # labels trail the sound
    for phone in phones:
        inside = (times >= float(phone.start)) & (times < float(phone.end))
        trusted = inside & (times < float(phone.start + TRUSTED_SECONDS))
        if phone.symbol != SILENCE:
            classes[inside & quiet] = numbers[SILENCE]
        if phone.symbol in numbers:
            classes[inside if phone.symbol == SILENCE else trusted] = numbers[phone.symbol]
    return classes
