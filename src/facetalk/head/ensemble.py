"""The identity network of the compact head: local networks round the anchors, blended by smooth windows.

Differs from the paper where speed and smoothness ask for it: SiLU, fixed windows that fall smoothly to zero (no
seams where the set of nearest anchors changes), and each network evaluated only inside its window. Codes are
constant over points, so at inference they are folded into the first layer's biases, exactly.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from facetalk.head.anatomy import ANCHORS, PAIRS, WEIGHT_SETS, Anatomy, CodeLayout, mirrored, weight_set
from facetalk.head.features import eye_features, swap_eyes, wave_count, waves
from facetalk.head.field import activated

GLOBAL_SHARE = 0.1
"""Weight of the global member in the blend, where a local member at its anchor has 1."""


@dataclass(frozen=True)
class EnsembleConfig:
    """Sizes of the identity network."""

    width: int = 64
    """Units in each hidden layer of a local network."""
    depth: int = 4
    """Hidden layers of a local network."""
    global_width: int = 128
    global_depth: int = 3
    wavelengths: tuple[float, ...] = (0.36, 0.18, 0.09)
    """Wavelengths of the sine and cosine inputs, in units."""
    eye_sharpness: tuple[float, ...] = (2.0, 12.0)
    """How sharply the networks are told a point's distance from the eyeballs."""
    ball_centre: tuple[float, float, float] = (0.0, 0.06, -0.12)
    ball_radius: float = 0.36
    """The ensemble corrects the signed distance to this ball, so that far and unseen points start out right."""
    neighbours: int = 6
    """A window ends at the distance from its anchor to this neighbour, in the mean head."""


class Stack(nn.Module):
    """Several equal-shaped multilayer perceptrons, with first-layer biases given from outside."""

    def __init__(self, sets: int, inputs: int, code: int, width: int, depth: int) -> None:
        super().__init__()
        self.first = nn.Parameter(_init(sets, inputs, width))
        self.code = nn.Parameter(_init(sets, code, width))
        self.first_bias = nn.Parameter(0.3 * torch.randn(sets, width))
        self.hidden = nn.ParameterList([nn.Parameter(_init(sets, width, width)) for _ in range(depth - 1)])
        self.hidden_bias = nn.ParameterList([nn.Parameter(torch.zeros(sets, width)) for _ in range(depth - 1)])
        self.last = nn.Parameter(0.02 * _init(sets, width, 1))
        self.last_bias = nn.Parameter(torch.zeros(sets, 1))

    def tail(self, member: int, first: Float[Tensor, "pair width"]) -> Float[Tensor, " pair"]:
        """Everything after the first layer's sum."""
        hidden = activated(first)
        for weight, bias in zip(self.hidden, self.hidden_bias, strict=True):
            hidden = activated(torch.addmm(bias[member], hidden, weight[member]))
        return torch.addmm(self.last_bias[member], hidden, self.last[member]).squeeze(1)


class IdentityEnsemble(nn.Module):
    """Signed distance in the canonical pose, for codes and points of several identities at once."""

    radius: Float[Tensor, "39"]

    def __init__(self, config: EnsembleConfig, layout: CodeLayout) -> None:
        super().__init__()
        self.config = config
        inputs = wave_count(config.wavelengths) + 2 * len(config.eye_sharpness)
        code = layout.global_size + layout.local_size
        self.local = Stack(WEIGHT_SETS, inputs, code, config.width, config.depth)
        self.whole = Stack(1, inputs, code, config.global_width, config.global_depth)
        self.register_buffer("radius", torch.ones(ANCHORS))

    def fit_windows(self, anchors: Float[Tensor, "39 3"]) -> None:
        """Set the windows' radii from the anchors of the mean head."""
        distances = torch.cdist(anchors, anchors).sort(1).values
        self.radius.copy_(distances[:, self.config.neighbours])

    def windows(
        self, anchors: Float[Tensor, "identity 39 3"], points: Float[Tensor, "identity point 3"]
    ) -> Float[Tensor, "identity point 39"]:
        """Blending weights: (1 - (d/R)^2)^3 inside the window, 0 outside; twice differentiable everywhere."""
        squared = _squared_distances(points, anchors)
        return (1 - squared / self.radius**2).clamp_min(0) ** 3

    def biases(
        self, z_global: Float[Tensor, "identity global"], z_local: Float[Tensor, "identity 40 local"]
    ) -> tuple[Float[Tensor, "identity 39 width"], Float[Tensor, "identity globalwidth"]]:
        """First-layer biases with the codes folded in, for the local members and the global one."""
        codes = torch.cat([z_global[:, None].expand(-1, ANCHORS + 1, -1), z_local], -1)
        sets = [weight_set(anchor) for anchor in range(ANCHORS)]
        folded = torch.einsum("ikc,kcw->ikw", codes[:, :ANCHORS], self.local.code[sets])
        whole = codes[:, ANCHORS] @ self.whole.code[0] + self.whole.first_bias[0]
        return folded + self.local.first_bias[sets], whole

    def forward(
        self,
        anatomy: Anatomy,
        biases: tuple[Float[Tensor, "identity 39 width"], Float[Tensor, "identity globalwidth"]],
        points: Float[Tensor, "identity point 3"],
    ) -> Float[Tensor, "identity point"]:
        """Signed distances, in units."""
        windows = self.windows(anatomy.anchors, points)
        member, flat = (windows.flatten(0, 1) > 0).T.nonzero(as_tuple=True)
        return self._blended(anatomy, biases, points, windows, member, flat)

    def everywhere(
        self,
        anatomy: Anatomy,
        biases: tuple[Float[Tensor, "identity 39 width"], Float[Tensor, "identity globalwidth"]],
        points: Float[Tensor, "identity point 3"],
    ) -> Float[Tensor, "identity point"]:
        """The same by the reference method, which asks every member at every point: what speed is measured against."""
        count = points.shape[0] * points.shape[1]
        member = torch.arange(ANCHORS, device=points.device).repeat_interleave(count)
        flat = torch.arange(count, device=points.device).repeat(ANCHORS)
        return self._blended(anatomy, biases, points, self.windows(anatomy.anchors, points), member, flat)

    def _blended(
        self,
        anatomy: Anatomy,
        biases: tuple[Float[Tensor, "identity 39 width"], Float[Tensor, "identity globalwidth"]],
        points: Float[Tensor, "identity point 3"],
        windows: Float[Tensor, "identity point 39"],
        member: Int[Tensor, " pair"],
        flat: Int[Tensor, " pair"],
    ) -> Float[Tensor, "identity point"]:
        """Members at their own points, blended; pairs of member and point come sorted by member."""
        eyes = eye_features(points, anatomy, self.config.eye_sharpness)
        total = GLOBAL_SHARE * self._global(biases[1], points, eyes)
        shares = windows.flatten(0, 1)[flat, member]
        local = self._local(anatomy, biases[0], points, eyes, member, flat)
        total = total.flatten().index_add(0, flat, shares * local)
        return self._ball(points) + total.view(points.shape[:2]) / (GLOBAL_SHARE + windows.sum(-1))

    def _ball(self, points: Float[Tensor, "identity point 3"]) -> Float[Tensor, "identity point"]:
        centre = torch.tensor(self.config.ball_centre, device=points.device)
        return ((points - centre).square().sum(-1) + 1e-8).sqrt() - self.config.ball_radius

    def _global(
        self,
        bias: Float[Tensor, "identity width"],
        points: Float[Tensor, "identity point 3"],
        eyes: Float[Tensor, "identity point eye"],
    ) -> Float[Tensor, "identity point"]:
        inputs = torch.cat([waves(points, self.config.wavelengths), eyes], -1)
        first = inputs @ self.whole.first[0] + bias[:, None]
        return self.whole.tail(0, first.flatten(0, 1)).view(points.shape[:2])

    def _local(
        self,
        anatomy: Anatomy,
        bias: Float[Tensor, "identity 39 width"],
        points: Float[Tensor, "identity point 3"],
        eyes: Float[Tensor, "identity point eye"],
        member: Int[Tensor, " pair"],
        flat: Int[Tensor, " pair"],
    ) -> Float[Tensor, " pair"]:
        """Local members at their own points; pairs come sorted by member."""
        row = flat // points.shape[1] * ANCHORS + member
        flip = _flips(points.device)[member]
        relative = points.flatten(0, 1)[flat] - anatomy.anchors.flatten(0, 1)[row]
        relative = torch.cat([torch.where(flip[:, None], -relative[:, :1], relative[:, :1]), relative[:, 1:]], 1)
        eyes = swap_eyes(eyes.flatten(0, 1)[flat], flip)
        inputs = torch.cat([waves(relative, self.config.wavelengths), eyes], -1)
        counts = torch.bincount(member, minlength=ANCHORS)
        sizes = [*counts[: 2 * PAIRS].view(PAIRS, 2).sum(1).tolist(), *counts[2 * PAIRS :].tolist()]
        offsets = bias.flatten(0, 1)[row]
        chunks = zip(inputs.split(sizes), offsets.split(sizes), strict=True)
        values = [self.local.tail(k, chunk @ self.local.first[k] + offset) for k, (chunk, offset) in enumerate(chunks)]
        return torch.cat(values)


def _flips(device: torch.device) -> Bool[Tensor, "39"]:
    return torch.tensor([mirrored(anchor) for anchor in range(ANCHORS)], device=device)


def _squared_distances(
    points: Float[Tensor, "identity point 3"], anchors: Float[Tensor, "identity anchor 3"]
) -> Float[Tensor, "identity point anchor"]:
    """Squared distances by components: exact near zero, where the expanded square cancels."""
    total = (points[..., 0, None] - anchors[:, None, :, 0]) ** 2
    for axis in (1, 2):
        total = total + (points[..., axis, None] - anchors[:, None, :, axis]) ** 2
    return total


def _init(sets: int, inputs: int, outputs: int) -> Float[Tensor, "sets inputs outputs"]:
    """Variance-preserving for SiLU, whose second moment is about 0.36 of its input's."""
    return torch.randn(sets, inputs, outputs) * (1.6 / inputs**0.5)
