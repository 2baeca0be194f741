"""The performance generator against the real capture: do jaw and rounding spread and hurry alike?

    python -m facetalk.evaluation.generator --performances DIR --facegood DIR

prints the comparison as JSON.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float

from facetalk.arkit import ARKIT_INDEX
from facetalk.data import capture, facegood, performance_files
from facetalk.data.facegood import Recording
from facetalk.data.loudness import listen
from facetalk.data.performances import envelope
from facetalk.evaluation import lips
from facetalk.evaluation.calibration import ChannelMatch, Track, match, speech_frames
from facetalk.rig.curves import midpoints
from facetalk.types import FRAME_RATE

EVERY = 4
"""Only each fourth generated clip is read; 600 clips are plenty."""


@dataclass(frozen=True)
class GeneratorReport:
    """Generated against captured."""

    jaw: ChannelMatch
    rounding: ChannelMatch


def report(performances: Path, capture_folder: Path) -> GeneratorReport:
    """Compare the generated clips of a performance set with a FACEGOOD folder.

    Raises:
        InputError: a folder is not as documented.
    """
    entries = [entry for entry in performance_files.read_index(performances) if entry.kind == "generated"]
    clips = [performance_files.read(performances, entry.id) for entry in entries[::EVERY]]
    takes = facegood.read(capture_folder)
    spoken = [speech_frames(clip.envelope) for clip in clips]
    captured = [speech_frames(envelope(listen(t.speech), midpoints(len(t.curves), FRAME_RATE))) for t in takes]

    def compare(
        ours: Callable[[Float[np.ndarray, "frame 52"]], Float[np.ndarray, " frame"]],
        theirs: Callable[[Recording], Float[np.ndarray, " frame"]],
    ) -> ChannelMatch:
        generated = [Track(ours(clip.weights), speech) for clip, speech in zip(clips, spoken, strict=True)]
        real = [Track(theirs(take), speech) for take, speech in zip(takes, captured, strict=True)]
        return match(generated, real, float(FRAME_RATE))

    jaw = compare(lambda weights: weights[:, ARKIT_INDEX["jawOpen"]], lambda take: take.channel(facegood.JAW))
    return GeneratorReport(jaw, compare(lips.rounding, capture.rounding))


@dataclass(frozen=True)
class GeneratorCheck:
    """What to compare."""

    performances: Path
    facegood: Path


def main(check: GeneratorCheck) -> None:
    """Print the comparison as JSON."""
    print(json.dumps(asdict(report(check.performances, check.facegood)), indent=1))


if __name__ == "__main__":
    main(tyro.cli(GeneratorCheck))
