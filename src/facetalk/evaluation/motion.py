"""The lips of every row over all clips together, from apertures, curves and phones.

Knows no head, no mesh and no model: whoever calls it brings apertures (of the truth and of a prediction) for each clip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from jaxtyping import Float

from facetalk.evaluation import lips
from facetalk.evaluation.agreement import best_lag, correlation, jitter, lagged, root_mean_square, velocity
from facetalk.evaluation.baselines import Phones

TRUTH = "truth"
"""Name of the row that measures the truth itself."""


@dataclass(frozen=True)
class Movement:
    """What lips do in one clip, as predicted or as true."""

    apertures: Float[np.ndarray, " frame"]
    """mm between the lips; NaN where none was found."""
    curves: Float[np.ndarray, "frame 52"]
    """ARKit weights."""


@dataclass(frozen=True)
class TestClip:
    """One clip: its truth, and what it sounds like."""

    __test__ = False  # keeps pytest from taking it for a test

    id: str
    truth: Movement
    phones: Phones
    loudness: Float[np.ndarray, " frame"]
    """dB."""
    rate: float


@dataclass(frozen=True)
class MotionRow:
    """Figures of one source of motion over all clips."""

    name: str
    lips: lips.LipReport
    aperture_correlation: float
    """Over all frames of all clips together."""
    aperture_correlation_median: float
    """Median over clips."""
    lag_frames: int
    """Frames by which apertures trail the truth's, over all clips."""
    rounding_correlation: float
    aperture_error_mm: float
    """Mean absolute error."""
    closure_share: float
    """Closure rate over the truth's."""
    velocity_ratio: float
    """RMS aperture velocity over the truth's."""
    jitter_ratio: float
    """Of the curves, over the truth's."""
    missing: int
    """Frames without a known aperture."""


@dataclass(frozen=True)
class MotionReport:
    """All rows; the truth first."""

    clips: int
    frames: int
    rows: tuple[MotionRow, ...]

    def json(self) -> dict:
        """Plain dicts and lists for `json.dumps`."""
        return asdict(self)


def report(clips: Sequence[TestClip], predictions: Mapping[str, Sequence[Movement]]) -> MotionReport:
    """Rows for the truth and for each prediction.

    Args:
        clips: held-out clips.
        predictions: by name of the row, one movement for each clip.
    """
    sources: dict[str, Sequence[Movement]] = {TRUTH: [clip.truth for clip in clips], **predictions}
    rows = tuple(_row(name, clips, movements) for name, movements in sources.items())
    return MotionReport(len(clips), sum(len(clip.truth.apertures) for clip in clips), rows)


def _row(name: str, clips: Sequence[TestClip], movements: Sequence[Movement]) -> MotionRow:
    pairs = list(zip(clips, movements, strict=True))
    measured = lips.report([_spoken(clip, movement) for clip, movement in pairs])
    own = lips.report([_spoken(clip, clip.truth) for clip in clips])
    found = np.concatenate([movement.apertures for movement in movements])
    truth = np.concatenate([clip.truth.apertures for clip in clips])
    errors = np.abs(found - truth)
    return MotionRow(
        name=name,
        lips=measured,
        aperture_correlation=correlation(found, truth),
        aperture_correlation_median=float(
            np.median([correlation(movement.apertures, clip.truth.apertures) for clip, movement in pairs])
        ),
        lag_frames=overall_lag(pairs),
        rounding_correlation=correlation(
            np.concatenate([lips.rounding(movement.curves) for movement in movements]),
            np.concatenate([lips.rounding(clip.truth.curves) for clip in clips]),
        ),
        aperture_error_mm=float(np.nanmean(errors)) if np.isfinite(errors).any() else float("nan"),
        closure_share=measured.closure_rate / own.closure_rate if own.closure_rate else float("nan"),
        velocity_ratio=_speed(pairs) / max(_speed([(clip, clip.truth) for clip in clips]), 1e-9),
        jitter_ratio=_jitter(pairs) / max(_jitter([(clip, clip.truth) for clip in clips]), 1e-9),
        missing=int((~np.isfinite(found)).sum()),
    )


def _spoken(clip: TestClip, movement: Movement) -> lips.SpokenMotion:
    rounding = lips.rounding(movement.curves)
    return lips.SpokenMotion(movement.apertures, rounding, clip.loudness, clip.phones, clip.rate)


Pairs = Sequence[tuple[TestClip, Movement]]


def overall_lag(pairs: Pairs, largest: int = 6) -> int:
    """The lag at which all clips together correlate best; each clip is shifted within itself."""

    def match(lag: int) -> float:
        shifted = [lagged(clip.truth.apertures, movement.apertures, lag) for clip, movement in pairs]
        return correlation(np.concatenate([a for a, _ in shifted]), np.concatenate([b for _, b in shifted]))

    if len(pairs) == 1:
        return best_lag(pairs[0][1].apertures, pairs[0][0].truth.apertures, largest)
    return max(sorted(range(-largest, largest + 1), key=abs), key=lambda lag: round(match(lag), 6))


def _speed(pairs: Pairs) -> float:
    return root_mean_square(np.concatenate([velocity(movement.apertures, clip.rate) for clip, movement in pairs]))


def _jitter(pairs: Pairs) -> float:
    values = [jitter(movement.curves, clip.rate) for clip, movement in pairs]
    return float(np.average(values, weights=[len(movement.curves) for _, movement in pairs]))
