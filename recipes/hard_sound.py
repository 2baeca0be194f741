"""Lips when speech is hard to hear: noise, babble, music, a telephone, a room; whispered, shouted, sung, a child's.

Test clips are disturbed (`facetalk.evaluation.hard_sound`), spoken by the bundled models or others, and held against
the same truth. Apertures are the linear estimate of `lip_shapes`.

python recipes/hard_sound.py --performances DIR [--speech FILE --motion FILE]
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float

import facetalk
from facetalk.evaluation import lips, timing
from facetalk.evaluation.hard_sound import CONDITIONS
from facetalk.evaluation.interval import Interval, Share, around, draws, ratio
from facetalk.evaluation.talking import Entry, TalkingTest, entries
from facetalk.motion import Motion, Sampling
from facetalk.rig.lips import lip_shapes
from facetalk.speech import encoder as speech
from facetalk.speech import waveform
from facetalk.types import FRAME_RATE, Waveform


@dataclass(frozen=True)
class Question:
    """What is asked of whom."""

    performances: Path
    speech: Path | None = None
    """Another encoder than the bundled one."""
    motion: Path | None = None
    clips: int = 24
    language: str = "en"
    split: str = "test"
    guidance: float = Sampling.guidance
    conditions: tuple[str, ...] = tuple(CONDITIONS)


Said = Float[np.ndarray, " frame"]


def gaps(question: Question, asked: Sequence[Entry]) -> Iterator[tuple[str, list[Said]]]:
    """Gaps of lips, mm, in every clip, condition by condition."""
    weights = facetalk.load(device="cpu").weights
    encoder = weights.encoder if question.speech is None else speech.load(question.speech)
    motion = weights.motion if question.motion is None else Motion.load(question.motion)
    sampling = replace(Sampling(), guidance=question.guidance)
    for name in question.conditions:
        found = []
        for number, entry in enumerate(asked):
            samples = waveform.read(entry.audio).samples
            heard = Waveform(CONDITIONS[name](samples, np.random.default_rng(number)))
            codes = motion(encoder(heard, FRAME_RATE), sampling)
            found.append(lip_shapes(motion.rig.weights(codes.values).numpy().astype(float))[:, 0])
        yield name, found


def error(found: Said, entry: Entry) -> Share:
    """Squared error of the gap, by frames."""
    truth = lip_shapes(entry.curves.weights)[:, 0]
    frames = min(len(found), len(truth))
    return float(np.sum((found[:frames] - truth[:frames]) ** 2)), float(frames)


def grown(clean: Sequence[Share], now: Sequence[Share]) -> Interval:
    """RMS error by that of clean sound, less one; clips are drawn for both alike."""
    before, after = (np.array([above / below for above, below in each]) for each in (clean, now))
    lengths = np.array([below for _, below in clean])
    counts = draws(len(lengths)) * lengths
    return around(
        float(np.sqrt((after @ lengths) / (before @ lengths)) - 1), np.sqrt((counts @ after) / (counts @ before)) - 1
    )


def told(found: Sequence[Said], asked: Sequence[Entry]) -> str:
    """Correlation, closures and false ones."""
    followed, closed, shut = [], [], []
    for each, entry in zip(found, asked, strict=True):
        frames = min(len(each), len(entry.curves))
        gap, loudness = each[:frames], entry.loudness[:frames]
        followed.append(timing.agreement(gap, lip_shapes(entry.curves.weights[:frames])[:, 0]))
        said = lips.SpokenMotion(gap, np.zeros(frames), loudness, entry.phones, float(FRAME_RATE))
        for shares, judge in ((closed, lips.closures), (shut, lips.false_closures)):
            shares.append((float(np.sum(judge(said))), float(len(judge(said)))))
    return "; ".join(str(ratio(shares)) for shares in (followed, closed, shut))


def main(question: Question) -> None:
    """A line for each condition."""
    test = TalkingTest(question.performances, clips=question.clips, language=question.language)
    asked, clean = entries(test, question.split, question.clips), None
    print(f"{len(asked)} clips; RMS error of the gap and its growth, correlation, /p b m/ closed, open vowels shut")
    for name, found in gaps(question, asked):
        errors = [error(*pair) for pair in zip(found, asked, strict=True)]
        clean = errors if clean is None else clean
        print(f"{name:<16}{ratio(errors, np.sqrt)} mm, {grown(clean, errors)}; {told(found, asked)}", flush=True)


if __name__ == "__main__":
    main(tyro.cli(Question))
