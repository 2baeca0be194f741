"""Facial smoothing: expressions fade out away from mouth and eyes, in space and not in time (paper section 5).

The paper multiplies the deformation by one Gaussian about the mouth, min-max normalised. Here several Gaussians are
joined, since one cannot keep blinks and still the throat, and what fades is the difference from rest, since the
canonical mouth is open. Each Gaussian has a flat top, exp(-(d^2 / 2)^2): lids that lose a tenth of their way
do not close. x_can = x + d(x, rest) + w(x) (d(x, code) - d(x, rest)), and the same for the level.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.geometry import PAPER_BOX, UNIT_MM, Box
from facetalk.head.model import Deform, Deformation, Smoothing

UNREACHED = 0.04
"""Shares of an expression up to this, of its whole, count as none: ears and the back of the head stand still."""
EDGE = 0.35
"""Flesh that comes to lie where less of an expression is left keeps its own share less and less: to none at the rim."""
WHOLE = 0.98
"""From this share on nothing is missed."""
Weight = Callable[[Float[Tensor, "point 3"]], Float[Tensor, " point"]]


@dataclass(frozen=True)
class Lobe:
    """One flat-topped Gaussian of the weight."""

    landmark: str
    """Its centre."""
    sigma_mm: tuple[float, float, float]
    """Its spread along x, y and z."""


@dataclass(frozen=True)
class SmoothingShape:
    """Where expressions live on a face."""

    lobes: tuple[Lobe, ...]


FACE = SmoothingShape(
    (
        Lobe("mouth_centre", (50.0, 45.0, 40.0)),
        Lobe("chin", (45.0, 30.0, 28.0)),
        Lobe("eye_left", (34.0, 42.0, 42.0)),
        Lobe("eye_right", (34.0, 42.0, 42.0)),
    )
)
"""The default: keeps lips, jaw, lids and brows, stills throat, neck, ears and skull."""


def facial_weight(
    landmarks: Mapping[str, Float[Tensor, "3"]], shape: SmoothingShape = FACE, box: Box = PAPER_BOX
) -> Weight:
    """w(x) in 0..1: the joined Gaussians, min-max normalised over the box and not over the points asked.

    Nothing moves where they would leave less than `UNREACHED` of an expression.
    """
    centres = torch.stack([landmarks[lobe.landmark] for lobe in shape.lobes])
    sigma = centres.new_tensor([lobe.sigma_mm for lobe in shape.lobes]) / UNIT_MM

    def joined(points: Float[Tensor, "point 3"]) -> Float[Tensor, " point"]:
        x, y, z = (points.T[:, None] - centres.T[:, :, None]) / sigma.T[:, :, None]  # each a row for every lobe
        squared = x * x + y * y + z * z
        return 1 - (1 - (-((squared / 2) ** 2)).exp()).prod(0)

    corners = list(product(*zip(box.lower, box.upper, strict=True)))
    lowest, highest = joined(centres.new_tensor(corners)).min(), joined(centres).max()
    lowest = torch.lerp(lowest, highest, UNREACHED)
    return lambda points: ((joined(points) - lowest) / (highest - lowest)).clamp(0, 1)


def smoothed(weight: Weight) -> Smoothing:
    """The wrapper for `Head.posed`: a deformation at rest and one at a code become the weighted one.

    Flesh takes its share along: a chin that drops wide is the chin still, where at rest there is throat.
    """

    def wrap(at_rest: Deform, wanted: Deform) -> Deform:
        def deform(points: Float[Tensor, "point 3"]) -> Deformation:
            share, still = weight(points), at_rest(points)
            reached = (share > 0).nonzero()[:, 0]
            offsets, level, share = still.offsets.clone(), still.level.clone(), share[reached]
            moved = wanted(points[reached])
            faded = (share < WHOLE).nonzero()[:, 0]
            left = share[faded]
            flesh = weight(points[reached[faded]] + moved.offsets[faded] - offsets[reached[faded]])
            share[faded] = torch.maximum(left, flesh * (left / EDGE).clamp(max=1))
            offsets[reached] = torch.lerp(offsets[reached], moved.offsets, share[:, None])
            level[reached] = torch.lerp(level[reached], moved.level, share)
            return Deformation(offsets, level)

        return deform

    return wrap
