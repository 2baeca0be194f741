"""Landmarks and speech together: what landmarks show is followed, what they do not show is heard."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from facetalk.landmarks.points import GROUPS
from facetalk.motion.temper import MOUTH

REACH = 3
"""Frames into a gap over which what was followed beside it still counts."""
LIPS = ("outer lips", "inner lips")
UPPER = ("brow right", "brow left", "eye right", "eye left")


def filled(
    followed: Float[Tensor, "seen code"],
    heard: Float[Tensor, "frame code"],
    seen: Float[Tensor, "seen group"],
    matrix: Float[Tensor, "code 52"],
) -> Float[Tensor, "frame code"]:
    """Codes whose jaw and lips are followed while lips are seen, and the rest of the face while eyes are; else heard.

    In a gap what is heard moves the face, from where landmarks left it to where they find it again.

    Args:
        followed: what landmarks make of their frames; those after the last count as unseen.
        heard: what speech makes of each frame; its frames are those that come back.
        seen: share of each of `GROUPS` that was seen (`landmarks.encoder.seen_parts`).
        matrix: of the rig that the codes are made with.
    """
    frames, matrix = len(heard), matrix.to(heard)
    followed = torch.cat([followed, heard[len(followed) :]])[:frames]
    seen = functional.pad(seen.to(heard), (0, 0, 0, max(0, frames - len(seen))))[:frames]
    apart = (followed - heard) @ torch.linalg.pinv(matrix).T
    mouth, rest = (carried(apart, most_of(seen, names)) for names in (LIPS, UPPER))
    return heard + torch.where(torch.tensor(MOUTH, device=heard.device), mouth, rest) @ matrix.T


def most_of(seen: Float[Tensor, "frame group"], names: tuple[str, ...]) -> Bool[Tensor, " frame"]:
    """Where most of some parts is seen."""
    return seen[:, [index for index, name in enumerate(GROUPS) if name in names]].mean(1) > 0.5


def carried(values: Float[Tensor, "frame channel"], known: Bool[Tensor, " frame"]) -> Float[Tensor, "frame channel"]:
    """Values where they are known; in a gap those at both its ends, each fading over `REACH` frames.

    A gap that is no longer than that is crossed in a straight line.
    """
    place = torch.arange(len(known), device=values.device)
    before = torch.where(known, place, -1).cummax(0).values
    after = torch.where(known, place, 2 * len(known)).flip(0).cummin(0).values.flip(0)
    reach = (after - before).clamp(1, REACH)
    carried = torch.where(known[:, None], values, 0.0)
    for end, there in ((before, before >= 0), (after, after < len(known))):
        share = (1 - (place - end).abs() / reach).clamp(min=0) * (there & ~known)
        carried = carried + share[:, None] * values[end.clamp(0, len(known) - 1)]
    return carried
