"""What small networks are told about a point besides its coordinates: waves, and where it lies from the eyeballs."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.head.anatomy import Anatomy

COORDINATE_SCALE = 6.0
"""Multiplies plain coordinates, which span about a sixth of a unit, before they enter a network."""


def wave_count(wavelengths: tuple[float, ...]) -> int:
    """Features of `waves`."""
    return 3 + 6 * len(wavelengths)


def waves(points: Float[Tensor, "*point 3"], wavelengths: tuple[float, ...]) -> Float[Tensor, "*point feature"]:
    """Scaled coordinates with their sines and cosines at the given wavelengths (units)."""
    phases = [points * (2 * math.pi / wavelength) for wavelength in wavelengths]
    turns = [turn for phase in phases for turn in (phase.sin(), phase.cos())]
    return torch.cat([COORDINATE_SCALE * points, *turns], -1)


def shells(
    distance: Float[Tensor, "row point"], radius: Float[Tensor, "#row #point"], sharpness: tuple[float, ...]
) -> Float[Tensor, "row point sharpness"]:
    """Saturated signed distance to a ball, more than once: 0 on it, towards 1 outside, the sooner the sharper.

    Sharp ones tell a lid from the eyeball that it lies on: 2 mm are a sixth of an eyeball's radius.
    """
    out = distance / radius - 1
    return torch.stack([torch.tanh(factor * out) for factor in sharpness], -1)


def eye_features(
    points: Float[Tensor, "identity point 3"], anatomy: Anatomy, sharpness: tuple[float, ...]
) -> Float[Tensor, "identity point feature"]:
    """`shells` about the left and right eyeball, side by side for each sharpness."""
    distance = [((points - anatomy.eyes[:, None, side]).square().sum(-1) + 1e-8).sqrt() for side in range(2)]
    radius = anatomy.eye_radius[:, :, None]
    return torch.stack([shells(distance[side], radius[:, side], sharpness) for side in range(2)], -1).flatten(-2)


def swap_eyes(features: Float[Tensor, "pair feature"], flip: Bool[Tensor, " pair"]) -> Float[Tensor, "pair feature"]:
    """Left and right exchanged where a network sees the mirrored head."""
    return torch.where(flip[:, None], features.unflatten(-1, (-1, 2)).flip(-1).flatten(-2), features)
