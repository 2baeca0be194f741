"""Points on the surface of a head: what is known of the air before them, and what their noise does to distances."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.spatial import KDTree
from torch import Tensor

from facetalk.geometry import UNIT_MM

OPEN = 0.8
"""A point before the surface is in the air where the whole cloud is at least this share of its distance away."""


@dataclass(frozen=True)
class Cloud:
    """Points on the surface of one posed head, in units, with outward unit normals where these are known."""

    points: Float[Tensor, "point 3"]
    normals: Float[Tensor, "point 3"] | None


def air(
    cloud: Cloud, reach_mm: tuple[float, float], generator: torch.Generator
) -> tuple[Float[Tensor, "some 3"], Float[Tensor, " some"]]:
    """Points before a cloud's own that nothing else is nearer to, and how far the cloud is from them.

    None where no normals are known.
    """
    if cloud.normals is None:
        return cloud.points[:0], cloud.points[:0, 0]
    low, high = reach_mm
    away = (low * (high / low) ** torch.rand(len(cloud.points), generator=generator)) / UNIT_MM
    points = cloud.points + away[:, None] * cloud.normals
    nearest = torch.from_numpy(KDTree(cloud.points.numpy()).query(points.numpy())[0]).float()
    open_air = nearest > OPEN * away
    return points[open_air], nearest[open_air]


@torch.no_grad()
def lift(
    distances: Callable[[Tensor], Tensor],
    points: Float[Tensor, "scan point 3"],
    spread: float,
    generator: torch.Generator,
) -> Float[Tensor, "scan point"]:
    """What noise of this spread adds to the distances of points, on average: as much as noise added once more does."""
    noise = spread * torch.randn(points.shape, generator=generator)
    return (distances(points + noise) + distances(points - noise)) / 2 - distances(points)
