"""Flesh between the nostrils: 4 mm at its thinnest, which networks bridge by a hole on people nobody scanned."""

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import Anatomy
from facetalk.head.model import SOURCE_SIZE, Head
from facetalk.training import head_losses as losses
from facetalk.training.drawn_people import FURTHEST

LOW_MM, HIGH_MM = (-0.4, -7.0, -38.0), (0.4, 6.0, -14.0)
"""Corners, from the tip of the nose, of what lies between the nostrils of everybody in the source's prior."""
DEPTH_MM = 0.8
"""Least depth in flesh there; true is 1.2 or more in the middle."""


def between_nostrils(anatomy: Anatomy, count: int, generator: torch.Generator) -> Float[Tensor, "row point 3"]:
    """Points in the wall between the nostrils."""
    low, high = torch.tensor(LOW_MM), torch.tensor(HIGH_MM)
    away = low + (high - low) * torch.rand(len(anatomy.eye_radius), count, 3, generator=generator)
    return anatomy.landmark("nose_tip")[:, None] + away / UNIT_MM


def wall_error(head: Head, people: int, count: int, generator: torch.Generator) -> Float[Tensor, ""]:
    """Mean lack of flesh between the nostrils of people drawn from the prior, millimetres."""
    spread = torch.rand(people, 1, generator=generator)
    weights = torch.randn(people, SOURCE_SIZE, generator=generator).clamp(-FURTHEST, FURTHEST)
    z_id = head.identity(spread * weights)
    anatomy = head.anatomies(z_id).detach()
    distances = head.ensemble(anatomy, head.fold(z_id), between_nostrils(anatomy, count, generator))
    return (distances + DEPTH_MM * losses.NEAR).clamp_min(0).mean() / losses.NEAR
