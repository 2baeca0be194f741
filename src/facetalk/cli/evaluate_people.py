"""`facetalk evaluate people`: whether people drawn from the prior are whole, various and new."""

from dataclasses import dataclass
from pathlib import Path

import facetalk
from facetalk.cli.command import ReportingJob, progress
from facetalk.cli.people import compact, counted
from facetalk.evaluation import people
from facetalk.evaluation.people import PeopleTest
from facetalk.training.trained_people import trained_codes


@dataclass(frozen=True, kw_only=True)
class People(PeopleTest, ReportingJob):
    """Test people drawn from the prior: floating parts, tears and tunnels, lips and lids that shut, variety, novelty.

    Example:
      facetalk evaluate people --data sets/heads --count 200 --json
    """

    data: tuple[Path, ...]
    """The sets that the head was trained on, as facetalk data heads writes them."""
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""

    def run_job(self) -> None:
        """Measure and report."""
        counted(self.first, self.count)
        self.surface.check()
        head = compact(facetalk.load(self.weights, device="cpu"))
        trained = trained_codes(head, self.data)
        with progress("people") as watch:
            figures = people.evaluate(head, self, trained, watch)
        rows = [
            f"{part:<18}{name:<30}{f'{value:.3f}' if isinstance(value, float) else value}"
            for part, row in figures.items()
            for name, value in row.items()
        ]
        self.report(figures, rows)
