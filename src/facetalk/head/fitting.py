"""Codes from point clouds: one identity and the expressions of its scans, fitted to surface points.

As in the paper (section 2): Adam on codes alone, the distances clamped ever tighter, the codes' regularisers relaxed.
An identity is sought first along the learnt map from source weights, then freely about it; an expression by its rig
weights. Clamps widen where points are noisy: what lies beyond one, such as an outlier, pulls at nothing. Noise also
moves points off bulges and into hollows, on average, and that much is taken off again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.arkit import ARKIT_NAMES
from facetalk.geometry import UNIT_MM
from facetalk.head.cloud import Cloud, air, lift
from facetalk.head.model import CODE_SPREAD, SOURCE_SIZE, Head

NORMAL_SPREAD = 1.4826
"""Spread of normally distributed errors in medians of their size."""


@dataclass(frozen=True)
class FitConfig:
    """How codes are sought."""

    steps: int = 400
    points: int = 1200
    """Points of each cloud in a step, each with a second one off the surface where normals are known."""
    rate: float = 0.03
    """Step size in spreads of a code; falls to a tenth for the last third."""
    clamps: tuple[float, ...] = (0.1, 0.05, 0.0075)
    """Distances are clamped here, one after the other, in units."""
    spreads: float = 2.5
    """No clamp is tighter than so many spreads of the distances."""
    free: float = 0.0
    """Points in the air before a cloud in a step, as a share of `points`; they keep films off that no scan shows."""
    air_mm: tuple[float, float] = (3.0, 12.0)
    """How far before the surface these lie."""
    off_mm: float = 1.5
    """Spread of second points along the normal, whose distance is known from the surface."""
    identity: float = 2e-4
    """Weight of the squared norm of source weights."""
    own: float = 1e-3
    """Weight of what an identity code has of its own, beyond the map."""
    expression: float = 2.5e-3
    """Weight of the squared norm of rig weights."""
    possible: float = 0.1
    """Weight of the squared amount by which rig weights leave 0..1."""
    noisy_mm: float = 2.0
    """Points whose distances spread by more are noisy: their normals are left out, and what noise adds is taken off."""
    doubt_mm: float = 0.5
    """The regularisers grow with the spread of the distances, measured in this."""
    relaxed: float = 0.1
    """Share of the regularisers left in the last third."""
    pose: float = 0.0
    """Step size of the clouds' rigid poses, in that of codes; 0 holds them fast."""
    seed: int = 0


@dataclass(frozen=True)
class Fitted:
    """Codes of one identity and its scans."""

    z_id: Float[Tensor, " identity"]
    codes: Float[Tensor, "scan code"]
    error_mm: float
    """Mean clamped distance over the last third of the steps."""
    spread_mm: float
    """Spread of the points about the surface, outliers aside."""
    turns: Float[Tensor, "scan 3 3"]
    """Rotation of each cloud about its own middle, and then its shift, by which it came to lie on its head."""
    shifts: Float[Tensor, "scan 3"]


Watch = Callable[[int, int], None]


def fit(
    head: Head,
    clouds: Sequence[Cloud],
    config: FitConfig,
    codes: Float[Tensor, "scan code"] | None = None,
    watch: Watch = lambda done, of: None,
) -> Fitted:
    """Fit one identity code and an expression code for each of its clouds.

    Args:
        head: stays as it is.
        clouds: scans of one person.
        config: how.
        codes: expression codes to hold fast; sought from rest on where not given.
        watch: told how many steps of how many are done.
    """
    generator = torch.Generator().manual_seed(config.seed)
    sought = _Sought(head, clouds, config, codes)
    before = [air(cloud, config.air_mm, generator) for cloud in clouds] if config.free > 0 else []
    clamp, tail, spread, noisy = config.clamps[0], [], 0.0, False
    for step in range(config.steps):
        late = step >= 2 * config.steps // 3
        stage, into = divmod(len(config.clamps) * step, config.steps)
        if into < len(config.clamps):
            spread = sought.spread(generator)
            clamp = max(config.clamps[stage], config.spreads * spread) if step else clamp
            noisy = step > 0 and spread * UNIT_MM > config.noisy_mm
        if noisy:
            points, _ = _drawn([Cloud(each.points, None) for each in clouds], config, generator)
            wanted = lift(sought.distances, points, spread, generator)
        else:
            points, wanted = _drawn(clouds, config, generator)
        if not noisy and before and all(len(each) for each, _ in before):
            points, wanted = _breathed(points, wanted, before, config, generator)
        distances = sought.distances(points)
        error = (distances.clamp(-clamp, clamp) - wanted.clamp(-clamp, clamp)).abs().mean()
        # Errors of noisy points say less; without this their noise would be fitted.
        doubt = max(1.0, spread * UNIT_MM / config.doubt_mm) if step else 1.0
        sought.step(error * UNIT_MM, (config.relaxed if late else 1.0) * doubt, 0.1 if late else 1.0)
        tail += [float(error.detach()) * UNIT_MM] if late else []
        watch(step + 1, config.steps)
    return sought.found(sum(tail) / max(len(tail), 1), sought.spread(generator) * UNIT_MM)


class _Sought:
    """Everything that is varied, and its optimiser."""

    def __init__(self, head: Head, clouds: Sequence[Cloud], config: FitConfig, codes: Tensor | None) -> None:
        self.head, self.clouds, self.config, self.codes = head, clouds, config, codes
        self.middles = torch.stack([cloud.points.mean(0) for cloud in clouds])
        self.weights = torch.zeros(1, SOURCE_SIZE, requires_grad=True)
        self.own = torch.zeros(1, head.config.layout.size, requires_grad=True)
        self.rig = torch.zeros(len(clouds), len(ARKIT_NAMES), requires_grad=True)
        self.pose = torch.zeros(len(clouds), 6, requires_grad=True)
        groups = [(self.weights, 1.0), (self.own, 1.0)]
        groups += [(self.rig, 0.3)] if codes is None else []
        groups += [(self.pose, config.pose)] if config.pose > 0 else []
        self.optimiser = torch.optim.Adam([{"params": [values], "scale": scale} for values, scale in groups])

    @property
    def z_id(self) -> Float[Tensor, "1 identity"]:
        return self.head.identity(self.weights) + CODE_SPREAD * self.own

    @property
    def expressions(self) -> Float[Tensor, "scan code"]:
        return self.head.rig(self.rig) if self.codes is None else self.codes

    @property
    def turns(self) -> Float[Tensor, "scan 3 3"]:
        x, y, z = self.pose[:, :3].unbind(1)
        none = torch.zeros_like(x)
        skew = torch.stack([none, -z, y, z, none, -x, -y, x, none], 1).unflatten(1, (3, 3))
        return torch.linalg.matrix_exp(skew)

    def distances(self, points: Float[Tensor, "scan point 3"]) -> Float[Tensor, "scan point"]:
        if self.config.pose > 0:
            middles = self.middles[:, None]
            points = torch.einsum("sij,spj->spi", self.turns, points - middles) + middles + self.pose[:, None, 3:]
        return posed_distances(self.head, self.z_id, self.expressions, points)

    @torch.no_grad()
    def spread(self, generator: torch.Generator) -> float:
        """Spread of the points about the surface, by the median, so that outliers hardly count."""
        picks = [torch.randint(len(c.points), (self.config.points,), generator=generator) for c in self.clouds]
        points = torch.stack([cloud.points[pick] for cloud, pick in zip(self.clouds, picks, strict=True)])
        return NORMAL_SPREAD * float(self.distances(points).abs().median())

    def regular(self) -> Float[Tensor, ""]:
        config, rig = self.config, self.rig
        beyond = (rig - rig.clamp(0, 1)).square().sum(1).mean()
        own = config.identity * self.weights.square().sum() + config.own * self.own.square().sum()
        return own + config.expression * rig.square().sum(1).mean() + config.possible * beyond

    def step(self, error: Float[Tensor, ""], regular: float, rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate * rate * group["scale"]
        self.optimiser.zero_grad()
        (error + regular * self.regular()).backward()
        self.optimiser.step()

    @torch.no_grad()
    def found(self, error_mm: float, spread_mm: float) -> Fitted:
        return Fitted(self.z_id[0], self.expressions, error_mm, spread_mm, self.turns, self.pose[:, 3:].detach())


def posed_distances(
    head: Head,
    z_id: Float[Tensor, "1 identity"],
    codes: Float[Tensor, "scan code"],
    points: Float[Tensor, "scan point 3"],
) -> Float[Tensor, "scan point"]:
    """Posed signed distances of several scans of one identity, differentiable in codes and points."""
    anatomy = head.anatomies(z_id)
    field = head.deformation(head.deformation.fold(head.condition(anatomy, z_id, codes)), anatomy, points)
    canonical = (points + field[..., :3]).flatten(0, 1)[None]
    return head.ensemble(anatomy, head.fold(z_id), canonical).view(points.shape[:2]) + field[..., 3]


def _drawn(
    clouds: Sequence[Cloud], config: FitConfig, generator: torch.Generator
) -> tuple[Float[Tensor, "scan point 3"], Float[Tensor, "scan point"]]:
    """Points on the surfaces and, where all normals are known, off them, with their distances."""
    points, wanted = [], []
    for cloud in clouds:
        chosen = torch.randint(len(cloud.points), (2, config.points), generator=generator)
        along = config.off_mm / UNIT_MM * torch.randn(config.points, generator=generator)
        if cloud.normals is None:
            points.append(cloud.points[chosen.flatten()])
            wanted.append(torch.zeros(2 * config.points))
            continue
        on = cloud.points[chosen[0]]
        points.append(torch.cat([on, on + along[:, None] * cloud.normals[chosen[0]]]))
        wanted.append(torch.cat([torch.zeros(config.points), along]))
    return torch.stack(points), torch.stack(wanted)


def _breathed(
    points: Float[Tensor, "scan point 3"], wanted: Float[Tensor, "scan point"],
    air: Sequence[tuple[Tensor, Tensor]], config: FitConfig, generator: torch.Generator,
) -> tuple[Float[Tensor, "scan more 3"], Float[Tensor, "scan more"]]:  # fmt: skip
    """The drawn points with some in the air."""
    count = int(config.free * config.points)
    rows = [torch.randint(len(each), (count,), generator=generator) for each, _ in air]
    places = torch.stack([each[row] for (each, _), row in zip(air, rows, strict=True)])
    distances = torch.stack([far[row] for (_, far), row in zip(air, rows, strict=True)])
    return torch.cat([points, places], 1), torch.cat([wanted, distances], 1)
