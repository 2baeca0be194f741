"""A vector field over a head that follows a condition: a broad network plus finer ones in windows at mouth and eyes.

The deformation and the regions are such fields. The condition (identity, expression) is constant over points: it
sets every layer's bias and the output layer, so for one frame it folds into constants and points meet only
small matrices. Detail is bought where it is needed: far from mouth and eyes only the broad network runs.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import silu

from facetalk.head.anatomy import Anatomy
from facetalk.head.features import shells, wave_count, waves

CENTRES: tuple[str, ...] = ("mouth_centre", "eye_left", "eye_right")
"""Landmarks that may have a window of their own."""
EYES = ("eye_left", "eye_right")
"""Centres of windows that lie in an eyeball, in the order of `Anatomy.eye_radius`."""


@dataclass(frozen=True)
class NetworkSize:
    """One network of a field."""

    width: int
    depth: int
    wavelengths: tuple[float, ...]
    """Wavelengths of the sine and cosine inputs, in units."""


@dataclass(frozen=True)
class FieldConfig:
    """Sizes of a field."""

    outputs: int
    """Channels in the windows; the broad network fills only the first `broad_outputs`."""
    broad_outputs: int
    condition: int
    """Dimensions of the condition."""
    output_scale: float
    """Typical size of the output."""
    broad: NetworkSize = NetworkSize(128, 3, (0.8, 0.4, 0.2))
    mouth: NetworkSize | None = NetworkSize(96, 3, (0.24, 0.12, 0.06))
    eye: NetworkSize | None = NetworkSize(64, 3, (0.16, 0.08, 0.04))
    """The finer networks; None leaves them out."""
    mouth_radius: float = 0.26
    eye_radius: float = 0.2
    eye_sharpness: tuple[float, ...] = (4.0, 16.0)
    """How sharply the networks at the eyes are told a point's distance from their eyeball."""
    trunk: int = 128
    """Units of the layer between condition and constants."""


@dataclass(frozen=True)
class Folded:
    """Constants of one network for each frame."""

    biases: tuple[Float[Tensor, "frame width"], ...]
    output: Float[Tensor, "frame width channel"]
    output_bias: Float[Tensor, "frame channel"]


@dataclass(frozen=True)
class FoldedSlopes:
    """Slopes of `Folded` along some ways."""

    biases: tuple[Float[Tensor, "frame way width"], ...]
    output: Float[Tensor, "frame way width channel"]
    output_bias: Float[Tensor, "frame way channel"]


class ConditionedNetwork(nn.Module):
    """A multilayer perceptron whose biases and output layer follow a condition."""

    def __init__(self, size: NetworkSize, extra: int, condition: int, outputs: int, trunk: int) -> None:
        """`extra` numbers a point are given besides its waves."""
        super().__init__()
        self.size, self.outputs = size, outputs
        inputs = wave_count(size.wavelengths) + extra
        self.weights = nn.ParameterList(
            [nn.Parameter(_init(inputs if layer == 0 else size.width, size.width)) for layer in range(size.depth)]
        )
        self.bias = nn.Parameter(0.3 * torch.randn(size.depth, size.width))
        self.output = nn.Parameter(0.1 * torch.randn(size.width, outputs) / size.width**0.5)
        constants = size.depth * size.width + (size.width + 1) * outputs
        self.linear = nn.Linear(condition, constants, bias=False)
        last = nn.Linear(trunk, constants)
        self.trunk = nn.Sequential(nn.Linear(condition, trunk), nn.SiLU(), last)
        nn.init.normal_(self.linear.weight, std=0.3 / condition**0.5)
        nn.init.normal_(last.weight, std=0.1 / trunk**0.5)
        nn.init.zeros_(last.bias)

    def fold(self, condition: Float[Tensor, "frame condition"]) -> Folded:
        """What the network is for each condition."""
        constants = self.linear(condition) + self.trunk(condition)
        width, depth = self.size.width, self.size.depth
        biases, output, output_bias = constants.split([depth * width, width * self.outputs, self.outputs], -1)
        biases = (biases.unflatten(-1, (depth, width)) + self.bias).unbind(1)
        output = (output.unflatten(-1, (width, self.outputs))) / width**0.5 + self.output
        return Folded(tuple(biases), output, output_bias)

    def fold_slopes(
        self, condition: Float[Tensor, "frame condition"], ways: Float[Tensor, "way condition"]
    ) -> "FoldedSlopes":
        """How `fold` changes as conditions move along `ways`."""
        enter, _, leave = self.trunk
        assert isinstance(enter, nn.Linear) and isinstance(leave, nn.Linear)
        gate = torch.sigmoid(enter(condition))
        bent = gate * (1 + enter(condition) * (1 - gate))  # silu'
        constants = ways @ self.linear.weight.T + (bent[:, None] * (ways @ enter.weight.T)) @ leave.weight.T
        width, depth = self.size.width, self.size.depth
        biases, output, output_bias = constants.split([depth * width, width * self.outputs, self.outputs], -1)
        output = output.unflatten(-1, (width, self.outputs)) / width**0.5
        return FoldedSlopes(tuple(biases.unflatten(-1, (depth, width)).unbind(2)), output, output_bias)

    def forward(
        self, folded: Folded, points: Float[Tensor, "frame point 3"], extra: Float[Tensor, "frame point extra"]
    ) -> Float[Tensor, "frame point channel"]:
        """The field at points given relative to the network's centre."""
        hidden = torch.cat([waves(points, self.size.wavelengths), extra], -1)
        for weight, bias in zip(self.weights, folded.biases, strict=True):
            hidden = activated(affine(hidden, weight, bias))
        return torch.baddbmm(folded.output_bias[:, None], hidden, folded.output)


def activated(hidden: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
    """SiLU; where no gradient will ask for what it was given, in its place, which a core's cache thanks."""
    return silu(hidden, inplace=not torch.is_grad_enabled())


def affine(
    hidden: Float[Tensor, "frame point in"], weight: Float[Tensor, "in out"], bias: Float[Tensor, "frame out"]
) -> Float[Tensor, "frame point out"]:
    """A linear layer whose bias follows the frame; in one pass where there is a single frame."""
    if len(bias) == 1:
        return torch.addmm(bias[0], hidden[0], weight)[None]
    return hidden @ weight + bias[:, None]


class Field(nn.Module):
    """Sum of the broad network and, inside their windows, the fine ones."""

    def __init__(self, config: FieldConfig) -> None:
        super().__init__()
        self.config = config
        sharp = config.eye_sharpness
        sizes, all_radii = (config.mouth, config.eye, config.eye), (config.mouth_radius, *2 * (config.eye_radius,))
        windows = zip(sizes, CENTRES, all_radii, ((), sharp, sharp), strict=True)
        windows = [(size, window) for size, *window in windows if size is not None]
        self.windows = [window for _, window in windows]
        """Centre, radius and sharpness of each fine network."""
        self.radii = tuple(radius for _, radius, _ in self.windows)
        self.broad = ConditionedNetwork(config.broad, 0, config.condition, config.broad_outputs, config.trunk)
        self.fine = nn.ModuleList(
            [
                ConditionedNetwork(size, len(sharpness), config.condition, config.outputs, config.trunk)
                for size, (_, _, sharpness) in windows
            ]
        )

    def fold(self, condition: Float[Tensor, "frame condition"]) -> list[Folded]:
        """Constants of the broad network and of each fine one."""
        return [network.fold(condition) for network in [self.broad, *self.fine]]

    def forward(
        self, folded: list[Folded], anatomy: Anatomy, points: Float[Tensor, "frame point 3"]
    ) -> Float[Tensor, "frame point channel"]:
        """The field for each frame; `anatomy` has one row for each frame or a single one."""
        total = self.broad(folded[0], points, points[..., :0])
        total = torch.nn.functional.pad(total, (0, self.config.outputs - self.config.broad_outputs))
        for network, constants, (name, radius, sharpness) in zip(self.fine, folded[1:], self.windows, strict=True):
            relative = points - anatomy.landmark(name)[:, None]
            x, y, z = relative.unbind(-1)
            share = (1 - (x * x + y * y + z * z) / radius**2).clamp_min(0) ** 3
            chosen = _inside(share)
            if chosen.shape[1] == 0:
                continue
            relative = _rows(relative, chosen)
            value = network(constants, relative, eyeball(anatomy, name, relative, sharpness))
            total = _added(total, chosen, value * share.gather(1, chosen)[..., None])
        return self.config.output_scale * total


def eyeball(
    anatomy: Anatomy, name: str, relative: Float[Tensor, "frame point 3"], sharpness: tuple[float, ...]
) -> Float[Tensor, "frame point sharpness"]:
    """Shells of the eyeball that a window lies about; nothing for the mouth."""
    if not sharpness:
        return relative[..., :0]
    distance = (relative.square().sum(-1) + 1e-8).sqrt()
    return shells(distance, anatomy.eye_radius[:, EYES.index(name), None], sharpness)


def _inside(share: Float[Tensor, "frame point"]) -> Int[Tensor, "frame chosen"]:
    """For each frame the points inside the window, padded to equal counts with points outside."""
    count = int((share > 0).sum(1).max()) if share.numel() else 0
    if share.shape[0] == 1:
        return share.nonzero()[:, 1][None]
    return share.topk(count, 1, sorted=False).indices


def _rows(values: Float[Tensor, "frame point channel"], chosen: Int[Tensor, "frame chosen"]) -> Tensor:
    """Chosen points of each frame; whole rows are copied where there is a single frame."""
    if len(chosen) == 1:
        return values[0].index_select(0, chosen[0])[None]
    return values.gather(1, chosen[..., None].expand(-1, -1, values.shape[-1]))


def _added(
    total: Float[Tensor, "frame point channel"], chosen: Int[Tensor, "frame chosen"],
    value: Float[Tensor, "frame chosen channel"],
) -> Tensor:  # fmt: skip
    """`total` with `value` added to the chosen points of each frame."""
    if len(chosen) == 1:
        return total[0].index_add(0, chosen[0], value[0])[None]
    return total.scatter_add(1, chosen[..., None].expand_as(value), value)


def _init(inputs: int, outputs: int) -> Float[Tensor, "inputs outputs"]:
    return torch.randn(inputs, outputs) * (1.6 / inputs**0.5)
