"""How a head's signed distance at points answers to rig weights: distances with their exact slopes, points by points.

The deformation meets an expression only through the constants it folds into its networks (`head.field`). One backward
pass gives the slope of every point's distance by its own copy of these constants; times the slope of the constants by
the weights it is the whole Jacobian, for about the price of one step of gradient descent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from jaxtyping import Float, Int
from torch import Tensor

from facetalk.arkit import ARKIT_NAMES
from facetalk.head.field import CENTRES, Folded
from facetalk.head.model import Head

STEP = 0.02
"""Of the central differences by which constants follow weights."""
ROWS = 6000
"""Points evaluated together: each has its own constants, some kilobytes."""


@dataclass(frozen=True)
class Response:
    """Signed distances, in units, and how they change."""

    distance: Float[Tensor, "frame point"]
    by_place: Float[Tensor, "frame point 3"]
    by_weight: Float[Tensor, "frame point 52"]


class Responder:
    """One identity of a head, asked for many frames at once."""

    def __init__(self, head: Head, z_id: Float[Tensor, " identity"]) -> None:
        self.head = head
        with torch.no_grad():
            self.anatomy = head.anatomies(z_id[None])
            self.biases = head.fold(z_id[None])

    def distances(
        self, weights: Float[Tensor, "frame 52"], points: Float[Tensor, "frame point 3"]
    ) -> Float[Tensor, "frame point"]:
        """Distances alone."""
        head = self.head
        with torch.no_grad():
            folded = head.deformation.fold(head.condition(self.anatomy, head.rig(weights)))
            field = head.deformation(folded, self.anatomy, points)
            canonical = (points + field[..., :3]).flatten(0, 1)[None]
            return head.ensemble(self.anatomy, self.biases, canonical).view(points.shape[:2]) + field[..., 3]

    def __call__(self, weights: Float[Tensor, "frame 52"], points: Float[Tensor, "frame point 3"]) -> Response:
        """Distances of each frame's points from the head in that frame's expression, and their slopes."""
        frames, count = points.shape[:2]
        flat = points.flatten(0, 1)
        frame = torch.arange(frames).repeat_interleave(count)
        folded, slopes = self._constants(weights)
        distance, by_place = torch.empty(len(flat)), torch.empty(len(flat), 3)
        by_weight = torch.empty(len(flat), len(ARKIT_NAMES))
        for rows, windows in self._groups(flat):
            used = [0, *(1 + window for window in windows)]
            found = self._ask(flat[rows], frame[rows], folded, used)
            distance[rows], by_place[rows] = found[0], found[1]
            by_weight[rows] = _chained(found[2], [slopes[number] for number in used], frame[rows])
        shape = (frames, count)
        return Response(distance.view(shape), by_place.view(*shape, 3), by_weight.view(*shape, -1))

    def _constants(self, weights: Float[Tensor, "frame 52"]) -> tuple[list[Folded], list[Float[Tensor, "frame 52 _"]]]:
        """Constants of every network for every frame, and their slopes by the weights."""
        head, count = self.head, len(ARKIT_NAMES)
        nudged = weights[:, None] + STEP * torch.cat([torch.eye(count), -torch.eye(count)])
        with torch.no_grad():
            folded = head.deformation.fold(head.condition(self.anatomy, head.rig(weights)))
            around = head.deformation.fold(head.condition(self.anatomy, head.rig(nudged.flatten(0, 1))))
            rows = [_flat(network).unflatten(0, (len(weights), 2, count)) for network in around]
        return folded, [(row[:, 0] - row[:, 1]) / (2 * STEP) for row in rows]

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
        self, points: Float[Tensor, "point 3"], frame: Int[Tensor, " point"], folded: Sequence[Folded], used: list[int]
    ) -> tuple[Tensor, Tensor, list[Float[Tensor, "point _"]]]:
        """Distances, slopes by place, and slopes by each used network's constants of the point's own."""
        own = list(folded)
        for number in used:
            own[number] = _copied(folded[number], frame)
        places = points.clone().requires_grad_(True)
        field = self.head.deformation(own, self.anatomy, places[:, None])[:, 0]
        canonical = (places + field[:, :3])[None]
        distance = self.head.ensemble(self.anatomy, self.biases, canonical)[0] + field[:, 3]
        leaves = [leaf for number in used for leaf in _leaves(own[number])]
        by_place, *slopes = torch.autograd.grad(distance.sum(), [places, *leaves])
        each = len(leaves) // len(used)
        joined = [
            torch.cat([slope.flatten(1) for slope in slopes[first : first + each]], 1)
            for first in range(0, len(leaves), each)
        ]
        return distance.detach(), by_place, joined


def _leaves(folded: Folded) -> list[Tensor]:
    return [*folded.biases, folded.output, folded.output_bias]


def _flat(folded: Folded) -> Float[Tensor, "frame constant"]:
    return torch.cat([leaf.flatten(1) for leaf in _leaves(folded)], 1)


def _copied(folded: Folded, frame: Int[Tensor, " point"]) -> Folded:
    """Constants for every point, its frame's."""
    biases = tuple(bias[frame].requires_grad_(True) for bias in folded.biases)
    return Folded(biases, folded.output[frame].requires_grad_(True), folded.output_bias[frame].requires_grad_(True))


def _chained(
    by_constant: Sequence[Float[Tensor, "point _"]], slopes: Sequence[Float[Tensor, "frame 52 _"]],
    frame: Int[Tensor, " point"],
) -> Float[Tensor, "point 52"]:  # fmt: skip
    """Slopes by the weights; points come sorted by frame."""
    counts = torch.bincount(frame, minlength=len(slopes[0])).tolist()
    total = torch.zeros(len(frame), len(ARKIT_NAMES))
    for constant, slope in zip(by_constant, slopes, strict=True):
        parts = zip(constant.split(counts), slope, strict=True)
        total += torch.cat([part @ way.T for part, way in parts])
    return total
