"""`facetalk evaluate speed`: what the exact road saves over a dense grid."""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch

import facetalk
from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.cli.command import ReportingJob
from facetalk.evaluation import speed
from facetalk.evaluation.speed import SpeedTest
from facetalk.head.kinds import rig_of
from facetalk.pipeline.actor import Actor

OPENING = (0.2, 0.25)
"""jawOpen in the frames that are timed, one after the other."""


@dataclass(frozen=True, kw_only=True)
class Speed(SpeedTest, ReportingJob):
    """Time the exact road beside the reference method, every member at every node of a dense grid, on the same weights.

    Some planes of the dense grid are timed and the rest is counted.

    Example:
      facetalk evaluate speed --planes 4
    """

    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""

    def run_job(self) -> None:
        """Time and report."""
        talker = facetalk.load(self.weights, device="cpu")
        actor = Actor(talker.weights.head, talker.identity(self.identity).z_id)
        weights = torch.zeros(self.frames, len(ARKIT_NAMES))
        weights[:, ARKIT_INDEX["jawOpen"]] = torch.linspace(*OPENING, self.frames)
        found = speed.measure(actor, rig_of(talker.weights.head)(weights), self)
        self.report(asdict(found), found.lines())
