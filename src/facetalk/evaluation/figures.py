"""Every figure of the table: what one clip adds to it. Definitions and sources: docs/evaluation.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from facetalk.arkit import ARKIT_INDEX
from facetalk.evaluation import blinks, frechet, lips, timing, vertices
from facetalk.evaluation.interval import Interval, Share, ratio, same
from facetalk.evaluation.motion import TestClip
from facetalk.evaluation.stage import Places, Seen
from facetalk.judge.network import SyncJudge
from facetalk.judge.scores import distances, verdict
from facetalk.rig.lips import lip_shapes

CONTACT_MM = 0.5
"""A lower lip this near to the upper teeth touches them."""
LABIODENTAL = frozenset("fvʋ")
BAND_NAMES = tuple(
    f"power {low:g}–{high:g} Hz" for low, high in zip(timing.BANDS_HZ, timing.BANDS_HZ[1:], strict=False)
)


@dataclass(frozen=True)
class Heard(TestClip):
    """A clip with its truth on the stage, and what the judge hears."""

    truth: Seen
    mel: np.ndarray
    """Log-mel spectrogram, `STEPS_PER_FRAME` steps a frame; empty where no judge is asked."""


Pair = tuple[Heard, Sequence[Seen]]
"""A clip and the takes of it; the first one is measured, the others show how takes differ."""


@dataclass(frozen=True)
class Figure:
    """One column."""

    of: Callable[[Heard, Seen], Share]
    finish: Callable[[np.ndarray], np.ndarray] = same


def spoken(clip: TestClip, seen: Seen) -> lips.SpokenMotion:
    """A movement with the phones of its clip."""
    return lips.SpokenMotion(seen.apertures, lips.rounding(seen.curves), clip.loudness, clip.phones, clip.rate)


def contact(clip: TestClip, seen: Seen) -> Share:
    """Labiodentals in which the lower lip touches the upper teeth, and all of them."""
    motion = spoken(clip, seen)
    spans = [(start, end) for symbol, start, end in clip.phones if symbol in LABIODENTAL]
    least = [np.nan_to_num(seen.bite[motion.near(*span)], nan=np.inf).min(initial=np.inf) for span in spans]
    return float((np.array(least) <= CONTACT_MM).sum()), float(len(spans))


def _counted(found: np.ndarray) -> Share:
    return float(found.sum()), float(len(found))


def _stillness(clip: TestClip, seen: Seen) -> tuple[float, float, int, int]:
    resting, talking = lips.stillness_velocities([spoken(clip, seen)])
    return float(np.nansum(resting**2)), float(np.nansum(talking**2)), len(resting), len(talking)


def figures(places: Places) -> dict[str, Figure]:
    """The columns that add up over clips."""

    def part(measure: Callable[[np.ndarray, np.ndarray], Share], where: slice) -> Callable[[Heard, Seen], Share]:
        return lambda clip, seen: measure(seen.vertices[:, where], clip.truth.vertices[:, where])

    def apart(measure: Callable[[np.ndarray, np.ndarray], Share]) -> Callable[[Heard, Seen], Share]:
        return lambda clip, seen: measure(seen.apertures, clip.truth.apertures)

    def band(number: int) -> Callable[[Heard, Seen], Share]:
        return lambda clip, seen: timing.band_powers(seen.apertures, clip.truth.apertures, clip.rate)[number]

    jaw = ARKIT_INDEX["jawOpen"]
    return {
        "LVE, mm": Figure(part(vertices.lip_error, places.lips)),
        "MVE, mm": Figure(part(vertices.mean_error, slice(None))),
        "FDD, mm": Figure(part(vertices.dynamics_deviation, places.upper)),
        "p b m closed": Figure(lambda clip, seen: _counted(lips.closures(spoken(clip, seen)))),
        "f v touch": Figure(contact),
        "false closures": Figure(lambda clip, seen: _counted(lips.false_closures(spoken(clip, seen)))),
        "offset, ms": Figure(lambda clip, seen: timing.offset_ms(seen.apertures, clip.truth.apertures, clip.rate)),
        "aperture correlation": Figure(apart(timing.agreement)),
        "jaw correlation": Figure(lambda clip, seen: timing.agreement(seen.curves[:, jaw], clip.truth.curves[:, jaw])),
        "rounding correlation": Figure(
            lambda clip, seen: timing.agreement(lips.rounding(seen.curves), lips.rounding(clip.truth.curves))
        ),
        "variance ratio": Figure(apart(timing.variance)),
        "speed ratio": Figure(apart(timing.squared_speed), np.sqrt),
        "jitter ratio": Figure(lambda clip, seen: timing.restlessness(seen.curves, clip.truth.curves, clip.rate)),
        **{name: Figure(band(number)) for number, name in enumerate(BAND_NAMES)},
        "blinks a minute": Figure(lambda clip, seen: blinks.blink_rate(seen.curves, clip.rate)),
        "blink, s": Figure(lambda clip, seen: blinks.blink_seconds(seen.curves, clip.rate)),
    }


def measured(pairs: Sequence[Pair], places: Places, judge: SyncJudge | None) -> dict[str, Interval]:
    """All figures of one row."""
    firsts = [(clip, takes[0]) for clip, takes in pairs]
    row = {
        name: ratio([figure.of(clip, seen) for clip, seen in firsts], figure.finish)
        for name, figure in figures(places).items()
    }
    row["stillness"] = _still(firsts)
    row["Fréchet, codes"] = frechet.distance([s.curves for _, s in firsts], [c.truth.curves for c, _ in firsts])
    row["Fréchet, lips"] = frechet.distance([_lips(s) for _, s in firsts], [_lips(c.truth) for c, _ in firsts])
    if judge is not None:
        row |= _judged(firsts, judge)
    if len(pairs[0][1]) > 1:
        row |= _various(pairs, places)
    return row


def _still(firsts: Sequence[tuple[Heard, Seen]]) -> Interval:
    """Speed of the lips in pauses over that in speech (root of mean squares)."""
    rows = np.array([_stillness(clip, seen) for clip, seen in firsts])
    _, talking, quiet, loud = rows.sum(axis=0)
    if not (quiet and talking):
        return Interval(np.nan, np.nan, np.nan)
    scale = float(loud / quiet)
    return ratio([(scale * resting, spoken) for resting, spoken, _, _ in rows], np.sqrt)


def _lips(seen: Seen) -> np.ndarray:
    """The aperture of the field in the place of the estimated one."""
    return np.concatenate([seen.apertures[:, None], lip_shapes(seen.curves)[:, 1:]], axis=1)


def _judged(firsts: Sequence[tuple[Heard, Seen]], judge: SyncJudge) -> dict[str, Interval]:
    verdicts = [verdict(distances(judge, lip_shapes(seen.curves), clip.mel)) for clip, seen in firsts]
    return {
        "LSE-D": ratio([(found.distance, 1.0) for found in verdicts]),
        "LSE-C": ratio([(found.confidence, 1.0) for found in verdicts]),
        "judged in time": ratio([(float(abs(found.offset) <= 1), 1.0) for found in verdicts]),
    }


def _various(pairs: Sequence[Pair], places: Places) -> dict[str, Interval]:
    """How takes of one line differ, and how near the best of them comes."""

    def moved(takes: Sequence[Seen], where: slice) -> list[np.ndarray]:
        return [take.vertices[:, where] for take in takes]

    return {
        "diversity of lips, mm": ratio([vertices.diversity(moved(takes, places.lips)) for _, takes in pairs]),
        "diversity of upper face, mm": ratio([vertices.diversity(moved(takes, places.upper)) for _, takes in pairs]),
        f"LVE, best of {len(pairs[0][1])}, mm": ratio(
            [
                vertices.best_lip_error(moved(takes, places.lips), clip.truth.vertices[:, places.lips])
                for clip, takes in pairs
            ]
        ),
    }
