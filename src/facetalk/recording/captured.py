"""A Live Link Face take as training data: its weights become codes by the rig encoder, without a fit."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from facetalk.data.fitted import AUDIO, FittedSequence, write_codes
from facetalk.errors import InputError
from facetalk.head.model import Head
from facetalk.recording import store
from facetalk.rig import livelink
from facetalk.speech import waveform

APART_S = 0.5
"""Sound and take may differ so much in length."""


def take_in(take: Path, sound: Path, dataset: Path, head: Head, subject: str) -> Path:
    """Write a training folder of a take and its sound; returns it.

    Raises:
        InputError: one of them cannot be read, they are not of one length, or the place is taken.
    """
    curves, speech = livelink.read(take).curves, waveform.read(sound)
    seconds = len(curves) / float(curves.rate)
    if abs(seconds - float(speech.duration)) > APART_S:
        raise InputError(
            f"{take}: lasts {seconds:.2f} s, {sound} {float(speech.duration):.2f} s; give the take's own sound"
        )
    made = dataset / f"{subject}_{take.stem}"
    if made.exists():
        raise InputError(f"{made}: exists already; remove it, or choose another folder")
    weights = curves.weights.astype(np.float32)
    with torch.no_grad():
        codes = head.rig(torch.from_numpy(weights)).numpy()
    still, frames = np.full(len(weights), np.nan), len(weights)
    arrays = {
        "codes": codes,
        "weights": weights,
        "T_head_world": np.tile(np.eye(4), (frames, 1, 1)),
        "z_id": np.zeros(head.config.layout.size, np.float32),
        "residual_mm": still,
        "inliers": still,
        "quality": np.ones(frames),
        "flags": np.array([""] * frames),
    }
    partial = made.with_name(f".{made.name}.partial")
    partial.mkdir(parents=True, exist_ok=True)
    store.write_wave(partial / AUDIO, speech)
    # The app's rows are samples at their own times: the first one at the start of the sound.
    write_codes(FittedSequence(made.name, curves.rate, Fraction(0), head.hash, arrays, subject), partial)
    partial.rename(made)
    return made
