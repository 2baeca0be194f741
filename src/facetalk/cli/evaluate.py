"""`facetalk evaluate motion` and `facetalk head evaluate`: figures on held-out data."""

from dataclasses import dataclass
from pathlib import Path

import facetalk
from facetalk.cli.command import ReportingJob, progress
from facetalk.evaluation import talking
from facetalk.evaluation.talking import TalkingTest
from facetalk.training import head_data, head_deformation, head_identity


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

    def run_job(self) -> None:
        """Measure and report."""
        talker = facetalk.load(self.weights, device=self.device)
        with progress("clips") as watch:
            measured = talking.evaluate(talker, self, watch)
        rows = ["".join(f"{cell:<18}" for cell in row) for row in talking.table(measured)]
        self.report(measured.json(), rows)


@dataclass(frozen=True, kw_only=True)
class Head(ReportingJob):
    """Measure a head on people and poses it never saw, in millimetres.

    Example:
      facetalk head evaluate --data sets/heads --json
    """

    data: Path
    """A head set, as facetalk data heads writes it."""
    scans: int = 100
    """Posed heads to measure, spread evenly over the held-out ones."""
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""

    def run_job(self) -> None:
        """Measure and report."""
        head = facetalk.load(self.weights, device="cpu").weights.head
        data = head_data.read(self.data)
        figures = head_identity.evaluate(head, data)
        figures |= head_deformation.evaluate(head, head, data, data.scans_of(data.test), self.scans)
        self.report(figures, [f"{name:<28}{value:.3f}" for name, value in figures.items()])
