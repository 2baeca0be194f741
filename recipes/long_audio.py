"""Half an hour of speech in one go: whether memory stays flat, and whether motion knows where windows meet.

python recipes/long_audio.py PERFORMANCES [MINUTES]
"""

import resource
import sys
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

import facetalk
from facetalk.evaluation.interval import Interval, ratio
from facetalk.evaluation.talking import TalkingTest, entries
from facetalk.motion import Sampling
from facetalk.rig.lips import lip_shapes
from facetalk.speech import waveform
from facetalk.speech.encoder import WINDOW_FRAMES
from facetalk.types import FRAME_RATE, SAMPLE_RATE, Waveform

NEAR = 2
"""Frames on each side of a border that belong to it."""
STRETCH = 300
"""Frames that are drawn together for intervals."""
MEGABYTE = 1024
"""In the units of `ru_maxrss` (Linux)."""


def joined(performances: Path, minutes: float) -> Waveform:
    """Held-out clips one after the other, and again, for so long."""
    wanted = round(minutes * 60 * SAMPLE_RATE)
    clips = [
        waveform.read(entry.audio).samples for entry in entries(TalkingTest(performances, language=""), "test", 400)
    ]
    samples = np.concatenate(clips)
    return Waveform(np.tile(samples, -(-wanted // len(samples)))[:wanted])


def borders(frames: int, window: int) -> Bool[np.ndarray, " frame"]:
    """Frames about the beginnings of all windows but the first."""
    about: Int[np.ndarray, " frame"] = (np.arange(frames) + NEAR) % window
    return (about < 2 * NEAR) & (np.arange(frames) >= window - NEAR)


def compared(values: Float[np.ndarray, " frame"], chosen: Bool[np.ndarray, " frame"]) -> Interval:
    """Mean at the chosen frames by the mean at all others, drawing stretches anew."""
    mean = values[~chosen].mean()
    parts = zip(*(np.array_split(part, -(-len(values) // STRETCH)) for part in (values, chosen)), strict=True)
    return ratio([(float(part[at].sum()) / mean, float(at.sum())) for part, at in parts])


def main(performances: Path, minutes: float) -> None:
    """Print memory, and motion at borders by motion elsewhere."""
    talker = facetalk.load()
    for length in (minutes / 10, minutes):
        curves = talker.animate(joined(performances, length)).arkit().weights
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
        print(f"{length:g} minutes: {len(curves)} frames, at most {peak:.0f} MB")
    lips, rate = lip_shapes(curves), float(FRAME_RATE)
    tracks = {
        "step of the lips": np.abs(np.diff(lips[:, 0], prepend=lips[0, 0])) * rate,
        "step of all curves": np.linalg.norm(np.diff(curves, axis=0, prepend=curves[:1]), axis=1) * rate,
        "jitter of all curves": np.linalg.norm(np.diff(curves, 3, axis=0, prepend=curves[:3]), axis=1),
        "lips apart": lips[:, 0],
    }
    for name, window in (("motion", Sampling.window), ("encoder", WINDOW_FRAMES)):
        chosen = borders(len(curves), window)
        for track, values in tracks.items():
            found = compared(values, chosen)
            print(f"{track} where windows of the {name} meet ({chosen.sum()} frames), by elsewhere: {found}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float((sys.argv[2:] or ["30"])[0]))
