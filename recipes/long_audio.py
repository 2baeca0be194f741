"""Half an hour of speech in one go: whether memory stays flat, and whether motion knows where windows meet.

python recipes/long_audio.py --performances DIR --minutes 1 4 30 --steps 8

A few held-out clips are said one after the other, again and again. Statistics are those of the longest run; a part of
it is drawn once more with other windows, and should be the same.
"""

import resource
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float, Int

import facetalk
from facetalk.arkit import ARKIT_NAMES
from facetalk.evaluation.interval import Interval, ratio
from facetalk.evaluation.talking import TalkingTest, entries
from facetalk.motion import Sampling
from facetalk.pipeline.talker import Performing, Talker
from facetalk.rig.lips import lip_shapes
from facetalk.speech import waveform
from facetalk.speech.encoder import WINDOW_FRAMES, Encoder
from facetalk.types import FRAME_RATE, SAMPLE_RATE, Waveform

Curves = Float[np.ndarray, "frame 52"]
NEAR = 2
"""Frames on each side of a border that belong to it."""
STRETCH = 300
"""Frames that are drawn together for intervals."""
OFTEN = 0.2
"""Share of the frames in which a curve must move to be compared: of the others a border seldom sees any."""
MEGABYTE = 1024
"""In the units of `ru_maxrss` (Linux)."""
OTHER_WINDOW, OTHER_WINDOW_FRAMES = 170, 450
"""Windows of motion and of the encoder whose borders lie elsewhere."""
SETTLING = 60
"""Frames before the end of a part that hear what comes after it."""


@dataclass(frozen=True)
class Question:
    """How long, and how drawn."""

    performances: Path
    minutes: tuple[float, ...] = (1, 4, 30)
    """Lengths, growing."""
    steps: int = Sampling.steps
    clips: int = 40
    """Clips that are said, evenly spread over the test clips."""
    again: float = 5
    """Minutes that are drawn once more with other windows."""


def joined(question: Question, minutes: float) -> Waveform:
    """The clips one after the other, and again, for so long; nothing is held but the result."""
    samples = np.empty(round(minutes * 60 * SAMPLE_RATE), np.float32)
    clips, at = entries(TalkingTest(question.performances, language=""), "test", question.clips), 0
    for clip in clips:
        said = waveform.read(clip.audio).samples[: len(samples) - at]
        samples[at : at + len(said)] = said
        at += len(said)
    for first in range(at, len(samples), at):
        samples[first : first + at] = samples[: min(at, len(samples) - first)]
    return Waveform(samples)


def borders(frames: int, window: int) -> Bool[np.ndarray, " frame"]:
    """Frames about the beginnings of all windows but the first."""
    about: Int[np.ndarray, " frame"] = (np.arange(frames) + NEAR) % window
    return (about < 2 * NEAR) & (np.arange(frames) >= window - NEAR)


def compared(values: Float[np.ndarray, " frame"], chosen: Bool[np.ndarray, " frame"]) -> Interval:
    """Mean at the chosen frames by the mean at all others, drawing stretches anew."""
    mean = values[~chosen].mean()
    parts = zip(*(np.array_split(part, -(-len(values) // STRETCH)) for part in (values, chosen)), strict=True)
    return ratio([(float(part[at].sum()) / mean, float(at.sum())) for part, at in parts])


def tracks(curves: Curves) -> dict[str, Float[np.ndarray, "frame channel"]]:
    """What is asked of motion: where lips and curves are, how fast they go, how suddenly that changes."""
    velocity = np.abs(np.diff(curves, axis=0, prepend=curves[:1])) * float(FRAME_RATE)
    acceleration = np.abs(np.diff(curves, 2, axis=0, prepend=curves[:2])) * float(FRAME_RATE) ** 2
    return {
        "gap of the lips": lip_shapes(curves.astype(np.float64))[:, :1],
        "velocity of all curves": np.linalg.norm(velocity, axis=1, keepdims=True),
        "acceleration of all curves": np.linalg.norm(acceleration, axis=1, keepdims=True),
        "velocity of each curve": velocity,
        "acceleration of each curve": acceleration,
    }


def tell(name: str, values: Float[np.ndarray, "frame channel"], chosen: Bool[np.ndarray, " frame"]) -> None:
    """The ratio, or those of many channels in short; half of 5 in 100 intervals lie to each side of 1 by chance."""
    moving = np.flatnonzero((values > 0).mean(axis=0) > OFTEN)
    found = [compared(values[:, channel], chosen) for channel in moving]
    if values.shape[1] == 1:
        print(f"  {name}: {found[0]}")
        return
    names = [ARKIT_NAMES[channel] for channel in moving]
    order = np.argsort([each.value for each in found])
    above, below = sum(each.low > 1 for each in found), sum(each.high < 1 for each in found)
    ends = ", ".join(f"{names[at]} {found[at]}" for at in (order[0], order[len(order) // 2], order[-1]))
    print(f"  {name}: of {len(found)}, {above} intervals above 1, {below} below; least, middle, most: {ends}")


def redrawn(talker: Talker, speech: Waveform, steps: int) -> Curves:
    """The same motion in windows of other sizes."""
    encoder = Encoder(talker.weights.encoder.backbone, OTHER_WINDOW_FRAMES)
    motion, sampling = talker.weights.motion, Sampling(steps, window=OTHER_WINDOW)
    codes = torch.cat(list(motion.windows(encoder.stream(speech), sampling)))
    return motion.rig.weights(codes).clamp(0, 1).numpy()


def main(question: Question) -> None:
    """Print memory, motion at borders by motion elsewhere, and what other windows change."""
    talker, curves = facetalk.load(device="cpu"), np.zeros((0, len(ARKIT_NAMES)), np.float32)
    for minutes in question.minutes:
        speech = joined(question, minutes)
        clip = talker.animate(speech, performing=Performing(steps=question.steps))
        peak, curves = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE, clip.arkit().weights
        held = (speech.samples.nbytes + clip.codes.values.nbytes) / MEGABYTE**2
        print(f"{minutes:g} minutes: at most {peak:.0f} MB, {held:.0f} of them sound and codes", flush=True)
    for name, window in (("motion", Sampling.window), ("encoder", WINDOW_FRAMES)):
        chosen = borders(len(curves), window)
        print(f"where windows of the {name} meet ({chosen.sum()} frames of {len(curves)}), by elsewhere:")
        for track, values in tracks(curves).items():
            tell(track, values, chosen)
    part = joined(question, min(question.again, question.minutes[-1]))
    again = redrawn(talker, part, question.steps)[:-SETTLING]
    apart = np.abs(again - curves[: len(again)]).max()
    print(f"drawn in other windows, {len(again)} frames: no curve differs by more than {apart:.1g}")


if __name__ == "__main__":
    main(tyro.cli(Question))
