"""`facetalk evaluate motion|sweep` and `facetalk head evaluate`: figures on held-out data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from jaxtyping import Float
from torch import Tensor

import facetalk
from facetalk.cli.command import ReportingJob, progress
from facetalk.data import ict
from facetalk.evaluation import head as head_test
from facetalk.evaluation import mean_head, pages, proof, talking, transfer
from facetalk.evaluation.comparison import Comparison
from facetalk.evaluation.head import HeadTest, Person, Scan
from facetalk.evaluation.proof import Proof
from facetalk.evaluation.transfer import TransferTest
from facetalk.head.fitting import Cloud
from facetalk.training import head_data, head_deformation, head_identity

Report = Annotated[Path | None, tyro.conf.arg(aliases=["-o"])]
"""A folder to write, if any."""


@dataclass(frozen=True, kw_only=True)
class TalkingJob(ReportingJob):
    """What speaks, and where the report goes."""

    output: Report = None
    """A folder for the report; measured takes are kept there."""
    weights: Path | None = None
    """A folder with head, speech and motion .safetensors instead of the bundled ones."""
    device: str = "auto"
    """auto, cpu, cuda …"""


@dataclass(frozen=True, kw_only=True)
class Motion(Proof, TalkingJob):
    """Measure motion in speech against held-out performances, beside baselines, rivals and what must fail.

    Every figure comes with its interval over clips. With -o, a folder receives report.json, report.md and pictures of
    curves, errors by phone and spectra, and keeps what was measured: the same command goes on after a stop.

    Example:
      facetalk evaluate motion --data sets/performances --clips 8 --takes 2 -o out/motion
    """

    def run_job(self) -> None:
        """Measure and report."""
        talker = facetalk.load(self.weights, device=self.device)
        with progress("takes") as watch:
            compared = proof.prove(talker, self, self.output, watch)
        figures, rows = compared.json(), _lines(compared, self.output)
        if self.knockouts:
            figures["shift_frames"] = talking.shifts(talker, self)
            figures["silence_speed"] = talking.in_silence(talker, self)
            rows.append(f"in 10 s of silence lips move at {figures['silence_speed']:.4f} of their speed in speech")
            rows.append(f"200 ms of silence in front move the lips by {sorted(set(figures['shift_frames']))} frames")
        self.report(figures, rows)


@dataclass(frozen=True, kw_only=True)
class Sweep(proof.Sweep, TalkingJob):
    """Measure our motion at several strengths of guidance and with several numbers of steps, and what steps cost.

    Example:
      facetalk evaluate sweep --data sets/performances --guidances 0 1 2 4 --step-counts 1 4 8 50 -o out/sweep
    """

    def run_job(self) -> None:
        """Measure and report."""
        talker = facetalk.load(self.weights, device=self.device)
        with progress("takes") as watch:
            compared = proof.sweep(talker, self, self.output, watch)
        self.report(compared.json(), _lines(compared, self.output))


def _lines(compared: Comparison, folder: Path | None) -> list[str]:
    """The table for people, and where the report lies."""
    names = list(dict.fromkeys(figure for row in compared.rows.values() for figure in row.figures))
    lines = [" " * 28 + "".join(f"{row:>26}" for row in compared.rows)]
    for name in names:
        cells = (str(row.figures.get(name, "")) for row in compared.rows.values())
        lines.append(f"{name:<28}" + "".join(f"{cell:>26}" for cell in cells))
    if "LSE-D" not in names:
        lines.append("LSE is left out: give --judge weights of python -m facetalk.training.sync_judge")
    if folder is not None:
        lines += [str(path) for path in pages.write(compared, folder)]
    return lines


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
    transferred: int = TransferTest().count
    """People drawn from the prior who are all given the same codes."""
    opened: int = 10
    """Held-out people whose lips and lids are compared with their source meshes, where `ict` is given."""
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""
    ict: Path | None = None
    """Root of an ICT-FaceKit checkout: also compares lips and lids of the mean head and of held-out people with their
    source meshes, and gives the source's own meshes of the same people the same codes."""

    def run_job(self) -> None:
        """Measure and report."""
        head = facetalk.load(self.weights, device="cpu").weights.head
        data = head_data.read(self.data)
        figures: dict = {"field": head_identity.evaluate(head, data)}
        if self.ict is not None:
            source = ict.read(self.ict)
            figures |= {f"mean head, {name}": row for name, row in mean_head.openings(head, source).items()}
            with progress("lips and lids beside source meshes") as watch:
                people = _weights_of(data, source.name)[: self.opened]
                compared = mean_head.compared(head, source, people, watch)
            figures |= {f"held-out people, {name}": row for name, row in compared.items()}
            with progress("source meshes given the same codes") as watch:
                figures |= _given("source, ", transfer.evaluate_source(source, self._transfer, watch))
        figures["posed"] = head_deformation.evaluate(head, head, data, data.scans_of(data.test), self.posed)
        with progress("people") as watch:
            figures |= head_test.evaluate(head, held_out(data, self.people, self.scans), self, watch)
        with progress("people given the same codes") as watch:
            figures |= _given("", transfer.evaluate(head, self._transfer, watch))
        rows = [f"{part:<26}{name:<26}{value:.3f}" for part, row in figures.items() for name, value in row.items()]
        self.report(figures, rows)

    @property
    def _transfer(self) -> TransferTest:
        return TransferTest(self.transferred)


def _given(whose: str, table: transfer.Table) -> dict[str, dict[str, float]]:
    """A table of transferred codes as rows."""
    return {f"{whose}{name}, {code}": row for name, codes in table.items() for code, row in codes.items()}


def _weights_of(data: head_data.HeadSet, source: str) -> list[Float[Tensor, " mode"]]:
    """Weights of the held-out people of a source."""
    people = data.test.tolist()
    return [data.own_weights(identity) for identity in people if data.source_of(identity) == source]


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
