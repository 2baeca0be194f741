"""The rig encoder: ARKit-52 weights to expression codes and back. Knows neither geometry nor networks.

The map is linear and fixed, `code = rest + A w`, so that captured curves become codes without a fit and motion
can be trained before the head is. The zero code is the canonical pose (mouth slightly open), hence the rest code,
all weights zero and lips sealed, is not zero: `rest = -A w_canonical`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES

CANONICAL_JAW_OPEN = 0.25
"""jawOpen of the canonical pose; every other weight of it is 0."""

CODE_SCALE = 0.35
"""Length of the code of one full ARKit weight: poses with up to eight full weights stay within norm 1."""


@dataclass(frozen=True)
class RigConfig:
    """What fixes a rig encoder."""

    code_size: int = 200
    """Dimensions of an expression code; at least 52."""
    seed: int = 0
    """Draws the directions of the 52 weights in code space."""


def canonical_weights() -> Float[Tensor, "52"]:
    """ARKit weights of the canonical pose."""
    weights = torch.zeros(len(ARKIT_NAMES), device="cpu")
    weights[ARKIT_INDEX["jawOpen"]] = CANONICAL_JAW_OPEN
    return weights


class RigEncoder(nn.Module):
    """`code = rest + A w` with the columns of A orthogonal and of length `CODE_SCALE`."""

    basis: Float[Tensor, "code 52"]
    rest: Float[Tensor, " code"]

    def __init__(self, config: RigConfig = RigConfig()) -> None:
        super().__init__()
        basis = CODE_SCALE * _orthonormal(config)
        self.register_buffer("basis", basis)
        self.register_buffer("rest", -basis @ canonical_weights())

    def forward(self, weights: Float[Tensor, "*frame 52"]) -> Float[Tensor, "*frame code"]:
        """Expression codes of ARKit weights (nominally 0..1)."""
        return self.rest + weights @ self.basis.T

    def solve(self, codes: Float[Tensor, "*frame code"]) -> Float[Tensor, "*frame 52"]:
        """ARKit weights whose codes are nearest to `codes` (least squares, not clipped to 0..1)."""
        return (codes - self.rest) @ self.basis / CODE_SCALE**2


def _orthonormal(config: RigConfig) -> Float[Tensor, "code 52"]:
    """Orthonormal columns drawn from the seed; the sign of each is fixed, which QR alone leaves open."""
    draw = np.random.default_rng(config.seed).standard_normal((config.code_size, len(ARKIT_NAMES)))
    columns, triangle = np.linalg.qr(draw)
    return torch.from_numpy((columns * np.sign(np.diag(triangle))).astype(np.float32))
