"""Lids, brows and gaze without their tremble: averaged over neighbouring frames; jaw and lips stay as they were drawn.

A causal denoiser decides every frame of the upper face anew, out of noise that the frame before did not have, and
what it decides alternates a little from frame to frame. Nothing there is as quick: a low-pass takes only the tremble.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

Kernel = tuple[float, ...]
"""Weights of a frame and its neighbours, an odd number of them that add up to 1."""
HALF_BAND: Kernel = (-1 / 32, 0.0, 9 / 32, 1 / 2, 9 / 32, 0.0, -1 / 32)
"""The maximally flat half-band filter of seven weights: at 30 frames a second it keeps what is slower than 3 Hz within
3 %, halves 7.5 Hz and leaves nothing at 15 Hz. Blinks keep their height, which a bell-shaped kernel takes from them."""
AS_DRAWN: Kernel = (1.0,)
"""Changes nothing."""


def calmed(
    windows: Iterator[Float[Tensor, "frame live"]], mouth: Float[Tensor, "live live"], kernel: Kernel
) -> Iterator[Float[Tensor, "frame live"]]:
    """The same motion, calm outside the mouth; each window comes half a kernel late, the rest with the last one.

    Args:
        windows: consecutive windows of motion in live space.
        mouth: projection on the directions that are left alone (`temper.mouth_projection`).
        kernel: weights; before the first frame and behind the last one those are repeated.
    """
    reach, held = len(kernel) // 2, None
    for window in windows:
        held = torch.cat([window[:1].expand(reach, -1) if held is None else held, window])
        if len(held) > 2 * reach:
            yield _averaged(held, mouth, kernel)
            held = held[len(held) - 2 * reach :]
    if held is not None and reach:
        yield _averaged(torch.cat([held, held[-1:].expand(reach, -1)]), mouth, kernel)


def _averaged(
    frames: Float[Tensor, "longer live"], mouth: Float[Tensor, "live live"], kernel: Kernel
) -> Float[Tensor, "frame live"]:
    """Frames that have all their neighbours."""
    reach, own = len(kernel) // 2, frames @ mouth
    life = (frames - own).unfold(0, len(kernel), 1) @ frames.new_tensor(kernel)
    return own[reach : len(frames) - reach] + life
