"""What the judge says of a clip: LSE-D, LSE-C and the offset, as SyncNet's evaluation defines them.

Distances between the vectors of lips and of sound are averaged over the clip for every shift of ±15 frames. LSE-D is
the smallest of them, LSE-C the median less the smallest, the offset where the smallest lies (Chung and Zisserman 2016;
the names are of Prajwal et al. 2020). Vectors here have length 1, so distances lie between 0 and 2 and compare with
others of the same judge only.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.judge.network import STEPS_PER_FRAME, WINDOW, SyncJudge

REACH = 15
"""Largest shift, in frames."""
SHIFTS = np.arange(-REACH, REACH + 1)


@dataclass(frozen=True)
class Verdict:
    """One clip."""

    distance: float
    """LSE-D, lower is better."""
    confidence: float
    """LSE-C, higher is better."""
    offset: int
    """Frames by which the lips trail the sound."""


def distances(
    judge: SyncJudge, shapes: Float[np.ndarray, "frame shape"], mel: Float[np.ndarray, "step band"]
) -> Float[np.ndarray, "window shift"]:
    """Distance of each window of lips to the sound `SHIFTS` frames before it; NaN beyond the ends.

    Raises:
        InputError: the clip is shorter than a window.
    """
    frames = min(len(shapes), len(mel) // STEPS_PER_FRAME)
    if frames < WINDOW:
        raise InputError(f"{frames} frames are too few to judge: {WINDOW} are needed")
    with torch.no_grad():
        lips = judge.lips(torch.from_numpy(shapes[None, :frames]).float())[0]
        sound = judge.sound(torch.from_numpy(mel[None, : frames * STEPS_PER_FRAME]).float())[0]
        table = torch.cdist(lips, sound).numpy()
    windows = np.arange(len(table))
    heard = windows[:, None] - SHIFTS
    inside = (heard >= 0) & (heard < len(windows))
    return np.where(inside, table[windows[:, None], np.clip(heard, 0, len(windows) - 1)], np.nan)


def profile(table: Float[np.ndarray, "window shift"]) -> Float[np.ndarray, " shift"]:
    """Mean distance at each shift; infinite where no window has one."""
    known = np.isfinite(table)
    return np.where(known.any(0), np.nansum(table, 0) / np.maximum(known.sum(0), 1), np.inf)


def verdict(table: Float[np.ndarray, "window shift"]) -> Verdict:
    """LSE-D, LSE-C and offset of a clip."""
    means = profile(table)
    best = int(means.argmin())
    return Verdict(float(means[best]), float(np.median(means[np.isfinite(means)]) - means[best]), int(SHIFTS[best]))
