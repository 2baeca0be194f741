"""The mean head against the source mesh it was learnt from: how far lips and lids stand apart, pose by pose."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float

from facetalk.data.posing import SourceHead, Topology
from facetalk.data.source import HeadSource
from facetalk.head.model import SOURCE_SIZE, Head
from facetalk.mesh.aperture import PUSHED_MM, Probe, eye_probe, mouth_probe
from facetalk.mesh.winding import mesh_apertures
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.gallery import POSES, posed

OPENINGS: Mapping[str, Mapping[str, float]] = {
    "jaw .1": {"jawOpen": 0.1},
    "jaw .25": {"jawOpen": 0.25},
    "jaw .5": {"jawOpen": 0.5},
    "jaw .7": {"jawOpen": 0.7},
    "jaw 1": {"jawOpen": 1.0},
    "half blink": {"eyeBlink": 0.5},
}
"""Poses beside those of the gallery."""


@torch.inference_mode()
def openings(head: Head, source: HeadSource) -> dict[str, dict[str, float]]:
    """Millimetres between lips and between lids (the left eye's) of the head and of the mesh, for each pose.

    Both are read by the same lines; the middle of the columns counts.
    """
    actor = Actor(head, head.identity(torch.zeros(1, SOURCE_SIZE))[0])
    landmarks = {name: point.numpy() for name, point in actor.state.landmarks.items()}
    lines = (
        mouth_probe(landmarks, pushed_mm=PUSHED_MM),
        eye_probe(landmarks["eye_left"], float(actor.state.eye_radius[0])),
    )
    mesh = SourceHead(Topology(source), source.mean_person)
    return {name: _row(actor, mesh, posed(pose), *lines) for name, pose in {**POSES, **OPENINGS}.items()}


def _row(actor: Actor, source: SourceHead, weights: torch.Tensor, mouth: Probe, eye: Probe) -> dict[str, float]:
    mesh = source.pose(weights.double().numpy())
    sdf = actor.sdf(actor.head.rig(weights[None])[0])
    return {
        "lips_mm": _middle(mouth.apertures(sdf)),
        "lips_true_mm": _middle(mesh_apertures(mesh.vertices, mesh.faces, mouth)),
        "lids_mm": _middle(eye.apertures(sdf)),
        "lids_true_mm": _middle(mesh_apertures(mesh.vertices, mesh.faces, eye)),
    }


def _middle(columns: Float[np.ndarray, " column"]) -> float:
    return float(columns[len(columns) // 2])
