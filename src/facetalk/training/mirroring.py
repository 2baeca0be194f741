"""Scans seen in a mirror: left and right exchanged in points, anatomy and rig weights. Doubles what is trained on."""

from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.arkit import ARKIT_NAMES
from facetalk.geometry import MIRROR
from facetalk.head.anatomy import ANCHORS, LANDMARK_NAMES, PAIRS, Anatomy
from facetalk.training.head_data import PosedBatch

_SIDES = {"Left": "Right", "Right": "Left", "left": "right", "right": "left"}


def _other_side(name: str) -> str:
    """The name of the same thing on the other side; itself on the midline. jawLeft and mouthLeft turn too."""
    for side, other in _SIDES.items():
        if name.endswith(side):
            return name.removesuffix(side) + other
    return name


_WEIGHTS = [ARKIT_NAMES.index(_other_side(name)) for name in ARKIT_NAMES]
_LANDMARKS = [LANDMARK_NAMES.index(_other_side(name)) for name in LANDMARK_NAMES]
_ANCHORS = [anchor ^ 1 if anchor < 2 * PAIRS else anchor for anchor in range(ANCHORS)]


def reflected(points: Float[Tensor, "row *some 3"], flip: Bool[Tensor, " row"]) -> Float[Tensor, "row *some 3"]:
    """Points of the chosen rows with x negated."""
    signs = torch.where(flip[:, None], torch.from_numpy(MIRROR), torch.ones(3))
    return points * signs.view(-1, *[1] * (points.ndim - 2), 3)


def reflected_anatomy(anatomy: Anatomy, flip: Bool[Tensor, " row"]) -> Anatomy:
    """Anatomies of the chosen rows in the mirror."""
    return Anatomy(
        torch.where(flip[:, None, None], reflected(anatomy.anchors, flip)[:, _ANCHORS], anatomy.anchors),
        torch.where(flip[:, None, None], reflected(anatomy.landmarks, flip)[:, _LANDMARKS], anatomy.landmarks),
        torch.where(flip[:, None], anatomy.eye_radius.flip(1), anatomy.eye_radius),
    )


def reflected_scans(batch: PosedBatch, flip: Bool[Tensor, " scan"]) -> PosedBatch:
    """Scans of the chosen rows in the mirror. Their identities stay those of the unmirrored heads."""
    moved = {
        name: reflected(getattr(batch, name), flip)
        for name in ("surface", "target", "normal", "target_normal", "points")
    }
    weights = torch.where(flip[:, None], batch.weights[:, _WEIGHTS], batch.weights)
    return replace(batch, weights=weights, **moved)
