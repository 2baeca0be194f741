"""What motion is asked for: the paper's L2 in live space, and what `Emphasis` adds.

Each part of the face is weighed in its own spread, so that what moves little counts as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from facetalk.arkit import ARKIT_INDEX
from facetalk.motion import Normaliser, Rig
from facetalk.motion.temper import MOUTH
from facetalk.rig.lips import GAP_MM
from facetalk.training.motion_figures import columns


@dataclass(frozen=True)
class Emphasis:
    """Additions of ours to the paper's plain L2 in live space; all zero is the paper's loss."""

    mouth: float = 0.0
    """Weight of the error of jaw and mouth weights, each measured in its own spread."""
    velocity: float = 0.0
    """Weight of the error of the frame-to-frame difference of those weights, likewise."""
    life: float = 0.0
    """Weight of the error of the other weights (lids, gaze, brows, cheeks), each in its own spread, and of its
    frame-to-frame difference: without it they tremble, and blinks come out short."""
    gap: float = 0.0
    """Weight of the error of the gap between the lips (a linear estimate), in its own spread: small errors of jaw and
    lips can add up to lips that meet, or that do not."""
    seal: float = 0.0
    """Extra weight of frames whose lips are held shut over an open jaw, at the diffusion loss: they are few, and where
    the speech features leave doubt between /p/ and /t/ this raises the odds that the lips close."""
    seal_span: int = 0
    """Frames before and behind such a frame that weigh as much: the odds rise that the lips close, but not that they
    close early and open late."""


@dataclass(frozen=True)
class MotionLosses:
    """The terms, and the linear maps from live space that they look through."""

    emphasis: Emphasis
    mouth: Float[Tensor, "mouth live"]
    """Jaw and mouth weights in units of their spread."""
    life: Float[Tensor, "other live"]
    """The other weights in units of theirs."""
    gap: Float[Tensor, "1 live"]
    """The gap between the lips in units of its spread."""

    @classmethod
    def fit(
        cls, emphasis: Emphasis, weights: Float[Tensor, "frame 52"], decode: Float[Tensor, "52 live"]
    ) -> "MotionLosses":
        """Measure the spreads.

        Args:
            emphasis: what counts how much.
            weights: ARKit weights of the training clips.
            decode: live space → ARKit weights, the linear part.
        """
        others = [not moves for moves in MOUTH]
        return cls(
            emphasis, spread_map(weights, decode, MOUTH), spread_map(weights, decode, others), gap_map(weights, decode)
        )

    def __call__(self, error: Float[Tensor, "crop frame live"]) -> dict[str, Tensor]:
        """Every term of an error of x̂0, weighed."""
        mouth, life, gap = (functional.linear(error, look) for look in (self.mouth, self.life, self.gap))
        return {
            "l2": error.square().mean(),
            "gap": self.emphasis.gap * gap.square().mean(),
            "mouth": self.emphasis.mouth * mouth.square().mean(),
            "velocity": self.emphasis.velocity * mouth.diff(dim=1).square().mean(),
            "life": self.emphasis.life * (life.square().mean() + life.diff(dim=1).square().mean()),
        }


def sealed(weights: Float[Tensor, "crop frame 52"]) -> Float[Tensor, "crop frame 1"]:
    """1 where the lips are held shut over an open jaw, as in /p b m/; else 0."""
    jaw, close = weights[..., ARKIT_INDEX["jawOpen"]], weights[..., ARKIT_INDEX["mouthClose"]]
    return ((jaw > 0.01) & (close > 0.5 * jaw)).to(weights.dtype)[..., None]


def near(mask: Float[Tensor, "crop frame 1"], span: int) -> Float[Tensor, "crop frame 1"]:
    """1 within `span` frames of a frame that is 1."""
    return functional.max_pool1d(mask.mT, 2 * span + 1, stride=1, padding=span).mT


def decoded(normaliser: Normaliser, rig: Rig) -> Float[Tensor, "52 live"]:
    """Live space → ARKit weights, but for a constant."""
    return torch.linalg.pinv(rig.matrix) @ (normaliser.basis * normaliser.scale)


def spread_map(
    weights: Float[Tensor, "frame 52"], decode: Float[Tensor, "52 live"], chosen: Sequence[bool]
) -> Float[Tensor, "weight live"]:
    """Live space → the chosen ARKit weights that move, divided by their spread (at least a tenth of the widest)."""
    spread = weights.float().std(0)
    moving = torch.tensor(chosen, device=spread.device) & (spread > 0)
    spread = spread[moving]
    return decode[moving] / spread.clamp(min=0.1 * float(spread.max()))[:, None]


def gap_map(weights: Float[Tensor, "frame 52"], decode: Float[Tensor, "52 live"]) -> Float[Tensor, "1 live"]:
    """Live space → the gap between the lips divided by its spread."""
    gap = columns(GAP_MM).to(weights.device)
    return (gap @ decode)[None] / (weights.float() @ gap).std().clamp(min=1e-3)
