"""What small networks are told about a point besides its coordinates: waves, and where it lies from the eyeballs."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.head.anatomy import Anatomy

EYE_FEATURES = 2
"""Features of `eye_features`."""

COORDINATE_SCALE = 6.0
"""Multiplies plain coordinates, which span about a sixth of a unit, before they enter a network."""

_EYE_SHARPNESS = 2.0


def wave_count(wavelengths: tuple[float, ...]) -> int:
    """Features of `waves`."""
    return 3 + 6 * len(wavelengths)


def waves(points: Float[Tensor, "*point 3"], wavelengths: tuple[float, ...]) -> Float[Tensor, "*point feature"]:
    """Scaled coordinates with their sines and cosines at the given wavelengths (units)."""
    phases = [points * (2 * math.pi / wavelength) for wavelength in wavelengths]
    turns = [turn for phase in phases for turn in (phase.sin(), phase.cos())]
    return torch.cat([COORDINATE_SCALE * points, *turns], -1)


def eye_features(points: Float[Tensor, "identity point 3"], anatomy: Anatomy) -> Float[Tensor, "identity point 2"]:
    """Saturated signed distance to the left and right eyeball: -1 at the centre, 0 on the sphere, 1 far away."""
    return torch.stack([_from_eye(points, anatomy, side) for side in range(2)], -1)


def swap_eyes(features: Float[Tensor, "pair 2"], flip: Bool[Tensor, " pair"]) -> Float[Tensor, "pair 2"]:
    """Left and right exchanged where a network sees the mirrored head."""
    return torch.where(flip[:, None], features.flip(-1), features)


def _from_eye(
    points: Float[Tensor, "identity point 3"], anatomy: Anatomy, side: int
) -> Float[Tensor, "identity point"]:
    distance = ((points - anatomy.eyes[:, None, side]).square().sum(-1) + 1e-8).sqrt()
    return torch.tanh(_EYE_SHARPNESS * (distance / anatomy.eye_radius[:, None, side] - 1))
