"""Errors and liveliness of tracked vertices, in millimetres.

LVE: in each frame the largest distance of a lip vertex from its true place, averaged over frames (Richard et al. 2021,
MeshTalk; FaceFormer's table has the square of it). MVE: the mean over all vertices of the face and all frames (papers
differ; FaceDiffuser takes the largest of a frame here too). FDD: how much more an upper-face vertex moves in truth,
by the standard deviation over time of its distance from rest, averaged over vertices, signed (Xing et al. 2023,
CodeTalker). Diversity: the mean distance between vertices of two takes of one line.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float

from facetalk.evaluation.interval import NOTHING, Share

Moved = Float[np.ndarray, "frame vertex 3"]
"""Places of vertices against rest, mm."""


def lip_error(found: Moved, truth: Moved) -> Share:
    """LVE of one clip; weighed by frames."""
    return _summed(np.linalg.norm(found - truth, axis=2).max(axis=1))


def mean_error(found: Moved, truth: Moved) -> Share:
    """MVE of one clip; weighed by frames."""
    return _summed(np.linalg.norm(found - truth, axis=2).mean(axis=1))


def dynamics_deviation(found: Moved, truth: Moved) -> Share:
    """FDD of one clip: above zero it moves too little. Clips weigh alike."""
    dynamics = [np.linalg.norm(moved, axis=2).std(axis=0).mean() for moved in (truth, found)]
    return _known(float(dynamics[0] - dynamics[1]))


def diversity(takes: Sequence[Moved]) -> Share:
    """Mean distance between the takes of one clip, over all pairs of them. Clips weigh alike."""
    apart = [np.linalg.norm(one - other, axis=2).mean() for one, other in combinations(takes, 2)]
    return _known(float(np.mean(apart))) if apart else NOTHING


def best_lip_error(takes: Sequence[Moved], truth: Moved) -> Share:
    """LVE of the take that comes nearest."""
    return min((lip_error(take, truth) for take in takes), key=lambda share: share[0])


def _summed(errors: Float[np.ndarray, " frame"]) -> Share:
    known = errors[np.isfinite(errors)]
    return float(known.sum()), float(len(known))


def _known(value: float) -> Share:
    return (value, 1.0) if np.isfinite(value) else NOTHING
