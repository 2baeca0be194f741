"""How well a sync judge tells true pairs of lips and sound from shifted and from shuffled ones.

A pair is a stretch of lips with a stretch of sound. Two questions are asked: which of two pairs is the true one (the
nearer one is chosen), and is this pair true (its distance against the median over all shifts, by a threshold that is
chosen on every other clip and tried on the rest).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facetalk.judge.network import WINDOW, SyncJudge
from facetalk.judge.scores import REACH, SHIFTS, distances
from facetalk.types import FRAME_RATE

SMALLEST_SHIFT = 3
"""Frames; a tenth of a second."""
STRETCHES_S = (1.0, 2.0, 4.0)
"""Lengths of the pairs."""
Pair = tuple[Float[np.ndarray, "frame shape"], Float[np.ndarray, "step band"]]


@dataclass(frozen=True)
class StretchReport:
    """Pairs of one length."""

    seconds: float
    pairs: int
    shifted: float
    """Share of pairs shifted by 3 to 15 frames, either way, that lie farther apart than the true pair."""
    shifted_least: float
    """The same for shifts of 3 frames alone."""
    shuffled: float
    """Share of pairs with another clip's sound that lie farther apart than the true pair."""
    named_shifted: float
    """True pairs and pairs shifted by 3 to 15 frames: share rightly named, both kinds weighing alike."""
    named_shuffled: float
    """The same for pairs with another clip's sound."""
    offset: float
    """Share of true pairs whose best shift is at most one frame."""


@dataclass(frozen=True)
class PairReport:
    """Of clips whose voices the judge never heard."""

    clips: int
    lengths: tuple[StretchReport, ...]


@dataclass(frozen=True)
class _Clip:
    """Mean distance at each shift of consecutive stretches: with the clip's own sound, and with another's."""

    own: Float[np.ndarray, "stretch shift"]
    other: Float[np.ndarray, "stretch shift"]


def pair_report(judge: SyncJudge, clips: Sequence[Pair]) -> PairReport:
    """All lengths; each clip's lips are also paired with the sound of the next clip."""
    others = [*clips[1:], clips[0]]
    tables = [
        (distances(judge, shapes, mel), distances(judge, shapes, sound))
        for (shapes, mel), (_, sound) in zip(clips, others, strict=True)
    ]
    return PairReport(len(clips), tuple(_report(tables, seconds) for seconds in STRETCHES_S))


def _report(tables: Sequence[tuple[np.ndarray, np.ndarray]], seconds: float) -> StretchReport:
    found = [_stretches(own, other, seconds) for own, other in tables]
    true = np.concatenate([clip.own for clip in found])
    apart = np.abs(SHIFTS) >= SMALLEST_SHIFT
    farther = true > true[:, REACH, None]
    shuffled = np.concatenate([clip.other[:, REACH] for clip in found]) > true[:, REACH]
    return StretchReport(
        seconds=seconds,
        pairs=len(true),
        shifted=float(farther[:, apart].mean()),
        shifted_least=float(farther[:, np.abs(SHIFTS) == SMALLEST_SHIFT].mean()),
        shuffled=float(shuffled.mean()),
        named_shifted=_named(found, lambda clip: _doubt(clip.own)[:, apart].ravel()),
        named_shuffled=_named(found, lambda clip: _doubt(clip.other)[:, REACH]),
        offset=float((np.abs(SHIFTS[true.argmin(1)]) <= 1).mean()),
    )


def _stretches(own: np.ndarray, other: np.ndarray, seconds: float) -> _Clip:
    """Stretches whose windows all know every shift, with either sound."""
    windows = round(seconds * float(FRAME_RATE)) - WINDOW + 1
    frames = min(len(own), len(other))
    known = np.isfinite(own[:frames]).all(1) & np.isfinite(other[:frames]).all(1)
    count = int(known.sum()) // windows

    def means(table: np.ndarray) -> np.ndarray:
        kept = table[:frames][known][: count * windows]
        return kept.reshape(count, windows, len(SHIFTS)).mean(1)

    return _Clip(means(own), means(other))


def _doubt(means: Float[np.ndarray, "stretch shift"]) -> Float[np.ndarray, "stretch shift"]:
    """Distance at each shift against the median over shifts: below zero the pair seems to belong together."""
    return means - np.median(means, axis=1, keepdims=True)


def _named(clips: Sequence[_Clip], false: Callable[[_Clip], np.ndarray]) -> float:
    """Share of true and false pairs rightly named, by the threshold that is best for every other clip."""

    def doubts(part: Sequence[_Clip]) -> tuple[np.ndarray, np.ndarray]:
        return (
            np.concatenate([_doubt(clip.own)[:, REACH] for clip in part]),
            np.concatenate([false(clip) for clip in part]),
        )

    def right(threshold: float, true: np.ndarray, untrue: np.ndarray) -> float:
        return float(((true < threshold).mean() + (untrue >= threshold).mean()) / 2)

    tuned, tried = doubts(clips[::2]), doubts(clips[1::2])
    if not all(map(len, (*tuned, *tried))):
        return float("nan")
    candidates = np.quantile(np.concatenate(tuned), np.linspace(0, 1, 200))
    return right(max(candidates, key=lambda threshold: right(threshold, *tuned)), *tried)
