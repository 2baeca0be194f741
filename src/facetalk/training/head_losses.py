"""What a head is asked for, one small function a term. Lengths in units; every term is of order one.

Distances are exact (winding numbers), so most terms are plain absolute errors, measured as shares of
`NEAR`: a millimetre matters at the surface and little far away.
"""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn.functional import cross_entropy, smooth_l1_loss

from facetalk.geometry import UNIT_MM
from facetalk.types import Region

NEAR = 1.0 / UNIT_MM
"""Errors at the surface are counted in millimetres."""

BAND = 4.0 / UNIT_MM
"""Errors in space are counted as shares of the distance, but of no less than this."""

FLESH = 0.15 / UNIT_MM
"""How deep flesh has to be where lids must cover."""

AIR = 1.5 / UNIT_MM
"""How far the surface has to be where a mouth must be free."""

WRONG_SIDE = 6.0
"""What an error counts more where it turns flesh into air or air into flesh: lips and lids seal by the sign."""

REGION_WEIGHT: dict[Region, float] = {
    Region.LIPS: 3.0,
    Region.SCLERA: 2.0,
    Region.IRIS: 2.0,
    Region.PUPIL: 2.0,
    Region.TEETH: 2.0,
}
"""Small parts that are looked at count more; every other region counts 1."""


def region_weights(region: UInt8[Tensor, "*row point"]) -> Float[Tensor, "*row point"]:
    """Weight of each surface point."""
    table = torch.tensor([REGION_WEIGHT.get(region, 1.0) for region in Region])
    return table[region.long()]


def field_error(
    predicted: Float[Tensor, "row point"], exact: Float[Tensor, "row point"], weight: Float[Tensor, "row point"]
) -> Float[Tensor, ""]:
    """Mean |f - s| as a share of |s| + BAND."""
    return (weight * (predicted - exact).abs() / (exact.abs() + BAND)).mean()


def surface_error(predicted: Float[Tensor, "row point"], weight: Float[Tensor, "row point"]) -> Float[Tensor, ""]:
    """Mean |f| on the surface, in millimetres."""
    return (weight * predicted.abs()).mean() / NEAR


def slope_error(
    at_surface: Float[Tensor, "row point"],
    beside: Float[Tensor, "row point"],
    step: Float[Tensor, "row point 3"],
    normal: Float[Tensor, "row point 3"],
    weight: Float[Tensor, "row point"],
) -> Float[Tensor, ""]:
    """Gradient against the normal by differences: f(p + v) - f(p) = v.n for short v in every direction."""
    wanted = (step * normal).sum(-1)
    return (weight * (beside - at_surface - wanted).abs()).mean() / NEAR


def anatomy_error(predicted: Float[Tensor, "row number"], exact: Float[Tensor, "row number"]) -> Float[Tensor, ""]:
    """Anchors, landmarks and eyeballs, in standard deviations."""
    return smooth_l1_loss(predicted, exact, beta=0.1)


def region_error(logits: Float[Tensor, "row point region"], region: UInt8[Tensor, "row point"]) -> Float[Tensor, ""]:
    """Cross-entropy of the region field."""
    return cross_entropy(logits.flatten(0, 1), region.flatten().long())


def correspondence_error(
    carried: Float[Tensor, "row point 3"], target: Float[Tensor, "row point 3"], weight: Float[Tensor, "row point"]
) -> Float[Tensor, ""]:
    """Distance between where a point is carried and where it belongs, in millimetres."""
    return (weight * ((carried - target).square().sum(-1) + 1e-9).sqrt()).mean() / NEAR


def posed_error(
    predicted: Float[Tensor, "row point"], exact: Float[Tensor, "row point"], weight: Float[Tensor, "row point"]
) -> Float[Tensor, ""]:
    """The posed field as it will be queried: canonical distance at the carried point plus level."""
    side = torch.where(predicted.detach() * exact < 0, WRONG_SIDE, 1.0)
    return (side * weight * (predicted - exact).abs() / (exact.abs() + NEAR)).mean()


def air_error(predicted: Float[Tensor, "row point"]) -> Float[Tensor, ""]:
    """Mean excess of distances over -`FLESH` where there is flesh, in millimetres."""
    return (predicted + FLESH).clamp_min(0).mean() / NEAR


def flesh_error(predicted: Float[Tensor, "row point"]) -> Float[Tensor, ""]:
    """Mean lack of distances under `AIR` where there is air, in millimetres."""
    return (AIR - predicted).clamp_min(0).mean() / NEAR


def magnitude(values: Float[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """Mean absolute value, in millimetres."""
    return values.abs().mean() / NEAR


def squared_norm(codes: Float[Tensor, "row code"]) -> Float[Tensor, ""]:
    """Mean squared norm of codes."""
    return codes.square().sum(-1).mean()
