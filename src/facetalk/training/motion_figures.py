"""Quick figures of a motion model on ARKit curves, without any head or mesh: for choosing between trainings.

    python -m facetalk.training.motion_figures --model FILE --performances DIR --features DIR

The bars are measured on the field by `facetalk evaluate motion`; here the lip gap is a linear estimate.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.arkit import ARKIT_NAMES
from facetalk.motion import Motion, Sampling
from facetalk.rig.lips import GAP_MM, JAW, ROUNDING, column
from facetalk.training.motion_clips import MotionClips, read_performances
from facetalk.types import FRAME_RATE, SpeechFeatures

UPPER_FACE = tuple(name for name in ARKIT_NAMES if name.startswith(("brow", "eye")))
CLOSED_MM = 0.5
NEAR_SECONDS = 0.017
"""A closure is looked for in the frames whose midpoints lie this near to its segment."""
LAGS = range(-4, 5)
BILABIALS = frozenset({"p", "b", "m"})
OPEN_VOWELS = frozenset("aɑæɐʌɒɔ")
SHORTEST_SECONDS = 0.03
"""Shorter segments are not asked to close."""

Phones = Sequence[tuple[str, float, float]]
"""Symbol, start and end in seconds."""


@dataclass(frozen=True)
class Take:
    """One clip as it was performed and as it was made."""

    truth: Float[Tensor, "frame 52"]
    made: Float[Tensor, "frame 52"]
    phones: Phones

    def curves(self, columns: Float[Tensor, " 52"]) -> tuple[Float[Tensor, " frame"], Float[Tensor, " frame"]]:
        """A linear function of the weights, in truth and as made."""
        return self.truth @ columns, self.made @ columns


def columns(values: dict[str, float]) -> Float[Tensor, " 52"]:
    """A linear function of ARKit weights from its named coefficients."""
    return torch.from_numpy(column(values)).float()


def correlation(first: Float[Tensor, " frame"], second: Float[Tensor, " frame"]) -> float:
    """Pearson's r; 0 where either stands still."""
    first, second = first - first.mean(), second - second.mean()
    scale = float(first.norm() * second.norm())
    return float(first @ second) / scale if scale > 0 else 0.0


def best_lag(truth: Float[Tensor, " frame"], made: Float[Tensor, " frame"]) -> int:
    """Frames by which `made` trails `truth` where they agree best."""
    reach, frames = max(LAGS), len(truth)
    middle = truth[reach : frames - reach]
    return max(LAGS, key=lambda lag: correlation(middle, made[reach + lag : frames - reach + lag]))


def share(met: Sequence[Bool[Tensor, " each"]]) -> float:
    """How many are true; NaN where there are none."""
    return float(torch.cat(list(met)).float().mean())


def closures(gap: Float[Tensor, " frame"], phones: Phones) -> Bool[Tensor, " segment"]:
    """Whether the lips meet in each /p b m/ segment."""
    middles = (torch.arange(len(gap)) + 0.5) / float(FRAME_RATE)
    met = []
    for symbol, start, end in phones:
        near = (middles >= start - NEAR_SECONDS) & (middles <= end + NEAR_SECONDS)
        if symbol in BILABIALS and end - start >= SHORTEST_SECONDS and bool(near.any()):
            met.append(bool(gap[near].min() <= CLOSED_MM))
    return torch.tensor(met, dtype=torch.bool)


def false_closures(gap: Float[Tensor, " frame"], phones: Phones) -> Bool[Tensor, " vowel_frame"]:
    """Whether the lips meet, for each frame in the middle half of an open vowel."""
    middles = (torch.arange(len(gap)) + 0.5) / float(FRAME_RATE)
    inside = torch.zeros(len(gap), dtype=torch.bool)
    for symbol, start, end in phones:
        quarter = (end - start) / 4
        if symbol in OPEN_VOWELS:
            inside |= (middles >= start + quarter) & (middles <= end - quarter)
    return gap[inside] <= CLOSED_MM


def figures(takes: Sequence[Take]) -> dict[str, float]:
    """Agreement of takes with their truth."""
    gap, jaw, rounding = columns(GAP_MM), columns(JAW), columns(ROUNDING)

    def mean_correlation(wanted: Tensor) -> float:
        return float(np.mean([correlation(*take.curves(wanted)) for take in takes]))

    def closed(which: int) -> float:
        return share([closures(take.curves(gap)[which], take.phones) for take in takes])

    def wrongly(which: int) -> float:
        return share([false_closures(take.curves(gap)[which], take.phones) for take in takes])

    speeds = [
        torch.cat([curve.diff() for curve in pair]).std() for pair in zip(*(t.curves(gap) for t in takes), strict=True)
    ]
    return {
        "gap": mean_correlation(gap),
        "jaw": mean_correlation(jaw),
        "rounding": mean_correlation(rounding),
        "lag": float(np.mean([best_lag(*take.curves(gap)) for take in takes if len(take.truth) > 4 * max(LAGS)])),
        "closed": closed(1),
        "closed_truth": closed(0),
        "false_closed": wrongly(1),
        "false_closed_truth": wrongly(0),
        "speed_ratio": float(speeds[1] / speeds[0]),
    }


def diversity(first: Sequence[Take], second: Sequence[Take]) -> dict[str, float]:
    """Two takes of the same clips: upper-face difference over its spread, and agreement of the lips (bar 8)."""
    upper = torch.tensor([name in UPPER_FACE for name in ARKIT_NAMES])
    made = [torch.cat([take.made[:, upper] for take in takes]) for takes in (first, second)]
    difference = (made[0] - made[1]).square().mean().sqrt()
    pairs = [(one.made @ columns(GAP_MM), two.made @ columns(GAP_MM)) for one, two in zip(first, second, strict=True)]
    return {
        "upper_difference": float(difference / (made[0] - made[0].mean(0)).square().mean().sqrt()),
        "lips_agree": float(np.mean([correlation(*pair) for pair in pairs])),
    }


def perform(motion: Motion, clips: MotionClips, phones: Sequence[Phones], sampling: Sampling) -> list[Take]:
    """The model's own performance of each clip."""
    takes = []
    for index in range(len(clips)):
        truth, features = clips.clip(index)
        codes = motion(SpeechFeatures(features, FRAME_RATE, motion.speech_hash), sampling)
        takes.append(Take(truth, motion.rig.weights(codes.values), phones[index]))
    return takes


def read_phones(performances: Path, names: Sequence[str]) -> list[Phones]:
    """Segments of each clip."""
    read = []
    for name in names:
        with np.load(performances / f"{name}.npz") as file:
            read.append(
                [(str(symbol), float(start), float(end)) for symbol, start, end in json.loads(str(file["phones"]))]
            )
    return read


@dataclass(frozen=True)
class Question:
    """What to measure."""

    model: Path
    performances: Path
    features: Path
    split: str = "test"
    clips: int = 40
    """Clips, evenly spaced over the split."""
    steps: tuple[int, ...] = (12,)
    guidance: tuple[float, ...] = (1.0,)


def main(question: Question) -> None:
    """Print one JSON line for each combination of steps and guidance."""
    motion = Motion.load(question.model)
    clips = thinned(read_performances(question.performances, question.features, [question.split]), question.clips)
    phones = read_phones(question.performances, clips.names)
    for steps in question.steps:
        for guidance in question.guidance:
            one, two = (
                perform(motion, clips, phones, Sampling(steps=steps, guidance=guidance, seed=seed)) for seed in (0, 1)
            )
            row = {"steps": steps, "guidance": guidance, **figures(one), **diversity(one, two)}
            print(json.dumps({name: round(value, 4) for name, value in row.items()}), flush=True)


def thinned(clips: MotionClips, count: int) -> MotionClips:
    """`count` clips, evenly spaced."""
    chosen = np.unique(np.linspace(0, len(clips) - 1, min(count, len(clips))).round().astype(int))
    pairs = [clips.clip(int(index)) for index in chosen]
    weights, features = (torch.cat(column).half() for column in zip(*pairs, strict=True))
    return MotionClips(tuple(clips.names[index] for index in chosen), clips.lengths[chosen], weights, features)


if __name__ == "__main__":
    import tyro

    main(tyro.cli(Question))
