"""A made head of smooth bumps, whose distance is known well enough to align to."""

import numpy as np
import torch

from facetalk.fitting.guide import Guide
from facetalk.fitting.scan import clean

BUMPS = [  # middle and radius in units: skull, jaw, nose, ears, neck
    ((0.0, 0.15, -0.12), 0.34), ((0.0, -0.12, 0.02), 0.2), ((0.0, -0.02, 0.22), 0.06), ((0.33, 0.02, -0.1), 0.07),
    ((-0.33, 0.02, -0.1), 0.07), ((0.0, -0.35, -0.15), 0.18),
]  # fmt: skip


def sdf(points: torch.Tensor) -> torch.Tensor:
    """Smooth union of balls."""
    balls = torch.stack([(points - torch.tensor(middle)).norm(dim=1) - radius for middle, radius in BUMPS])
    return -0.02 * torch.logsumexp(-balls / 0.02, 0)


def guide() -> Guide:
    return Guide(sdf)


def surface(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points above the neck and their normals, in units."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(3 * count, 3, generator=generator) * 0.4
    for _ in range(12):
        points = points.detach().requires_grad_(True)
        value = sdf(points)
        slope = torch.autograd.grad(value.sum(), points)[0]
        points = points - value[:, None] * slope / slope.square().sum(1, keepdim=True)
    kept = (points[:, 1] > -0.42).nonzero()[:count, 0]
    normals = torch.nn.functional.normalize(slope, dim=1)
    return points[kept].detach().double().numpy(), normals[kept].double().numpy()


UPRIGHT = np.eye(3)


def scan(count=1500, seed=0, keep=lambda points: np.ones(len(points), bool), turn=UPRIGHT, size=250.0, bare=False):
    """The surface as a scan: turned, shifted, in numbers of `size` to a unit."""
    points, normals = surface(count, seed)
    points, normals = points[keep(points)], normals[keep(points)]
    return clean((points @ turn.T + 0.7) * size, None if bare else normals @ turn.T)
