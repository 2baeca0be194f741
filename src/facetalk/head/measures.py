"""What can be measured on a head: lengths that people have words for, in millimetres, for many identities at once.

Most are read from the anatomy that the head predicts; widths are cast onto its canonical surface from both sides.
Knows no picture and no file.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import Anatomy
from facetalk.head.model import Head

UPPER_LIDS, LOWER_LIDS, BROWS, MOUTH_CORNERS, NOSTRILS = (6, 7), (8, 9), (10, 11), (12, 13), (14, 15)
"""Anchors of the left and right side."""
NOSE_ROOT = 36
"""Anchor on the midline between the eyes."""
SIDE_START, SIDE_STEPS = 0.5, 20
"""Where rays start, in units from the middle, and how often they are moved on by the distance."""
CHEEKBONE, JAW = 0.45, 0.6
"""Share of the way from eye to ear, front to back, where the widths of face and jaw are taken."""
ABOVE_EARS = 42.0 / UNIT_MM
"""Height over the ears where the skull is measured: free of them."""

Lengths = Float[Tensor, " identity"]
Measure = Callable[[Anatomy], Lengths]


def _middle(anatomy: Anatomy, *numbers: int) -> Float[Tensor, "identity 3"]:
    return anatomy.anchors[:, list(numbers)].mean(1)


def _ears(anatomy: Anatomy) -> Float[Tensor, "identity 3"]:
    return (anatomy.landmark("ear_left") + anatomy.landmark("ear_right")) / 2


def _towards_ears(anatomy: Anatomy, share: float) -> Lengths:
    eyes = anatomy.eyes.mean(1)[:, 2]
    return eyes + share * (_ears(anatomy)[:, 2] - eyes)


def _cheekbones(anatomy: Anatomy) -> Float[Tensor, "identity 2"]:
    height = (anatomy.eyes.mean(1)[:, 1] + anatomy.landmark("nose_tip")[:, 1]) / 2
    return torch.stack([height, _towards_ears(anatomy, CHEEKBONE)], 1)


def _jaws(anatomy: Anatomy) -> Float[Tensor, "identity 2"]:
    return torch.stack([_middle(anatomy, *MOUTH_CORNERS)[:, 1], _towards_ears(anatomy, JAW)], 1)


def _temples(anatomy: Anatomy) -> Float[Tensor, "identity 2"]:
    ears = _ears(anatomy)
    return torch.stack([ears[:, 1] + ABOVE_EARS, ears[:, 2]], 1)


def _apart(first: str, second: str) -> Measure:
    return lambda anatomy: (anatomy.landmark(first) - anatomy.landmark(second)).norm(dim=1)


def _above(high: str, low: str) -> Measure:
    return lambda anatomy: anatomy.landmark(high)[:, 1] - anatomy.landmark(low)[:, 1]


def _before(front: str, back: str) -> Measure:
    return lambda anatomy: anatomy.landmark(front)[:, 2] - anatomy.landmark(back)[:, 2]


WIDTHS: dict[str, Callable[[Anatomy], Float[Tensor, "identity 2"]]] = {
    "face_width": _cheekbones,
    "jaw_width": _jaws,
    "head_width": _temples,
}
"""Name → height and depth where the surface's width is taken."""
LENGTHS: dict[str, Measure] = {
    "head_height": _above("crown", "chin"),
    "chin_height": _above("lip_lower", "chin"),
    "chin_depth": _before("chin", "lip_lower"),
    "nose_length": lambda at: (_middle(at, NOSE_ROOT) - at.landmark("subnasale")).norm(dim=1),
    "nose_width": lambda at: _middle(at, NOSTRILS[0])[:, 0] - _middle(at, NOSTRILS[1])[:, 0],
    "nose_depth": _before("nose_tip", "subnasale"),
    "mouth_width": _apart("mouth_corner_left", "mouth_corner_right"),
    "lip_fullness": _above("lip_upper", "lip_lower"),
    "eye_size": lambda at: _middle(at, *UPPER_LIDS)[:, 1] - _middle(at, *LOWER_LIDS)[:, 1],
    "eye_spacing": _apart("eye_left", "eye_right"),
    "brow_depth": lambda at: _middle(at, *BROWS)[:, 2] - at.eyes.mean(1)[:, 2],
}
"""Name → length in units: crown to chin; lower lip to chin, and how far the chin stands before it; root of the nose to
its base, nostril to nostril, tip before base; corners of the mouth; height of the red of both lips; opening between the
lids; between the eyeballs; brow before the eyeball's centre."""
MEASURES = (*WIDTHS, *LENGTHS)
"""Names in the order of `measured`."""


@torch.no_grad()
def measured(head: Head, z_id: Float[Tensor, "identity code"]) -> Float[Tensor, "identity measure"]:
    """All `MEASURES` of identity codes, in millimetres."""
    anatomy = head.anatomies(z_id)
    places = torch.stack([place(anatomy) for place in WIDTHS.values()], 1)
    lengths = torch.stack([length(anatomy) for length in LENGTHS.values()], 1)
    return UNIT_MM * torch.cat([_widths(head, z_id, anatomy, places), lengths], 1)


def _widths(
    head: Head, z_id: Float[Tensor, "identity code"], anatomy: Anatomy, places: Float[Tensor, "identity width 2"]
) -> Float[Tensor, "identity width"]:
    """Between where rays from the left and from the right meet the canonical surface: sphere tracing."""
    sides = torch.tensor([1.0, -1.0], device=z_id.device).repeat_interleave(places.shape[1])
    places, biases = places.repeat(1, 2, 1), head.fold(z_id)
    x = torch.full_like(places[..., 0], SIDE_START)
    for _ in range(SIDE_STEPS):
        x = x - head.ensemble(anatomy, biases, torch.cat([(sides * x)[..., None], places], -1))
    return x.unflatten(1, (2, -1)).sum(1)
