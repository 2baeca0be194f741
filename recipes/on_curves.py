"""The table of `facetalk evaluate motion` on curves alone, for many models and settings over many clips.

Features are read, not heard. Apertures are the linear estimate of `lip_shapes`; vertices are what each weight moves by
itself, tracked once and added up. A row costs a tenth of what it costs on the field, so that more clips can be asked.

python recipes/on_curves.py --performances DIR --features DIR --models full full.safetensors ours motion.safetensors
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Float

import facetalk
from facetalk.arkit import ARKIT_NAMES
from facetalk.evaluation import lips
from facetalk.evaluation.figures import Heard, measured, spoken
from facetalk.evaluation.interval import Interval, ratio
from facetalk.evaluation.proof import judge_of
from facetalk.evaluation.stage import Seen, Stage
from facetalk.evaluation.talking import Entry, TalkingTest, entries
from facetalk.judge.network import STEPS_PER_FRAME
from facetalk.motion import Motion, Sampling
from facetalk.pipeline.roads import DEFAULT_SURFACE
from facetalk.rig.lips import lip_shapes
from facetalk.speech import waveform
from facetalk.speech.mel import log_mel
from facetalk.types import FRAME_RATE, RigCurves, SpeechFeatures

HALF = 0.4
"""Weight at which a vertex's way is measured."""
FIELD = ("f v touch",)
"""Figures that curves say nothing of."""


@dataclass(frozen=True)
class Question:
    """Which models, how sampled, on which clips."""

    performances: Path
    features: Path
    models: dict[str, Path]
    """By the name of the row."""
    clips: int = 40
    language: str = "en"
    takes: int = 2
    guidances: tuple[float, ...] = (Sampling.guidance,)
    steps: tuple[int, ...] = (Sampling.steps,)
    mouth_noise: float = Sampling.mouth_noise
    out: Path | None = None
    """A JSON file of all figures."""


@dataclass(frozen=True)
class Bench:
    """What every row is measured with."""

    ways: Float[np.ndarray, "52 vertex 3"]
    """Where each weight moves the vertices, mm."""
    stage: Stage

    def seen(self, curves: Float[np.ndarray, "frame 52"]) -> Seen:
        """Curves as a stage would see them."""
        vertices = np.einsum("fw,wvx->fvx", curves, self.ways).astype(np.float32)
        return Seen(lip_shapes(curves)[:, 0], curves, vertices, np.full(len(curves), np.nan))


def bench(identity: str) -> Bench:
    """Track each weight by itself."""
    talker = facetalk.load(device="cpu")
    poses = talker.perform(RigCurves(HALF * np.eye(len(ARKIT_NAMES)), FRAME_RATE), identity=identity)
    stage = Stage(poses.actor(DEFAULT_SURFACE))
    return Bench(stage.measure(poses, len(poses), lips=False).vertices / HALF, stage)


def heard(entry: Entry, seen: Seen, bands: int) -> Heard:
    """A clip with its truth."""
    mel = log_mel(waveform.read(entry.audio).samples, STEPS_PER_FRAME * float(FRAME_RATE), bands)
    return Heard(entry.id, seen, entry.phones, entry.loudness, float(FRAME_RATE), mel)


def sampled(motion: Motion, sampling: Sampling) -> Sampling:
    """Models without diffusion take one step and no guidance."""
    if motion.schedule.times == 1:
        return replace(sampling, steps=1, guidance=1.0)
    return sampling


def takes(
    motion: Motion, sampling: Sampling, features: Path, asked: Sequence[Entry], count: int
) -> Iterator[tuple[list[Float[np.ndarray, "frame 52"]], float]]:
    """Takes of each clip, and core-seconds for ten seconds of the first."""
    for entry in asked:
        values = torch.from_numpy(np.load(features / f"{entry.id}.npy").astype(np.float32))[: len(entry.curves)]
        begun = time.process_time()
        found = []
        for seed in range(count if motion.schedule.times > 1 else 1):
            codes = motion(SpeechFeatures(values, FRAME_RATE, motion.speech_hash), replace(sampling, seed=seed))
            found.append(motion.rig.weights(codes.values).numpy().astype(np.float64))
        yield found, 10 * (time.process_time() - begun) / len(found) * float(FRAME_RATE) / len(values)


def main(question: Question) -> None:
    """Print each row as it is done."""
    test = TalkingTest(question.performances, clips=question.clips, language=question.language)
    judge, place = judge_of(facetalk.load(device="cpu"), None), bench(test.identity)
    asked = entries(test, "test", test.clips)
    bands = judge.config.bands if judge is not None else 0
    clips = [heard(entry, place.seen(entry.curves.weights), bands) for entry in asked]
    print(counted(clips))
    rows = {"truth": measured([(clip, [clip.truth]) for clip in clips], place.stage.places, judge)}
    show("truth", rows["truth"])
    for name, path in question.models.items():
        motion = Motion.load(path)
        for guidance in question.guidances:
            for steps in question.steps:
                drawn = Sampling(steps=steps, guidance=guidance, mouth_noise=question.mouth_noise)
                found = list(takes(motion, sampled(motion, drawn), question.features, asked, question.takes))
                pairs = [(clip, [place.seen(c) for c in each]) for clip, (each, _) in zip(clips, found, strict=True)]
                row = f"{name}, guidance {guidance:g}, {steps} steps"
                rows[row] = measured(pairs, place.stage.places, judge)
                rows[row]["core-s for 10 s"] = ratio([(cost, 1.0) for _, cost in found])
                show(row, rows[row])
                if question.out is not None:
                    keep(rows, question.out)


def keep(rows: Mapping[str, Mapping[str, Interval]], path: Path) -> None:
    """Write all rows so far."""
    text = {name: {figure: asdict(value) for figure, value in row.items()} for name, row in rows.items()}
    path.write_text(json.dumps(text, indent=1, ensure_ascii=False))


def counted(clips: Sequence[Heard]) -> str:
    """How much was asked."""
    said = [spoken(clip, clip.truth) for clip in clips]
    voices, frames = {clip.id.rsplit("_", 1)[0] for clip in clips}, sum(len(clip.loudness) for clip in clips)
    sounds, vowels = (sum(len(judge(each)) for each in said) for judge in (lips.closures, lips.false_closures))
    return (
        f"{len(clips)} clips, {len(voices)} voices, {frames} frames, {sounds} /p b m/, {vowels} frames of open vowels"
    )


def show(name: str, row: dict[str, Interval]) -> None:
    """One figure a line."""
    print(name)
    for figure, value in row.items():
        if figure not in FIELD:
            print(f"  {figure:<28}{value}", flush=True)


if __name__ == "__main__":
    main(tyro.cli(Question))
