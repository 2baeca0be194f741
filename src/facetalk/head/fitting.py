"""Codes from point clouds: one identity and the expressions of its scans, fitted to surface points with normals.

As in the paper (section 2): Adam on codes alone, the distances clamped ever tighter, the codes' regularisers relaxed.
An identity is sought first along the learnt map from source weights, then freely about it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.head.model import CODE_SPREAD, SOURCE_SIZE, Head


@dataclass(frozen=True)
class Cloud:
    """Points on the surface of one posed head, in units, with outward unit normals."""

    points: Float[Tensor, "point 3"]
    normals: Float[Tensor, "point 3"]


@dataclass(frozen=True)
class FitConfig:
    """How codes are sought."""

    steps: int = 400
    points: int = 1200
    """Points of each cloud in a step, each with a second one off the surface."""
    rate: float = 0.03
    """Step size in spreads of a code; falls to a tenth for the last third."""
    clamps: tuple[float, ...] = (0.1, 0.05, 0.0075)
    """Distances are clamped here, one after the other, in units."""
    off_mm: float = 1.5
    """Spread of second points along the normal, whose distance is known from the surface."""
    identity: float = 2e-4
    """Weight of the squared norm of source weights."""
    own: float = 1e-3
    """Weight of what an identity code has of its own, beyond the map."""
    expression: float = 2e-2
    """Weight of the squared distance from the starting expression code."""
    relaxed: float = 0.1
    """Share of the regularisers left in the last third."""
    seed: int = 0


@dataclass(frozen=True)
class Fitted:
    """Codes of one identity and its scans."""

    z_id: Float[Tensor, " identity"]
    codes: Float[Tensor, "scan code"]
    error_mm: float
    """Mean clamped distance over the last third of the steps."""


def fit(
    head: Head, clouds: Sequence[Cloud], config: FitConfig, codes: Float[Tensor, "scan code"] | None = None
) -> Fitted:
    """Fit one identity code and an expression code for each of its clouds.

    Args:
        head: stays as it is.
        clouds: scans of one person.
        config: how.
        codes: expression codes to hold fast; sought from rest on where not given.
    """
    generator = torch.Generator().manual_seed(config.seed)
    weights = torch.zeros(1, SOURCE_SIZE, requires_grad=True)
    own = torch.zeros(1, head.config.layout.size, requires_grad=True)
    start = head.rest.expand(len(clouds), -1) if codes is None else codes
    moved = torch.zeros_like(start, requires_grad=True)
    sought = [weights, own] + ([moved] if codes is None else [])
    optimiser = torch.optim.Adam(
        [{"params": [parameter], "scale": 0.1 if parameter is moved else 1.0} for parameter in sought], lr=config.rate
    )
    tail: list[float] = []
    for step in range(config.steps):
        late = step >= 2 * config.steps // 3
        for group in optimiser.param_groups:
            group["lr"] = config.rate * group["scale"] * (0.1 if late else 1.0)
        z_id = head.identity(weights) + CODE_SPREAD * own
        points, wanted = _drawn(clouds, config, generator)
        clamp = config.clamps[min(len(config.clamps) * step // config.steps, len(config.clamps) - 1)]
        distances = posed_distances(head, z_id, start + moved, points)
        error = (distances.clamp(-clamp, clamp) - wanted.clamp(-clamp, clamp)).abs().mean()
        regular = config.identity * weights.square().sum() + config.own * own.square().sum()
        regular = regular + config.expression * moved.square().sum(1).mean()
        optimiser.zero_grad()
        (error * UNIT_MM + (config.relaxed if late else 1.0) * regular).backward()
        optimiser.step()
        tail += [float(error.detach()) * UNIT_MM] if late else []
    with torch.no_grad():
        z_id = (head.identity(weights) + CODE_SPREAD * own)[0]
    return Fitted(z_id, (start + moved).detach(), sum(tail) / max(len(tail), 1))


def posed_distances(
    head: Head,
    z_id: Float[Tensor, "1 identity"],
    codes: Float[Tensor, "scan code"],
    points: Float[Tensor, "scan point 3"],
) -> Float[Tensor, "scan point"]:
    """Posed signed distances of several scans of one identity, differentiable in codes and points."""
    anatomy = head.anatomies(z_id)
    field = head.deformation(head.deformation.fold(head.condition(anatomy, codes)), anatomy, points)
    canonical = (points + field[..., :3]).flatten(0, 1)[None]
    return head.ensemble(anatomy, head.fold(z_id), canonical).view(points.shape[:2]) + field[..., 3]


def _drawn(
    clouds: Sequence[Cloud], config: FitConfig, generator: torch.Generator
) -> tuple[Float[Tensor, "scan point 3"], Float[Tensor, "scan point"]]:
    """Points on and off the surfaces with their distances."""
    points, wanted = [], []
    for cloud in clouds:
        chosen = torch.randint(len(cloud.points), (config.points,), generator=generator)
        along = config.off_mm / UNIT_MM * torch.randn(config.points, generator=generator)
        on, normal = cloud.points[chosen], cloud.normals[chosen]
        points.append(torch.cat([on, on + along[:, None] * normal]))
        wanted.append(torch.cat([torch.zeros(config.points), along]))
    return torch.stack(points), torch.stack(wanted)
