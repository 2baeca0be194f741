"""Fréchet distance between the motion of two sets of clips, as of two normal distributions (Heusel et al. 2017).

Of each frame, poses and their frame-to-frame steps, each in units of the truth's spread. Few clips alone make it large,
so rows compare at equal clips only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facetalk.evaluation.interval import Interval, around, draws

DRAWS = 200
FLOOR = 0.05
"""No column is divided by less than this share of the widest spread: faint ones stay faint."""
Poses = Float[np.ndarray, "_ column"]


@dataclass(frozen=True)
class Moments:
    """Sums over the frames of each clip."""

    frames: Float[np.ndarray, " clip"]
    sums: Float[np.ndarray, "clip column"]
    products: Float[np.ndarray, "clip column column"]

    def normal(self, counts: Float[np.ndarray, " clip"]) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance when each clip is counted so often."""
        frames = counts @ self.frames
        mean = counts @ self.sums / frames
        return mean, np.tensordot(counts, self.products, 1) / frames - np.outer(mean, mean)


def distance(found: Sequence[Poses], truth: Sequence[Poses]) -> Interval:
    """Over all clips, with its interval; NaN where a pose is not known."""
    if not all(np.isfinite(clip).all() for clip in found):
        return Interval(np.nan, np.nan, np.nan)
    scale = _spread(np.concatenate([_moving(clip) for clip in truth]))
    ours, theirs = (moments([_moving(clip) / scale for clip in clips]) for clips in (found, truth))

    def between(counts: np.ndarray) -> float:
        return frechet(*ours.normal(counts), *theirs.normal(counts))

    spread = np.array([between(counts) for counts in draws(len(truth), DRAWS)])
    return around(between(np.ones(len(truth))), spread)


def moments(clips: Sequence[Poses]) -> Moments:
    """What the normal distributions of all draws need."""
    return Moments(
        np.array([float(len(clip)) for clip in clips]),
        np.stack([clip.sum(axis=0) for clip in clips]),
        np.stack([clip.T @ clip for clip in clips]),
    )


def frechet(
    mean: Float[np.ndarray, " column"],
    covariance: Float[np.ndarray, "column column"],
    other_mean: Float[np.ndarray, " column"],
    other_covariance: Float[np.ndarray, "column column"],
) -> float:
    """‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½)."""
    values, axes = np.linalg.eigh(covariance)
    root = (axes * np.sqrt(np.maximum(values, 0))) @ axes.T
    mixed = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ other_covariance @ root), 0)).sum()
    apart = float(((mean - other_mean) ** 2).sum())
    return max(0.0, apart + float(np.trace(covariance) + np.trace(other_covariance) - 2 * mixed))


def _moving(poses: Poses) -> Float[np.ndarray, "_ both"]:
    """Poses beside their steps; the first frame has none and is left out."""
    return np.concatenate([poses[1:], np.diff(poses, axis=0)], axis=1)


def _spread(values: Poses) -> Float[np.ndarray, " column"]:
    """Standard deviations, poses and steps each with a floor of their own."""
    halves = np.split(values.std(axis=0), 2)
    return np.concatenate([np.maximum(half, max(FLOOR * half.max(), 1e-9)) for half in halves])
