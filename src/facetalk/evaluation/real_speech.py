"""Predictions on a real recording against what was captured, beside a ridge trained on the same speaker.

The ridge sees features of other recordings of the speaker: it is the ceiling that a general model is measured by.
Jaw is compared by correlation; rounding by partial correlation given loudness, since loudness alone explains much.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facetalk.data import ridge
from facetalk.evaluation.agreement import best_lag, correlation, lagged, partial_correlation

REACH = 4
"""Feature frames on either side that the ridge sees."""
PENALTIES = (1e1, 1e2, 1e3, 1e4, 1e5)


@dataclass(frozen=True)
class RealTake:
    """Features and captured curves of one recording, frame by frame."""

    features: Float[np.ndarray, "frame feature"]
    jaw: Float[np.ndarray, " frame"]
    rounding: Float[np.ndarray, " frame"]
    loudness: Float[np.ndarray, " frame"]
    """log-RMS over 40 ms."""

    @property
    def targets(self) -> Float[np.ndarray, "frame 2"]:
        """Jaw and rounding."""
        return np.stack([self.jaw, self.rounding], axis=1)


@dataclass(frozen=True)
class RealReport:
    """One row: a prediction on a held-out recording."""

    jaw_correlation: float
    rounding_partial: float
    """Partial correlation given loudness."""
    rounding_correlation: float
    jaw_lag: int
    """Frames by which the prediction trails."""
    jaw_ratio: float
    """Of the ridge's correlation."""
    rounding_ratio: float
    """Of the ridge's partial correlation."""


def same_speaker_ridge(train: Sequence[RealTake], test: RealTake) -> Float[np.ndarray, "frame 2"]:
    """Jaw and rounding of `test` by a ridge on `train`; its penalty is chosen on the last training recording."""
    pairs = [(ridge.stacked(take.features, REACH), take.targets) for take in train]
    *fitted, held = pairs

    def score(penalty: float) -> float:
        guess = ridge.fit(fitted or [held], penalty)(held[0])
        return sum(correlation(guess[:, k], held[1][:, k]) for k in range(2))

    model = ridge.fit(pairs, max(PENALTIES, key=score))
    return model(ridge.stacked(test.features, REACH))


def report(
    jaw: Float[np.ndarray, " frame"],
    rounding: Float[np.ndarray, " frame"],
    test: RealTake,
    reference: Float[np.ndarray, "frame 2"],
) -> RealReport:
    """How a prediction does on `test`; `reference` is the ridge's jaw and rounding."""
    lag = best_lag(jaw, test.jaw)
    found = _figures(jaw, rounding, test)
    ceiling = _figures(reference[:, 0], reference[:, 1], test)
    return RealReport(
        jaw_correlation=found[0],
        rounding_partial=found[1],
        rounding_correlation=correlation(*lagged(rounding, test.rounding, 0)),
        jaw_lag=lag,
        jaw_ratio=found[0] / max(ceiling[0], 1e-9),
        rounding_ratio=found[1] / max(ceiling[1], 1e-9),
    )


def _figures(
    jaw: Float[np.ndarray, " frame"], rounding: Float[np.ndarray, " frame"], test: RealTake
) -> tuple[float, float]:
    frames = min(len(jaw), len(test.jaw))
    partial = partial_correlation(rounding[:frames], test.rounding[:frames], test.loudness[:frames])
    return correlation(jaw[:frames], test.jaw[:frames]), partial
