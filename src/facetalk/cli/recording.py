"""`facetalk recording …`: recordings of people become training data."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from facetalk.cli.command import Out, ReportingJob, progress
from facetalk.errors import InputError
from facetalk.pipeline.weights import BUNDLED
from facetalk.recording import batch, check, layout
from facetalk.recording.batch import Outcome, Task
from facetalk.recording.newton import FastConfig
from facetalk.recording.paper import PaperConfig
from facetalk.recording.results import REPORT
from facetalk.recording.sequence import Job, SequenceConfig

SOLVERS = {"fast": FastConfig(), "paper": PaperConfig()}
"""Settings by name."""


@dataclass(frozen=True, kw_only=True)
class Check(ReportingJob):
    """Name everything that is wrong with a recording; exit code 2 where it cannot be used.

    Example:
      facetalk recording check recordings/017_read-01
    """

    recording: Positional[Path]
    """A folder with recording.json, sound and a file for each frame (docs/recordings.md)."""

    def run_job(self) -> None:
        """Look at sound, cameras and every frame."""
        recording = layout.read(self.recording)
        with progress("frames") as watch:
            found = check.check(recording, watch)
        about = recording.about
        good = about.frames - len(found.bad_frames)
        head = f"{recording.folder}: {good} of {about.frames} frames good, {about.rate} a second, {found.seconds:.2f} s"
        self.report(found.json(), [head, *(fault.line for fault in found.faults)])
        if not found.usable:
            fatal = next(fault for fault in found.faults if fault.fatal)
            raise InputError(f"{recording.folder}: cannot be used: {fatal.kind}, {fatal.says}")


@dataclass(frozen=True, kw_only=True)
class Fit(ReportingJob):
    """Fit expression codes to recordings, for training: windows of frames, tied over time. Goes on where it stopped.

    Examples:
      facetalk recording fit recordings/017_read-01 -o dataset
      facetalk recording fit recordings -o dataset --workers 8 --identity head.npz
      facetalk data recordings --dataset dataset --output sets/recorded
    """

    recordings: Positional[tuple[Path, ...]]
    """Recordings, or folders of them."""
    out: Out
    """The dataset: gets a folder <subject>_<sequence> for each."""
    identity: str | None = None
    """Whose they are, as for animate (head fit writes such files); by default fitted with the codes."""
    settings: Literal["fast", "paper"] = "fast"
    """Our own settings, or the paper's, two hundred times as slow."""
    seed: int = 0
    """Draws the points that are looked at."""
    workers: int = 1
    """Processes, each with a sequence of its own; results are the same however many."""
    ray: str | None = None
    """Address of a Ray cluster to work on instead, or auto; needs pip install 'facetalk[ray]'."""
    preview: bool = True
    """Write preview.mp4 beside the codes."""
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""

    def run_job(self) -> None:
        """Fit them all, then say how well."""
        config = SequenceConfig(solver=SOLVERS[self.settings], seed=self.seed)
        head = (self.weights or BUNDLED) / "head.safetensors"
        tasks = [
            Task(Job(folder, self.out, config), head, self.identity, self.preview)
            for folder in batch.found(self.recordings)
        ]
        begun = time.perf_counter()
        with progress("fit") as watch:
            going = (
                batch.run(tasks, self.workers, watch) if self.ray is None else batch.run_on_ray(tasks, self.ray, watch)
            )
            outcomes = sorted(going, key=lambda outcome: outcome.recording)
        rows = [_row(outcome) for outcome in outcomes]
        refused = [outcome.refusal for outcome in outcomes if outcome.made is None]
        figures = {"sequences": rows, "refused": len(refused), "seconds": round(time.perf_counter() - begun, 1)}
        self.report(figures, [_line(row) for row in rows])
        if refused:
            raise InputError(f"{len(refused)} of {len(rows)} recordings could not be fitted; the first: {refused[0]}")


def _row(outcome: Outcome) -> dict:
    if outcome.made is None:
        return {"recording": str(outcome.recording), "refused": outcome.refusal}
    found = json.loads((outcome.made / REPORT).read_text("utf-8"))
    kept = {name: found[name] for name in ("frames", "bad_frames", "residual_mm", "inliers")}
    return {"recording": str(outcome.recording), "made": str(outcome.made), **kept}


def _line(row: dict) -> str:
    if "refused" in row:
        return f"{row['recording']}: REFUSED {row['refused']}"
    bad = "".join(f"\n  frame {frame}: {flag}" for frame, flag in row["bad_frames"].items())
    return f"{row['made']}: {row['frames']} frames, residual {row['residual_mm']:.2f} mm{bad}"
