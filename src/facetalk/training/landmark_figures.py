"""Quick figures of landmark weights beside the audio model's, on the same held-out clips, on ARKit curves alone.

    python -m facetalk.training.landmark_figures --weights landmarks.safetensors --motion motion.safetensors \
        --performances DIR --features DIR

People and trackings are drawn anew; the lip gap is the linear estimate of `facetalk.training.motion_figures`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.motion import Motion, Sampling
from facetalk.motion.temper import MOUTH
from facetalk.pipeline.follower import Follower
from facetalk.training.landmark_set import followed
from facetalk.training.landmark_views import View
from facetalk.training.motion_clips import MotionClips, read_performances
from facetalk.training.motion_figures import GAP_MM, Take, columns, figures, perform, read_phones, thinned
from facetalk.types import FRAME_RATE, SpeechFeatures

FRONTAL = View()
VIEWS: dict[str, View] = {
    "3D": replace(FRONTAL, axes=3),
    "2D, frontal": FRONTAL,
    "2D, turned 20°": replace(FRONTAL, yaw=20.0),
    "2D, a third of the points missing": replace(FRONTAL, lost=1 / 3),
    "3D, a third of the points missing": replace(FRONTAL, axes=3, lost=1 / 3),
    "2D, a third of the frames missing": replace(FRONTAL, lost_frames=1 / 3),
    "2D, 25 frames a second": replace(FRONTAL, rate=Fraction(25)),
    "2D, noise of 1 mm, no pupils": replace(FRONTAL, noise_mm=1.0, pupils=False),
}


@dataclass(frozen=True)
class LandmarkQuestion:
    """What to measure."""

    weights: Path
    """Landmark weights."""
    motion: Path
    """Motion weights that hear, to compare with."""
    performances: Path
    features: Path
    """Speech features of the clips."""
    split: str = "test"
    clips: int = 12
    """Clips, evenly spaced over the split."""
    frames: int = 150
    """Of each clip, its first."""
    steps: int = Sampling.steps
    views: tuple[str, ...] = tuple(VIEWS)


def main(question: LandmarkQuestion) -> None:
    """Print one JSON line for speech and one for each view."""
    clips = thinned(read_performances(question.performances, question.features, [question.split]), question.clips)
    clips = shortened(clips, question.frames)
    phones = read_phones(question.performances, clips.names)
    heard = perform(Motion.load(question.motion), clips, phones, Sampling(question.steps))
    told = {"speech": {**errors(heard), **figures(heard)}}
    follower = Follower.load(question.weights)
    for name in question.views:
        takes = follow(follower, clips, phones, VIEWS[name], Sampling(question.steps, guidance=1.0))
        told[name] = {**errors(takes), **figures(takes)}
    for name, row in told.items():
        share = row["gap_mm"] / told["speech"]["gap_mm"]
        row = {**row, "gap_share": share, "mouth_share": row["mouth"] / told["speech"]["mouth"]}
        print(name, json.dumps({key: round(value, 4) for key, value in row.items()}), flush=True)


def shortened(clips: MotionClips, frames: int) -> MotionClips:
    """The first frames of each clip."""
    pairs = [clips.clip(index) for index in range(len(clips))]
    weights, features = (torch.cat([part[:frames] for part in column]).half() for column in zip(*pairs, strict=True))
    return MotionClips(clips.names, clips.lengths.clamp(max=frames), weights, features)


def follow(follower: Follower, clips: MotionClips, phones: Sequence, view: View, sampling: Sampling) -> list[Take]:
    """What landmarks of each clip in a view are followed to; each clip by a person of its own."""
    takes = []
    for index in range(len(clips)):
        truth, _ = clips.clip(index)
        seen = followed(follower.encoder, truth.numpy(), view, np.random.default_rng((7, index)))
        features = SpeechFeatures(torch.from_numpy(seen), FRAME_RATE, follower.encoder.hash)
        made = follower.motion.rig.weights(torch.cat(list(follower.windows(features.stream(), sampling))))
        takes.append(Take(truth[: len(made)], made, phones[index]))
    return takes


def errors(takes: Sequence[Take]) -> dict[str, float]:
    """RMS over all frames of the lip gap, in mm, and of the weights of jaw and mouth."""
    gap, mouth = columns(GAP_MM), torch.tensor(MOUTH)

    def rms(values: Sequence[Float[Tensor, "..."]]) -> float:
        return float(torch.cat([value.flatten() for value in values]).square().mean().sqrt())

    return {
        "gap_mm": rms([(take.made - take.truth) @ gap for take in takes]),
        "mouth": rms([(take.made - take.truth)[:, mouth] for take in takes]),
    }


if __name__ == "__main__":
    import tyro

    main(tyro.cli(LandmarkQuestion))
