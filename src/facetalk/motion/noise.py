"""Noise that belongs to a frame of time, not to a place in an array: windows and shifts leave it alone."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

REACH = 32
"""Frames over which lingering noise is summed."""
KEY_RANGE = 2**64
"""Seeds and frames are taken modulo this, so negative ones work."""


@dataclass(frozen=True)
class FrameNoise:
    """Standard normal noise that is a pure function of (seed, draw, frame), by a counter-based generator."""

    seed: int
    live: int
    """Numbers for each frame."""

    def frame(self, draw: int, frame: int) -> Float[np.ndarray, " live"]:
        """The noise of one frame in one draw."""
        counter = np.array([0, 0, draw, frame % KEY_RANGE], dtype=np.uint64)
        generator = np.random.Generator(np.random.Philox(key=self.seed % KEY_RANGE, counter=counter))
        return generator.standard_normal(self.live, dtype=np.float32)

    def window(self, draw: int, first: int, frames: int) -> Float[Tensor, "1 frame live"]:
        """The noise of consecutive frames, as one batch."""
        return torch.from_numpy(np.stack([self.frame(draw, first + index) for index in range(frames)]))[None]


def lingering(white: Float[Tensor, "batch longer live"], linger: float) -> Float[Tensor, "batch frame live"]:
    """Noise of unit variance that forgets itself slowly: its correlation falls by `linger` with every frame.

    A causal denoiser cannot see whether the noise ahead agrees with what it begins now, a blink or a turn of the eyes.
    In white noise every frame decides anew; in noise that is as slow as such movement the frames before tell it
    (correlated noise for video: Ge et al. 2023). With `linger` 0 the noise stays white.

    Args:
        white: white noise, beginning `REACH` − 1 frames before the first frame wanted.
        linger: from 0 to below 1.
    """
    weights = linger ** torch.arange(REACH - 1, -1, -1, device=white.device, dtype=white.dtype)
    weights = weights / weights.norm()
    return (
        functional.conv1d(white.mT.flatten(0, 1)[:, None], weights[None, None])[:, 0]
        .unflatten(0, white.mT.shape[:2])
        .mT
    )
