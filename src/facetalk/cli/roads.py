"""`facetalk evaluate mesh`: how far the quick roads are from the exact one, and what they cost."""

from dataclasses import dataclass
from pathlib import Path

import facetalk
from facetalk.cli.command import ReportingJob, progress
from facetalk.cli.demo import LINE
from facetalk.evaluation import roads
from facetalk.evaluation.roads import RoadTest
from facetalk.pipeline.actor import Actor


@dataclass(frozen=True, kw_only=True)
class Mesh(RoadTest, ReportingJob):
    """Compare the fast and the tracked road with the exact one on spoken frames, in millimetres.

    Examples:
      facetalk evaluate mesh
      facetalk evaluate mesh --speech voice.wav --identities ada seed:7 --frames 30 --json
    """

    speech: Path = LINE
    """A recording; the bundled line by default."""
    seed: int = 0
    """Of the motion."""
    smoothing: bool = True
    """Facial smoothing."""
    weights: Path | None = None
    """A folder with head, speech and motion .safetensors instead of the bundled ones."""
    device: str = "auto"
    """auto, cpu, cuda …"""

    def run_job(self) -> None:
        """Measure and report."""
        talker = facetalk.load(self.weights, device=self.device)
        people = [talker.identity(name) for name in self.identities]
        codes = talker.animate(self.speech, identity=people[0], seed=self.seed).codes.values
        actors = [Actor(talker.weights.head, person.z_id, self.smoothing) for person in people]
        with progress("frames") as watch:
            measured = roads.evaluate(actors, codes, self, watch)
        self.report({name: road.json() for name, road in measured.items()}, list(roads.table(measured)))
