"""Noise that belongs to a frame of time, not to a place in an array: windows and shifts leave it alone."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

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
