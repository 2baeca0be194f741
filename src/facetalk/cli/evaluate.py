"""`facetalk evaluate motion` and `facetalk head evaluate`: figures on held-out data."""

from dataclasses import dataclass
from pathlib import Path

import facetalk
from facetalk.cli.command import ReportingJob, progress
from facetalk.data import ict
from facetalk.evaluation import head as head_test
from facetalk.evaluation import mean_head, talking
from facetalk.evaluation.head import HeadTest, Person, Scan
from facetalk.evaluation.talking import TalkingTest
from facetalk.head.fitting import Cloud
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
        rows = ["".join(f"{cell:<21}" for cell in row) for row in talking.table(measured)]
        figures = measured.json()
        if self.knockouts:
            figures["shift_frames"] = talking.shifts(talker, self)
            figures["silence_speed"] = talking.in_silence(talker, self)
            rows.append(f"in 10 s of silence lips move at {figures['silence_speed']:.4f} of their speed in speech")
            rows.append(f"200 ms of silence in front move the lips by {sorted(set(figures['shift_frames']))} frames")
        self.report(figures, rows)


@dataclass(frozen=True, kw_only=True)
class Head(HeadTest, ReportingJob):
    """Measure a head on people and poses it never saw, in millimetres.

    Example:
      facetalk head evaluate --data sets/heads --json
    """

    data: Path
    """A head set, as facetalk data heads writes it."""
    posed: int = 100
    """Posed heads whose field and correspondences are measured, spread evenly over the held-out ones."""
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""
    ict: Path | None = None
    """Root of an ICT-FaceKit checkout: also compares lips and lids of the mean head with the source mesh."""

    def run_job(self) -> None:
        """Measure and report."""
        head = facetalk.load(self.weights, device="cpu").weights.head
        data = head_data.read(self.data)
        figures: dict = {"field": head_identity.evaluate(head, data)}
        if self.ict is not None:
            poses = mean_head.openings(head, ict.read(self.ict))
            figures |= {f"mean head, {name}": row for name, row in poses.items()}
        figures["posed"] = head_deformation.evaluate(head, head, data, data.scans_of(data.test), self.posed)
        with progress("people") as watch:
            figures |= head_test.evaluate(head, held_out(data, self.people, self.scans), self, watch)
        rows = [f"{part:<26}{name:<26}{value:.3f}" for part, row in figures.items() for name, value in row.items()]
        self.report(figures, rows)


def held_out(data: head_data.HeadSet, people: int, scans: int) -> list[Person]:
    """Some held-out people of a head set with their first scans, every surface point of them."""
    found = []
    for identity in data.test[:people]:
        rows = data.scans_of(identity[None])[:scans]
        weights, surface = data.scans["weights"][rows].float(), data.surfaces(rows)
        clouds = [Cloud(points, normals) for points, normals in zip(*surface, strict=True)]
        regions = data.scans["region"][rows]
        found.append(
            Person(
                data.own_weights(int(identity)),
                tuple(map(Scan, weights, clouds, regions)),
                data.source_of(int(identity)),
            )
        )
    return found
