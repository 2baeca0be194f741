"""The linear landmark map of ICT-FaceKit, with how ARKit weights are spread in performances.

    python -m facetalk.training.landmark_map --ict ICT-FaceKit --performances DIR --out map.safetensors

Of the head only 70 places are kept: no mesh can be rebuilt from them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from facetalk import checkpoint
from facetalk.arkit import ARKIT_NAMES
from facetalk.data import ict, performance_files
from facetalk.data.eyeballs import fit_sphere, gaze
from facetalk.data.posing import rig_weights
from facetalk.data.source import SIDES, HeadSource
from facetalk.landmarks.face_map import FaceMap

WIDER = 1.5
"""Faces to be followed do more than the performances: their covariance is multiplied by this …"""
FLOOR = 0.08
"""… and every weight may stray at least this far by itself."""


@dataclass(frozen=True)
class MapSources:
    """What the map is made of."""

    ict: Path
    """Root of an ICT-FaceKit checkout."""
    performances: Path
    """A performance set; its training clips tell how weights are spread."""
    out: Path


def main(sources: MapSources) -> None:
    """Write the map."""
    rows = [row for row in performance_files.read_index(sources.performances) if row.split == "train"]
    weights = np.concatenate([performance_files.read(sources.performances, row.id).weights for row in rows])
    checkpoint.save(measure(ict.read(sources.ict), weights).checkpoint, sources.out)


def measure(source: HeadSource, weights: Float[np.ndarray, "frame 52"]) -> FaceMap:
    """The map of a head source."""
    marks = source.marks.at(*range(68))

    def places(vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "70 3"]:
        return np.concatenate([vertices[marks], pupils(source, vertices)])

    neutral = places(source.neutral)
    identities = np.stack([places(source.neutral + mode) - neutral for mode in source.identities])
    expressions = np.stack([np.concatenate([shape[marks], np.zeros((2, 3))]) for shape in source.expressions])
    expressions[:, 68:] = np.stack([turned(source, name) for name in ARKIT_NAMES])
    covariance = WIDER * np.cov(weights.T) + FLOOR**2 * np.eye(len(ARKIT_NAMES))
    arrays = (neutral, identities, expressions, weights.mean(axis=0), covariance)
    return FaceMap(*(torch.from_numpy(np.asarray(array, np.float32)) for array in arrays))


def pupils(source: HeadSource, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "2 3"]:
    """Foremost points of the eyeballs looking ahead, right first."""
    balls = [fit_sphere(vertices[source.parts.eyeballs[side]]) for side in reversed(SIDES)]
    return np.stack([ball.centre + np.array([0, 0, ball.radius]) for ball in balls])


def turned(source: HeadSource, name: str) -> Float[np.ndarray, "2 3"]:
    """What one full weight adds to the places of the pupils, to first order in the turn."""
    weights = rig_weights(**{name: 1.0})
    moved = []
    for side in reversed(SIDES):
        radius = fit_sphere(source.neutral[source.parts.eyeballs[side]]).radius
        yaw, pitch = gaze(weights, side)
        moved.append([radius * yaw, radius * pitch, 0.0])
    return np.array(moved)


if __name__ == "__main__":
    import tyro

    main(tyro.cli(MapSources))
