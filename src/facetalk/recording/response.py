"""How a head's signed distance at points answers to rig weights: distances with their exact slopes, points by points.

The deformation meets an expression only through the constants it folds into its networks (`head.field`). One backward
pass gives the slope of every point's distance by its layers' sums; times the slope of the constants by the weights it
is the whole Jacobian, for about the price of one step of gradient descent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad, silu

from facetalk.arkit import ARKIT_NAMES
from facetalk.head.features import waves
from facetalk.head.field import CENTRES, ConditionedNetwork, Folded, FoldedSlopes, eyeball
from facetalk.head.model import Head

ROWS = 6000
"""Points evaluated together: they and their layers fit a core's cache."""
Surface = Callable[[Float[Tensor, "point 3"]], tuple[Float[Tensor, " point"], Float[Tensor, "point 3"]]]
"""Distance of a canonical surface, in units, and its slope."""


@dataclass(frozen=True)
class Response:
    """Signed distances, in units, and how they change."""

    distance: Float[Tensor, "frame point"]
    by_place: Float[Tensor, "frame point 3"]
    by_weight: Float[Tensor, "frame point 52"]


@dataclass(frozen=True)
class _Network:
    """One network of the deformation with its constants for every frame."""

    network: ConditionedNetwork
    folded: Folded
    slopes: FoldedSlopes
    window: tuple[str, float, tuple[float, ...]] | None
    """Centre, radius and sharpness; None for the broad one."""


@dataclass(frozen=True)
class _Trace:
    """What one network made of some points."""

    layers: tuple[Float[Tensor, "point width"], ...]
    """Sums before each activation."""
    last: Float[Tensor, "point width"]
    value: Float[Tensor, "point channel"]
    share: Float[Tensor, "point 1"]
    """What it counts."""


class Responder:
    """One identity of a head, asked for many frames at once."""

    def __init__(self, head: Head, z_id: Float[Tensor, " identity"], surface: Surface | None = None) -> None:
        """`surface` is the canonical one of the identity where something cheaper is known than the head's own."""
        self.head = head
        with torch.no_grad():
            self.state = head.identify(z_id)
            self.anatomy = self.state.anatomy
            # Codes follow weights by a fixed linear map, and conditions follow codes by another.
            ends = self._condition(torch.cat([torch.zeros(1, 52), torch.eye(52)]))
            self.ways = ends[1:] - ends[0]
        self.surface = surface or self.exact

    def exact(self, points: Float[Tensor, "point 3"]) -> tuple[Float[Tensor, " point"], Float[Tensor, "point 3"]]:
        """The head's own canonical surface."""
        with torch.enable_grad():
            places = points.detach().requires_grad_(True)
            distance = self.head.canonical(self.state, places)
            return distance.detach(), torch.autograd.grad(distance.sum(), places)[0]

    def distances(
        self, weights: Float[Tensor, "frame 52"], points: Float[Tensor, "frame point 3"]
    ) -> Float[Tensor, "frame point"]:
        """Distances alone."""
        head = self.head
        with torch.no_grad():
            folded = head.deformation.fold(self._condition(weights))
            field = head.deformation(folded, self.anatomy, points)
            distance, _ = self.surface((points + field[..., :3]).flatten(0, 1))
            return distance.view(points.shape[:2]) + field[..., 3]

    def __call__(self, weights: Float[Tensor, "frame 52"], points: Float[Tensor, "frame point 3"]) -> Response:
        """Distances of each frame's points from the head in that frame's expression, and their slopes."""
        frames, count = points.shape[:2]
        flat = points.flatten(0, 1)
        frame = torch.arange(frames).repeat_interleave(count)
        networks = self._networks(weights)
        distance, by_place = torch.empty(len(flat)), torch.empty(len(flat), 3)
        by_weight = torch.empty(len(flat), len(ARKIT_NAMES))
        for rows, windows in self._groups(flat):
            used = [networks[number] for number in (0, *(1 + window for window in windows))]
            distance[rows], by_place[rows], by_weight[rows] = self._ask(flat[rows], frame[rows], used)
        shape = (frames, count)
        return Response(distance.view(shape), by_place.view(*shape, 3), by_weight.view(*shape, -1))

    def _condition(self, weights: Float[Tensor, "frame 52"]) -> Float[Tensor, "frame condition"]:
        return self.head.condition(self.anatomy, self.state.z_id[None], self.head.rig(weights))

    def _networks(self, weights: Float[Tensor, "frame 52"]) -> list[_Network]:
        field = self.head.deformation
        with torch.no_grad():
            condition = self._condition(weights)
            windows = [None, *map(tuple, field.windows)]
            all_of_them = zip([field.broad, *field.fine], field.fold(condition), windows, strict=True)
            return [_Network(net, folded, net.fold_slopes(condition, self.ways), w) for net, folded, w in all_of_them]

    def _groups(self, points: Float[Tensor, "point 3"]) -> Iterator[tuple[Int[Tensor, " some"], list[int]]]:
        """Points that lie in the same windows of the deformation, so that fine networks run only where they count."""
        radii = self.head.deformation.radii
        inside = [
            (points - self.anatomy.landmark(name)).square().sum(1) < radius**2
            for name, radius in zip(CENTRES, radii, strict=True)
        ]
        kind = reduce(torch.add, (mask.long() << bit for bit, mask in enumerate(inside)))
        for number in kind.unique().tolist():
            windows = [bit for bit in range(len(inside)) if number >> bit & 1]
            for rows in (kind == number).nonzero()[:, 0].split(ROWS):
                yield rows, windows

    def _ask(
        self, points: Float[Tensor, "point 3"], frame: Int[Tensor, " point"], used: Sequence[_Network]
    ) -> tuple[Float[Tensor, " point"], Float[Tensor, "point 3"], Float[Tensor, "point 52"]]:
        """Distances and their slopes by place and by weight; points come sorted by frame."""
        places = points.clone().requires_grad_(True)
        counts = torch.bincount(frame, minlength=len(used[0].folded.output)).tolist()
        traces = [self._trace(network, places, frame, counts) for network in used]
        channels = self.head.deformation.config.outputs
        total = sum(pad(trace.share * trace.value, (0, channels - trace.value.shape[1])) for trace in traces)
        field = self.head.deformation.config.output_scale * total
        distance, slope = self.surface((places + field[:, :3]).detach())
        pull = torch.cat([slope, torch.ones(len(points), 1)], 1)
        layers = [layer for trace in traces for layer in trace.layers]
        by_place, *by_layer = torch.autograd.grad((field * pull).sum(), [places, *layers])
        by_weight = torch.zeros(len(points), len(self.ways))
        with torch.no_grad():
            pull = self.head.deformation.config.output_scale * pull
            for network, trace in zip(used, traces, strict=True):
                mine, by_layer = by_layer[: len(trace.layers)], by_layer[len(trace.layers) :]
                by_weight += _chained(network.slopes, trace, mine, pull[:, : trace.value.shape[1]], counts)
            return distance + field[:, 3], slope + by_place, by_weight

    def _trace(
        self, one: _Network, points: Float[Tensor, "point 3"], frame: Int[Tensor, " point"], counts: list[int]
    ) -> _Trace:
        """A network at its points, as `Field.forward` asks it, its layers kept."""
        extra, share = points[:, :0], torch.ones(len(points), 1)
        if one.window is not None:
            name, radius, sharpness = one.window
            points = points - self.anatomy.landmark(name)
            share = (1 - points.square().sum(-1, keepdim=True) / radius**2).clamp_min(0) ** 3
            extra = eyeball(self.anatomy, name, points[None], sharpness)[0]
        hidden, layers = torch.cat([waves(points, one.network.size.wavelengths), extra], -1), []
        for weight, bias in zip(one.network.weights, one.folded.biases, strict=True):
            layers.append(hidden @ weight.detach() + bias[frame])
            hidden = silu(layers[-1])
        parts = zip(hidden.split(counts), one.folded.output, one.folded.output_bias, strict=True)
        value = torch.cat([torch.addmm(bias, part, output) for part, output, bias in parts])
        return _Trace(tuple(layers), hidden, value, share)


def _chained(
    slopes: FoldedSlopes, trace: _Trace, by_layer: Sequence[Float[Tensor, "point width"]],
    pull: Float[Tensor, "point channel"], counts: list[int],
) -> Float[Tensor, "point 52"]:  # fmt: skip
    """Slopes by the weights: through the layers' biases and through the output layer."""
    pull = trace.share * pull
    found = []
    for frame, rows in enumerate(torch.arange(len(pull)).split(counts)):
        here = slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 0)
        part = pull[here] @ slopes.output_bias[frame].T
        for layer, ways in zip(by_layer, slopes.biases, strict=True):
            part.addmm_(layer[here], ways[frame].T)
        for channel in range(pull.shape[1]):
            part += pull[here, channel, None] * (trace.last[here] @ slopes.output[frame, ..., channel].T)
        found.append(part)
    return torch.cat(found)
