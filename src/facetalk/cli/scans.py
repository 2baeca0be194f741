"""`facetalk evaluate scans`: damaged scans of held-out people."""

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import facetalk
from facetalk.cli.command import ReportingJob
from facetalk.cli.evaluate import held_out
from facetalk.evaluation import scans as damaged
from facetalk.evaluation.damage import DAMAGES
from facetalk.fitting import scan as reading
from facetalk.fitting.fit import Fitter, ScanFitConfig
from facetalk.fitting.residual import residual
from facetalk.training import head_data


@dataclass(frozen=True, kw_only=True)
class Scans(ReportingJob):
    """Damage scans of held-out people on purpose and see whether their heads are found.

    A call that was interrupted goes on where it was.

    Example:
      facetalk evaluate scans --data sets/heads --out runs/scans
    """

    data: Path
    """A head set, as facetalk data heads writes it."""
    out: Path
    """A folder: receives rows.jsonl, what became of each scan."""
    scans: int = 20
    """Held-out people, one scan of each for every kind of damage."""
    damages: tuple[str, ...] = tuple(DAMAGES)
    """Kinds of damage."""
    steps: int = ScanFitConfig().codes.steps
    """Steps of each fit."""
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""

    def run_job(self) -> None:
        """Damage, fit, compare."""
        head = facetalk.load(self.weights, device="cpu").weights.head
        fitter = Fitter(head, ScanFitConfig(replace(ScanFitConfig().codes, steps=self.steps)))

        def fit(path: Path) -> damaged.Found:
            scan = reading.read(path)
            found = fitter(scan)
            beside = residual(head, found, scan)
            said = {name: value for name, value in beside.figures(scan).items() if isinstance(value, float)}
            return damaged.Found(beside.mesh, found.T_head_scan, said)

        people = held_out(head_data.read(self.data), self.scans, 3)
        rows = []
        version = f"{head.hash} {json.dumps(asdict(fitter.config))}"
        for row in damaged.evaluate(people, fit, self.damages, self.out / "rows.jsonl", version):
            rows.append(row)
            print(row.line, file=sys.stderr, flush=True)
        lines = [f"{line[0]:<16}" + "".join(f"{cell:<9}" for cell in line[1:]).rstrip() for line in damaged.table(rows)]
        self.report({"rows": [asdict(row) | {"outcome": row.outcome} for row in rows]}, lines)
