"""Where things are on a head: the 39 anchors, named landmarks and eyeballs, and how they follow an identity code.

Knows the order of anchors and landmarks and the layout of an identity code; knows no signed distance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

ANCHORS = 39
"""Anchors of the NPHM: 16 mirrored pairs, interleaved left and right, then 7 on the midline."""
PAIRS = 16
"""Mirrored pairs: anchors 2i (left) and 2i + 1 (right) for i < 16."""
WEIGHT_SETS = ANCHORS - PAIRS
"""Distinct local networks: the two members of a pair share one."""

LANDMARK_NAMES: tuple[str, ...] = (
    "mouth_centre",
    "mouth_corner_left",
    "mouth_corner_right",
    "lip_upper",
    "lip_lower",
    "teeth_front",
    "eye_left",
    "eye_right",
    "nose_tip",
    "chin",
    "subnasale",
    "throat",
    "forehead",
    "crown",
    "ear_left",
    "ear_right",
)
"""Points every identity has, in the rest pose."""


def weight_set(anchor: int) -> int:
    """Which local network serves an anchor."""
    return anchor // 2 if anchor < 2 * PAIRS else anchor - PAIRS


def mirrored(anchor: int) -> bool:
    """Whether an anchor's network sees x negated: the right one of each pair."""
    return anchor < 2 * PAIRS and anchor % 2 == 1


@dataclass(frozen=True)
class CodeLayout:
    """How an identity code is cut: one global part, then one local part for each anchor and the global member."""

    global_size: int = 64
    local_size: int = 24

    @property
    def size(self) -> int:
        """Dimensions of the whole code."""
        return self.global_size + (ANCHORS + 1) * self.local_size

    def split(
        self, z_id: Float[Tensor, "identity code"]
    ) -> tuple[Float[Tensor, "identity global"], Float[Tensor, "identity member local"]]:
        """Global part and local parts; the last member is the global one."""
        local = rearrange(
            z_id[:, self.global_size :], "identity (member local) -> identity member local", member=ANCHORS + 1
        )
        return z_id[:, : self.global_size], local


@dataclass(frozen=True)
class Anatomy:
    """Positions that depend on the identity alone, in units of NPHM space."""

    anchors: Float[Tensor, "identity 39 3"]
    """Canonical pose."""
    landmarks: Float[Tensor, "identity landmark 3"]
    """Rest pose, in the order of `LANDMARK_NAMES`."""
    eye_radius: Float[Tensor, "identity 2"]
    """Left, right."""

    def landmark(self, name: str) -> Float[Tensor, "identity 3"]:
        """One named landmark."""
        return self.landmarks[:, LANDMARK_NAMES.index(name)]

    @property
    def eyes(self) -> Float[Tensor, "identity 2 3"]:
        """Eyeball centres, left and right."""
        return torch.stack([self.landmark("eye_left"), self.landmark("eye_right")], 1)

    def named(self) -> Mapping[str, Float[Tensor, "3"]]:
        """Landmarks of the first identity by name."""
        return dict(zip(LANDMARK_NAMES, self.landmarks[0], strict=True))

    def flat(self) -> Float[Tensor, "identity number"]:
        """Everything as one row of numbers."""
        return torch.cat([self.anchors.flatten(1), self.landmarks.flatten(1), self.eye_radius], 1)

    def rows(self, chosen: slice) -> "Anatomy":
        """Some of the identities."""
        return Anatomy(self.anchors[chosen], self.landmarks[chosen], self.eye_radius[chosen])

    def detach(self) -> "Anatomy":
        """The same positions, cut from the graph."""
        return Anatomy(self.anchors.detach(), self.landmarks.detach(), self.eye_radius.detach())


NUMBERS = 3 * ANCHORS + 3 * len(LANDMARK_NAMES) + 2
"""Numbers in a flat anatomy."""


def unflatten(numbers: Float[Tensor, "identity number"]) -> Anatomy:
    """Inverse of `Anatomy.flat`."""
    anchors, landmarks, radius = numbers.split([3 * ANCHORS, 3 * len(LANDMARK_NAMES), 2], 1)
    return Anatomy(anchors.unflatten(1, (ANCHORS, 3)), landmarks.unflatten(1, (-1, 3)), radius)


class AnatomyPredictor(nn.Module):
    """anatomy = mean + linear(z_global) + MLP(z_global).

    The linear path lets linear sources generalise from few identities; the MLP is the one of the paper.
    """

    mean: Float[Tensor, " number"]

    def __init__(self, global_size: int, width: int = 64, spread: float = 0.02) -> None:
        """`spread` is the size of an anatomy's variation over identities, in units."""
        super().__init__()
        self.spread = spread
        self.register_buffer("mean", torch.zeros(NUMBERS))
        self.linear = nn.Linear(global_size, NUMBERS, bias=False)
        last = nn.Linear(width, NUMBERS)
        self.mlp = nn.Sequential(nn.Linear(global_size, width), nn.SiLU(), last)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, z_global: Float[Tensor, "identity global"]) -> Anatomy:
        """Anatomy of standardised global codes (each number about unit spread)."""
        return unflatten(self.mean + self.spread * (self.linear(z_global) + self.mlp(z_global)))

    def deviations(self, anatomy: Anatomy) -> Float[Tensor, "identity number"]:
        """How far an anatomy is from the mean, in spreads."""
        return (anatomy.flat() - self.mean) / self.spread
