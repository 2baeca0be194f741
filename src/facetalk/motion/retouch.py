"""Windows of motion with lids, gaze and brows of an upper face in place of the denoiser's own."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.motion.noise import FrameNoise
from facetalk.motion.upper_face import GROUPS, UPPER_FACE, Performance, UpperFace, curves, met

DRAW = 2**20
"""Number of its draw: none of a sampler's own."""

Retouch = Callable[[Tensor, Tensor, int], Tensor]
"""(window in live space, features of its frames and those within hearing, number of its first frame) → window."""


def as_drawn(live: Tensor, features: Tensor, first: int) -> Tensor:
    """Changes nothing: the paper's way, all of the face from one denoiser."""
    return live


@dataclass(frozen=True)
class Spaces:
    """The way between the denoiser's live space and ARKit weights."""

    weights: Callable[[Tensor], Tensor]
    live: Callable[[Tensor], Tensor]


class UpperFaceDrawn:
    """A `Retouch` that draws the upper face; it goes on from window to window."""

    def __init__(self, model: UpperFace, spaces: Spaces, seed: int, hears: bool) -> None:
        self.model, self.spaces, self.hears = model, spaces, hears
        self.performance = Performance(model)
        self.noise = FrameNoise(seed, len(GROUPS))

    def __call__(
        self, live: Float[Tensor, "frame live"], features: Float[Tensor, "heard feature"], first: int
    ) -> Float[Tensor, "frame live"]:
        """The window with its upper face drawn anew."""
        heard = self.model.listen(features[None])[0]
        noise = self.noise.window(DRAW, first, len(live))[0].to(live.device)
        made = curves(met(self.performance(heard if self.hears else torch.zeros_like(heard), noise)))
        moved = torch.tensor(UPPER_FACE, device=live.device)
        return self.spaces.live(torch.where(moved, made, self.spaces.weights(live)))
