"""Normal equations of a chain: frames that are tied to the few frames before and after them, and to no others.

So many frames as ties reach are one block; the matrix of blocks is then tridiagonal, and is solved once forwards and
once backwards, covariances of neighbours included.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

REACH = 3
"""Frames that a tie may lie apart."""


@dataclass(frozen=True)
class Posterior:
    """What a chain is, and how sure."""

    mean: Float[np.ndarray, "frame number"]
    covariance: Float[np.ndarray, "lag frame number number"]
    """Of each frame with the one `lag` frames later; rows beyond the last frame mean nothing."""


def solved(
    precision: Float[np.ndarray, "lag frame number number"], pull: Float[np.ndarray, "frame number"]
) -> Posterior:
    """The least of `x P x / 2 + pull x`, where P has `precision` of each frame with itself and the next `REACH`."""
    frames, numbers = pull.shape
    blocks = -(-frames // REACH)
    whole = np.zeros((blocks, REACH, numbers, 2 * REACH, numbers))
    for frame in range(blocks * REACH):
        block, row = divmod(frame, REACH)
        for lag in range(REACH + 1):
            if frame + lag < frames:
                whole[block, row, :, row + lag] = precision[lag, frame]
                if 0 < lag < REACH - row:
                    whole[block, row + lag, :, row] = precision[lag, frame].T
        if frame >= frames:
            whole[block, row, :, row] = np.eye(numbers)
    size = REACH * numbers
    whole = whole.reshape(blocks, size, 2 * size)
    right = np.zeros((blocks * REACH, numbers))
    right[:frames] = -pull
    mean, near, next_to = _swept(whole[..., :size], whole[:-1, :, size:], right.reshape(blocks, size))
    covariance = np.zeros((REACH + 1, frames, numbers, numbers))
    pairs = np.zeros((blocks, size, 2 * size))
    pairs[..., :size], pairs[:-1, :, size:] = near, next_to
    pairs = pairs.reshape(blocks, REACH, numbers, 2 * REACH, numbers)
    for frame in range(frames):
        block, row = divmod(frame, REACH)
        for lag in range(REACH + 1):
            covariance[lag, frame] = pairs[block, row, :, row + lag]
    return Posterior(mean.reshape(-1, numbers)[:frames], covariance)


def _swept(
    own: Float[np.ndarray, "block n n"], after: Float[np.ndarray, "pair n n"], right: Float[np.ndarray, "block n"]
) -> tuple[Float[np.ndarray, "block n"], Float[np.ndarray, "block n n"], Float[np.ndarray, "pair n n"]]:
    """Solution of a tridiagonal matrix of blocks, and the diagonal and the upper blocks of its inverse."""
    inverse, gain = np.empty_like(own), np.empty_like(after)
    seen = right.copy()
    for block in range(len(own)):
        left = own[block]
        if block:
            left = left - after[block - 1].T @ gain[block - 1]
            seen[block] -= gain[block - 1].T @ seen[block - 1]
        inverse[block] = np.linalg.inv(left)
        if block < len(after):
            gain[block] = inverse[block] @ after[block]
    mean, near, next_to = np.empty_like(right), inverse, np.empty_like(after)
    mean[-1] = inverse[-1] @ seen[-1]
    for block in reversed(range(len(after))):
        mean[block] = inverse[block] @ seen[block] - gain[block] @ mean[block + 1]
        next_to[block] = -gain[block] @ near[block + 1]
        near[block] = inverse[block] - next_to[block] @ gain[block].T
    return mean, near, next_to
