"""Which points of a head lie on or about the lids: thin, small, and looked at, so that they count more."""

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import Anatomy
from facetalk.mesh.aperture import CORNEA
from facetalk.types import Region

LID_REACH = 1.5
"""Skin this near to the centre of an eyeball, in its radii, is taken for a lid."""
CLOSED_LOW, CLOSED_HIGH = (-0.45, -0.8, 0.05), (0.45, 0.6, 0.3)
"""Range of yaw, pitch (radians) and distance from the cornea (mm) of what closed lids are to cover: the source leaves
a groove of up to half a millimetre where they meet; here it is filled."""
STILL_LOW, STILL_HIGH = (-0.8, -0.7, -0.3), (0.8, 0.8, 2.5)
"""The same of where lids are looked for as the jaw moves."""
IN_BALL = 0.97
"""What is nearer to the centre than this lies well inside the eyeball, where nothing is looked at."""


def from_eyes(anatomy: Anatomy, points: Float[Tensor, "row point 3"]) -> Float[Tensor, "row point"]:
    """Distance to the centre of the nearer eyeball, in its radii."""
    distance = (points[:, :, None] - anatomy.eyes[:, None]).norm(dim=-1) / anatomy.eye_radius[:, None]
    return distance.min(-1).values


def under_closed_lids(anatomy: Anatomy, count: int, generator: torch.Generator) -> Float[Tensor, "row point 3"]:
    """Points close before both corneas that the lids of a closed eye hold, `count` for each eye."""
    return _before_corneas(anatomy, count, (CLOSED_LOW, CLOSED_HIGH), generator)


def where_lids_are(anatomy: Anatomy, count: int, generator: torch.Generator) -> Float[Tensor, "row point 3"]:
    """Points before both corneas, as far as lids are thick, `count` for each eye."""
    return _before_corneas(anatomy, count, (STILL_LOW, STILL_HIGH), generator)


def _before_corneas(
    anatomy: Anatomy, count: int, limits: tuple[tuple[float, ...], tuple[float, ...]], generator: torch.Generator
) -> Float[Tensor, "row point 3"]:
    rows = len(anatomy.eye_radius)
    draw = torch.rand(rows, 2, count, 3, generator=generator)
    low, high = map(torch.tensor, limits)
    yaw, pitch, depth = (low + draw * (high - low)).unbind(-1)
    way = torch.stack([yaw.sin() * pitch.cos(), pitch.sin(), yaw.cos() * pitch.cos()], -1)
    distance = anatomy.eye_radius[:, :, None] * CORNEA + depth / UNIT_MM
    return (anatomy.eyes[:, :, None] + distance[..., None] * way).flatten(1, 2)


def on_lids(
    anatomy: Anatomy, surface: Float[Tensor, "row point 3"], region: UInt8[Tensor, "row point"]
) -> Bool[Tensor, "row point"]:
    """Which surface points lie on the lids."""
    return (region == Region.SKIN) & (from_eyes(anatomy, surface) < LID_REACH)


def about_eyes(anatomy: Anatomy, points: Float[Tensor, "row point 3"]) -> Bool[Tensor, "row point"]:
    """Which points lie where lids are, or could be."""
    out = from_eyes(anatomy, points)
    return (out > IN_BALL) & (out < LID_REACH)
