"""Landmarks that are lost for a while: what can be told without sound, what is told, and what sound adds.

python recipes/lost_landmarks.py --performances DIR --features DIR --clips 12

Made trackings of held-out clips, a third of their frames missing in runs. Errors of the lip gap and of all weights of
jaw and mouth against those of the audio model on the same clips: in all frames, in lost ones, in those seen. Two rows
know the truth wherever it was seen, and nothing of it elsewhere: a straight line, and the best linear guess from eight
frames about the gap, learnt on training clips.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float

from facetalk.data import performance_files
from facetalk.evaluation.interval import Interval, ratio
from facetalk.landmarks.encoder import seen_parts
from facetalk.motion import Motion, Sampling
from facetalk.motion.temper import MOUTH
from facetalk.pipeline.filling import filled
from facetalk.pipeline.follower import Follower
from facetalk.pipeline.weights import BUNDLED
from facetalk.rig.curves import resample
from facetalk.rig.lips import GAP_MM, column
from facetalk.training.landmark_figures import VIEWS, shortened
from facetalk.training.landmark_views import track
from facetalk.training.motion_clips import read_performances
from facetalk.training.motion_figures import perform, thinned
from facetalk.types import FRAME_RATE, RigCurves

Curves = Float[np.ndarray, "frame 52"]
Lost = Bool[np.ndarray, " frame"]
BESIDE = (-4, -3, -2, -1)
"""Frames before a gap that the best guess looks at; as many behind it."""
TAUGHT, RIDGE = 150, 0.3
"""Training clips that it learns from, and how stiff it is."""
MOUTH_CHANNELS = np.flatnonzero(MOUTH)
WHAT = {"gap": column(GAP_MM)[:, None], "mouth": np.eye(52)[:, MOUTH_CHANNELS]}


@dataclass(frozen=True)
class Question:
    """Which clips."""

    performances: Path
    features: Path
    clips: int = 12
    frames: int = 150
    """Of each clip, its first."""
    weights: Path = BUNDLED
    view: str = "2D, a third of the frames missing"
    clean: str = "2D, frontal"


@dataclass
class Shown:
    """Rows of one curve array a clip."""

    truth: list[Curves] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    rows: dict[str, list[Curves]] = field(default_factory=dict)

    def add(self, name: str, curves: Curves) -> None:
        """What a row makes of the next clip."""
        self.rows.setdefault(name, []).append(curves[: len(self.truth[-1])])


def runs(lost: Lost) -> Iterator[tuple[int, int]]:
    """First frame of every run of lost ones, and the first behind it."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(int)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def straight(curves: Curves, lost: Lost) -> Curves:
    """Lost frames in a straight line between those about them."""
    known = np.flatnonzero(~lost)
    return np.stack([np.interp(np.arange(len(curves)), known, each[known]) for each in curves.T], 1)


def beside(curves: Curves, first: int, end: int) -> Float[np.ndarray, " number"]:
    """What the best guess is told of a gap."""
    rows = np.array([*(first + step for step in BESIDE), *(end - 1 - step for step in BESIDE)])
    seen = curves[rows.clip(0, len(curves) - 1)]
    return np.append(np.column_stack([seen @ WHAT["gap"] / 10, seen @ WHAT["mouth"]]).ravel(), 1.0)


def best_guess(performances: Path) -> Callable[[Curves, Lost], Curves]:
    """Ridge regression from what is beside a gap to what is in it, one for each length."""
    rows = [row.id for row in performance_files.read_index(performances) if row.split == "train"]
    chosen = np.random.default_rng(0).choice(rows, TAUGHT, replace=False)
    known = [performance_files.read(performances, name).weights.astype(np.float64) for name in chosen]

    @lru_cache
    def learnt(length: int) -> Float[np.ndarray, "number value"]:
        places = [(each, at) for each in known for at in range(len(BESIDE), len(each) - length - len(BESIDE))]
        told = np.stack([beside(each, at, at + length) for each, at in places])
        there = np.stack([each[at : at + length].ravel() for each, at in places])
        return np.linalg.solve(told.T @ told + RIDGE * np.eye(told.shape[1]), told.T @ there)

    def guess(curves: Curves, lost: Lost) -> Curves:
        made = curves.astype(np.float64)
        for first, end in runs(lost):
            made[first:end] = (beside(curves, first, end) @ learnt(end - first)).reshape(-1, curves.shape[1])
        return made

    return guess


def show(question: Question) -> Shown:
    """Every row on every clip."""
    clips = thinned(read_performances(question.performances, question.features, ["test"]), question.clips)
    clips, shown = shortened(clips, question.frames), Shown()
    motion = Motion.load(question.weights / "motion.safetensors")
    follower = Follower.load(question.weights / "landmarks.safetensors")
    guess, takes = best_guess(question.performances), perform(motion, clips, [[]] * len(clips), Sampling())
    for number, take in enumerate(takes):
        truth = take.truth.numpy()
        for view in (question.view, question.clean):
            moving = resample(RigCurves(truth, FRAME_RATE), VIEWS[view].rate).weights
            landmarks = track(follower.encoder.face, moving, VIEWS[view], np.random.default_rng((7, number)))
            codes = torch.cat(list(follower.windows(follower.encoder(landmarks).stream(), Sampling(guidance=1.0))))
            followed = follower.motion.rig.weights(codes)[: len(truth)]
            if view == question.clean:
                shown.add("landmarks, nothing lost", followed.numpy())
                continue
            lost = ~np.isfinite(landmarks.places).any(axis=(1, 2))[: len(truth)]
            shown.truth.append(truth)
            shown.lost.append(lost)
            both = filled(followed, take.made[: len(truth)], seen_parts(landmarks), torch.eye(52))
            rows = {"sound alone": take.made.numpy(), "landmarks alone": followed.numpy(), "both": both.numpy()}
            rows |= {
                "truth, straight over gaps": straight(truth, lost),
                "truth, best guess in gaps": guess(truth, lost),
            }
            for name, curves in rows.items():
                shown.add(name, curves)
    return shown


def against(shown: Shown, name: str, other: str, what: np.ndarray, where: Sequence[Lost]) -> Interval:
    """RMS error of a row by another's."""

    def squares(row: str) -> list[float]:
        columns = zip(shown.rows[row], shown.truth, where, strict=True)
        return [float((((made - truth) @ what)[chosen] ** 2).sum()) for made, truth, chosen in columns]

    return ratio(list(zip(squares(name), squares(other), strict=True)), np.sqrt)


def main(question: Question) -> None:
    """Print the table."""
    shown = show(question)
    frames: Mapping[str, list[Lost]] = {
        "all": [np.ones_like(lost) for lost in shown.lost],
        "lost": shown.lost,
        "seen": [~lost for lost in shown.lost],
    }
    share, lengths = np.concatenate(shown.lost).mean(), [end - at for lost in shown.lost for at, end in runs(lost)]
    print(f"{len(shown.truth)} clips; {share:.0%} of the frames lost, runs of {min(lengths)} to {max(lengths)}")
    for name in shown.rows:
        for what, columns in WHAT.items():
            found = [
                f"{where} {against(shown, name, 'sound alone', columns, those)}" for where, those in frames.items()
            ]
            print(f"{name}, {what}: {', '.join(found)}")


if __name__ == "__main__":
    main(tyro.cli(Question))
