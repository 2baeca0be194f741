"""How far blinks close, and how far lids, gaze and brows stray, in held-out clips as performed and as drawn.

python recipes/blinks.py --performances DIR --features DIR --model motion.safetensors --clips 44
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float
from scipy.signal import find_peaks

from facetalk.arkit import ARKIT_INDEX
from facetalk.evaluation.blinks import blinks
from facetalk.motion import Motion, Sampling
from facetalk.motion.upper_face import gestures
from facetalk.training.motion_clips import read_performances
from facetalk.training.motion_figures import perform, read_phones, thinned
from facetalk.types import FRAME_RATE

HEIGHTS = (0.15, 0.3, 0.5, 0.7, 0.9, 0.97, np.inf)
STANDS_OUT = 0.1
SPREADS = {"gaze across": 0, "gaze up": 1, "lids": 2, "browInnerUp": 8, "browOuterUp": 9}
"""Columns of gestures."""


@dataclass(frozen=True)
class Question:
    """Which model, on which clips."""

    performances: Path
    features: Path
    model: Path
    split: str = "validation"
    clips: int = 44


def heights(curves: Float[np.ndarray, "frame 52"]) -> Float[np.ndarray, " peak"]:
    """Height of every peak of the lids, whether it is a blink or not."""
    lids = curves[:, [ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]].mean(1)
    padded = np.pad(lids, 1, constant_values=lids.min())
    return padded[find_peaks(padded, height=HEIGHTS[0], prominence=STANDS_OUT)[0]]


def show(name: str, clips: Sequence) -> None:
    """Print one row."""
    curves = [clip.numpy().astype(np.float64) for clip in clips]
    minutes = sum(map(len, curves)) / float(FRAME_RATE) / 60
    lasted = np.concatenate([blinks(clip, float(FRAME_RATE)) for clip in curves])
    peaks = np.concatenate([heights(clip) for clip in curves])
    shares = np.histogram(peaks, HEIGHTS)[0] / max(1, len(peaks))
    spread = np.concatenate([gestures(clip).numpy() for clip in clips]).std(0)
    strays = ", ".join(f"{what} {spread[column]:.3f}" for what, column in SPREADS.items())
    print(f"{name}: {minutes:.1f} minutes, {len(lasted) / minutes:.1f} blinks a minute of {lasted.mean():.3f} s")
    print(
        f"  share of {len(peaks)} peaks by height: {', '.join(f'{share:.2f}' for share in shares)}; spreads: {strays}"
    )


def main(question: Question) -> None:
    """Print both rows."""
    clips = thinned(read_performances(question.performances, question.features, [question.split]), question.clips)
    made = perform(Motion.load(question.model), clips, read_phones(question.performances, clips.names), Sampling())
    show("performed", [take.truth for take in made])
    show("drawn", [take.made for take in made])


if __name__ == "__main__":
    main(tyro.cli(Question))
