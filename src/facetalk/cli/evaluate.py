"""`facetalk evaluate motion` and `facetalk head evaluate`: figures on held-out data."""

from dataclasses import dataclass
from pathlib import Path

import facetalk
from facetalk.cli.command import ReportingJob, progress
from facetalk.evaluation import talking
from facetalk.evaluation.talking import TalkingTest


@dataclass(frozen=True, kw_only=True)
class Motion(TalkingTest, ReportingJob):
    """Measure lips in speech against held-out performances, beside loudness, phoneme rules and mean motion.

    Example:
      facetalk evaluate motion --data sets/performances --json
    """

    weights: Path | None = None
    """A folder with head, speech and motion .safetensors instead of the bundled ones."""
    device: str = "auto"
    """auto, cpu, cuda …"""

    def run(self) -> None:
        """Measure and report."""
        talker = facetalk.load(self.weights, device=self.device)
        with progress("clips") as watch:
            measured = talking.evaluate(talker, self, watch)
        rows = ["".join(f"{cell:<18}" for cell in row) for row in talking.table(measured)]
        self.report(measured.json(), rows)
