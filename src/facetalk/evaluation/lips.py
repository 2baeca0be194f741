"""What lips must do, measured from apertures and phones: close, not close wrongly, keep still, tell vowels apart."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from facetalk.arkit import ARKIT_INDEX
from facetalk.evaluation.agreement import root_mean_square, velocity

CLOSED_MM = 0.5
"""Lips this near are closed."""
NEARBY_S = 0.017
"""Frames this near to a segment belong to it."""
BILABIAL = frozenset("pbm")
OPEN_VOWELS = frozenset("aɑæɐʌɒɔɛ")
SILENCE = "_"
SETTLING_S = 0.2
"""Left out at both ends of a pause: the mouth closes after speech and opens ahead of it."""
SHORTEST_PAUSE_S = 0.5
ORDERED_VOWELS = ("m", "f", "i", "a")
"""Sounds by growing aperture."""
EQUAL_LOUDNESS_DB = 3.0
Phone = tuple[str, float, float]
"""Label, start and end in seconds."""


@dataclass(frozen=True)
class SpokenMotion:
    """Motion of one clip with the phones spoken; frame i shows its midpoint."""

    apertures: Float[np.ndarray, " frame"]
    """Free height between the lips in mm; NaN where none was found."""
    rounding: Float[np.ndarray, " frame"]
    """mouthFunnel + mouthPucker, or anything in the same units."""
    loudness: Float[np.ndarray, " frame"]
    """dB."""
    phones: tuple[Phone, ...]
    """Label, start and end in seconds; a stop's burst has a label of its own."""
    rate: float

    @property
    def times(self) -> Float[np.ndarray, " frame"]:
        """Seconds."""
        return (np.arange(len(self.apertures)) + 0.5) / self.rate

    def near(self, start: float, end: float) -> Bool[np.ndarray, " frame"]:
        """Frames within `NEARBY_S` of a span."""
        return (self.times >= start - NEARBY_S) & (self.times <= end + NEARBY_S)

    def inside(self, start: float, end: float) -> Bool[np.ndarray, " frame"]:
        """Frames in the middle half of a span."""
        quarter = (end - start) / 4
        return (self.times >= start + quarter) & (self.times <= end - quarter)

    def neighbours(self) -> Iterator[tuple[Phone, Phone]]:
        """Sounds with those that follow them, bursts left out."""
        return itertools.pairwise(phone for phone in self.phones if not phone[0].endswith("ʼ"))


@dataclass(frozen=True)
class PairReport:
    """One minimal pair: how often the second sound shows more of the measure than the first, at equal loudness."""

    measure: str
    separation: float
    """Share of loudness-matched occurrences told apart in the right direction; .5 is chance."""
    pairs: int


@dataclass(frozen=True)
class LipReport:
    """Lip figures over a set of clips."""

    closure_rate: float
    """Share of /p b m/ segments whose smallest aperture is at most `CLOSED_MM`."""
    closures: int
    false_closure_rate: float
    """Share of frames in the middle half of open vowels that are closed, or have no aperture."""
    open_vowel_frames: int
    stillness: float
    """RMS velocity of apertures in pauses over that in speech."""
    pause_frames: int
    median_mm: dict[str, float]
    """Median aperture of each of `ORDERED_VOWELS`."""
    in_order: bool
    rounding: dict[str, float]
    """Median rounding of u and i."""
    minimal_pairs: dict[str, PairReport]


def rounding(curves: Float[np.ndarray, "frame 52"]) -> Float[np.ndarray, " frame"]:
    """mouthFunnel + mouthPucker."""
    return curves[:, ARKIT_INDEX["mouthFunnel"]] + curves[:, ARKIT_INDEX["mouthPucker"]]


def report(clips: Sequence[SpokenMotion]) -> LipReport:
    """All lip figures of a set of clips."""
    closed = np.concatenate([closures(clip) for clip in clips])
    wrong = np.concatenate([false_closures(clip) for clip in clips])
    resting, talking = stillness_velocities(clips)
    medians = {symbol: median(clips, symbol, "apertures") for symbol in ORDERED_VOWELS}
    ordered = [medians[symbol] for symbol in ORDERED_VOWELS]
    return LipReport(
        closure_rate=_mean(closed),
        closures=len(closed),
        false_closure_rate=_mean(wrong),
        open_vowel_frames=len(wrong),
        stillness=root_mean_square(resting) / max(root_mean_square(talking), 1e-9),
        pause_frames=len(resting),
        median_mm=medians,
        in_order=all(a < b for a, b in itertools.pairwise(ordered)),
        rounding={symbol: median(clips, symbol, "rounding") for symbol in ("u", "i")},
        minimal_pairs=minimal_pairs(clips),
    )


def closures(clip: SpokenMotion) -> Bool[np.ndarray, " segment"]:
    """For each /p b m/ segment, whether the lips close; where no aperture is found they do not."""
    spans = [(start, end) for symbol, start, end in clip.phones if symbol in BILABIAL]
    least = [np.nan_to_num(clip.apertures[clip.near(*span)], nan=np.inf).min(initial=np.inf) for span in spans]
    return np.array(least) <= CLOSED_MM


def false_closures(clip: SpokenMotion) -> Bool[np.ndarray, " frame"]:
    """For each frame in the middle half of an open vowel, whether the lips are closed or no aperture is found."""
    spans = [clip.inside(start, end) for symbol, start, end in clip.phones if symbol in OPEN_VOWELS]
    frames = np.any(spans, axis=0) if spans else np.zeros(len(clip.apertures), bool)
    return ~(clip.apertures[frames] > CLOSED_MM)


def stillness_velocities(
    clips: Sequence[SpokenMotion],
) -> tuple[Float[np.ndarray, " resting"], Float[np.ndarray, " talking"]]:
    """Velocities of apertures, mm a second, well inside pauses and in speech."""
    resting, talking = [np.zeros(0)], [np.zeros(0)]
    for clip in clips:
        quiet, loud = pause_and_speech(clip)
        moved = velocity(clip.apertures, clip.rate)
        resting.append(moved[quiet[1:] & quiet[:-1]])
        talking.append(moved[loud[1:] & loud[:-1]])
    return np.concatenate(resting), np.concatenate(talking)


def pause_and_speech(clip: SpokenMotion) -> tuple[Bool[np.ndarray, " frame"], Bool[np.ndarray, " frame"]]:
    """Frames well inside long silences, and frames of sound."""
    quiet, loud = np.zeros((2, len(clip.apertures)), bool)
    for symbol, start, end in clip.phones:
        if symbol != SILENCE:
            loud |= (clip.times >= start) & (clip.times < end)
        elif end - start >= SHORTEST_PAUSE_S:
            quiet |= (clip.times >= start + SETTLING_S) & (clip.times < end - SETTLING_S)
    return quiet, loud


def minimal_pairs(clips: Sequence[SpokenMotion]) -> dict[str, PairReport]:
    """ma/na and pa/ta by the consonant's smallest aperture, mi/mu by the vowel's rounding."""
    return {
        "ma/na": _pair(clips, ("m", OPEN_VOWELS), ("n", OPEN_VOWELS), "aperture"),
        "pa/ta": _pair(clips, ("p", OPEN_VOWELS), ("t", OPEN_VOWELS), "aperture"),
        "mi/mu": _pair(clips, ("m", frozenset("iɪ")), ("m", frozenset("uʊ")), "rounding"),
    }


Syllable = tuple[str, frozenset[str]]


def _pair(clips: Sequence[SpokenMotion], first: Syllable, second: Syllable, measure: str) -> PairReport:
    low, high = _occurrences(clips, first, measure), _occurrences(clips, second, measure)
    equal = np.abs(low[:, None, 1] - high[None, :, 1]) <= EQUAL_LOUDNESS_DB
    apart = (high[None, :, 0] > low[:, None, 0]) + 0.5 * (high[None, :, 0] == low[:, None, 0])
    return PairReport(measure, float(apart[equal].mean()) if equal.any() else float("nan"), int(equal.sum()))


def _occurrences(clips: Sequence[SpokenMotion], syllable: Syllable, measure: str) -> Float[np.ndarray, "occurrence 2"]:
    """Measure and vowel loudness of each place where the consonant stands before one of the vowels."""
    found = [(np.nan, np.nan)]
    consonant, vowels = syllable
    for clip in clips:
        for (symbol, start, end), (vowel, _, until) in clip.neighbours():
            spoken = clip.inside(end, until)
            if symbol == consonant and vowel in vowels and spoken.any():
                lips = clip.apertures[clip.near(start, end)] if measure == "aperture" else clip.rounding[spoken]
                value = np.nan_to_num(lips, nan=np.inf).min() if measure == "aperture" else np.median(lips)
                found.append((float(value), float(clip.loudness[spoken].mean())))
    return np.array(found)[1:].reshape(-1, 2)


def median(clips: Sequence[SpokenMotion], symbol: str, what: str) -> float:
    """Median of "apertures" or "rounding" in the middle of all occurrences of a sound."""
    values = [
        getattr(clip, what)[clip.inside(start, end)]
        for clip in clips
        for name, start, end in clip.phones
        if name == symbol
    ]
    values = np.concatenate([np.zeros(0), *values])
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


def _mean(values: Bool[np.ndarray, " item"]) -> float:
    return float(values.mean()) if len(values) else float("nan")
