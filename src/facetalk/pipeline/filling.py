"""Landmarks and speech together: what landmarks show is followed, what they do not show is heard."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from facetalk.landmarks.encoder import shown
from facetalk.landmarks.points import GROUPS
from facetalk.motion.temper import MOUTH

REACH = 4
"""Frames over which one passes into the other on each side of a gap."""
LIPS = ("outer lips", "inner lips")
UPPER = ("brow right", "brow left", "eye right", "eye left")


def filled(
    followed: Float[Tensor, "seen code"],
    heard: Float[Tensor, "frame code"],
    features: Float[Tensor, "seen feature"],
    matrix: Float[Tensor, "code 52"],
) -> Float[Tensor, "frame code"]:
    """Codes whose jaw and lips are followed while lips are seen, and the rest of the face while eyes are; else heard.

    Args:
        followed: what landmarks make of their frames; those after the last count as unseen.
        heard: what speech makes of each frame; its frames are those that come back.
        features: of the landmarks.
        matrix: of the rig that the codes are made with.
    """
    followed = torch.cat([followed, heard[len(followed) :]])[: len(heard)]
    known = shown(features).to(heard)
    known = functional.pad(known, (0, 0, 0, max(0, len(heard) - len(known))))[: len(heard)]
    mouth, rest = (presence(known, names) for names in (LIPS, UPPER))
    share = torch.where(torch.tensor(MOUTH, device=known.device), mouth[:, None], rest[:, None])
    matrix = matrix.to(heard)
    difference = (followed - heard) @ torch.linalg.pinv(matrix).T
    return heard + (share * difference) @ matrix.T


def presence(known: Float[Tensor, "frame group"], names: tuple[str, ...]) -> Float[Tensor, " frame"]:
    """0 where most of some parts is hidden, 1 where they are seen, with a gentle passage beside each gap."""
    columns = [index for index, name in enumerate(GROUPS) if name in names]
    there = (known[:, columns].mean(1) > 0.5).to(known.dtype)
    # The passage ends before the gap begins: at its border landmarks count nothing any more.
    gone = functional.max_pool1d(functional.pad(1 - there, (REACH, REACH))[None], 2 * REACH + 1, 1)[0]
    kernel = torch.hann_window(2 * REACH + 3, periodic=False, device=known.device, dtype=known.dtype)[1:-1]
    padded = functional.pad(1 - gone[None], (REACH, REACH), mode="replicate")
    return functional.conv1d(padded[None], (kernel / kernel.sum())[None, None])[0, 0] * there
