"""`facetalk recording …`: recordings of people become training data."""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from facetalk.cli.command import Out, ReportingJob, progress
from facetalk.errors import InputError
from facetalk.head import model
from facetalk.pipeline.identity import find
from facetalk.pipeline.weights import BUNDLED
from facetalk.recording import batch, captured, check, importing, layout, trial, truth
from facetalk.recording.batch import Outcome, Task
from facetalk.recording.importing import Wanted
from facetalk.recording.newton import FastConfig
from facetalk.recording.paper import PaperConfig
from facetalk.recording.results import REPORT
from facetalk.recording.sequence import Job, SequenceConfig
from facetalk.recording.setup import SetupConfig

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
    neutral: tuple[int, ...] = ()
    """Without an identity: numbers of frames in which the face rests, to fit one to; found by default."""
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
        setup = SetupConfig(neutral=self.neutral)
        config = SequenceConfig(solver=SOLVERS[self.settings], setup=setup, seed=self.seed)
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


@dataclass(frozen=True, kw_only=True)
class Import(ReportingJob):
    """Make recordings of other layouts: scans, VOCASET, Multiface, NeRSemble; or a training folder of a captured take.

    Examples:
      facetalk recording import scans/ --layout scans --rate 30 --unit mm --sound talk.wav -o recordings
      facetalk recording import NERSEMBLE/017 --layout nersemble --sequence SEN-01-cramp_small_danger -o recordings
      facetalk recording import VOCASET --layout vocaset -o recordings
      facetalk recording import take.csv --layout livelink --sound take.mov --subject anna -o dataset
    """

    source: Positional[Path]
    """A folder in the layout, or the take."""
    layout: Literal["scans", "vocaset", "multiface", "nersemble", "livelink"]
    out: Out
    """A folder for recordings; for livelink the dataset."""
    rate: str | None = None
    """Frames a second, exact, where the layout does not fix it."""
    unit: Literal["m", "cm", "mm"] | None = None
    """Of the numbers, where it is not the layout's own."""
    sound: Path | None = None
    """The sound, where the layout does not say."""
    subject: str | None = None
    sequence: str | None = None
    """Name of the sequence; for nersemble the one that is taken, all by default."""
    every: int = 3
    """nersemble: every how manieth of the 73 frames a second is taken."""
    weights: Path | None = None
    """For livelink: a folder with head.safetensors instead of the bundled one."""

    def run_job(self) -> None:
        """Import everything that is found."""
        if self.layout == "livelink":
            made = self._captured()
            self.report({"made": str(made)}, [str(made)])
            return
        rate = None if self.rate is None else layout.rational(self.rate, "--rate")
        wanted = Wanted(rate, self.unit, self.sound, self.subject, self.sequence, self.every)
        rows, lines = [], []
        for found in importing.find(self.source, self.layout, wanted):
            with progress(found.about.name) as watch:
                done = importing.take_in(found, self.out, watch)
            lost = {str(frame): why for frame, why in done.lost.items()}
            rows.append({"recording": str(done.recording.folder), "frames": found.about.frames, "lost": lost})
            lines += [f"{done.recording.folder}: {len(found.frames) - len(lost)} of {found.about.frames} frames"]
            lines += [f"  frame {frame}: {why}" for frame, why in lost.items()]
        self.report({"recordings": rows}, lines)

    def _captured(self) -> Path:
        if self.sound is None:
            raise InputError(f"{self.source}: a take has no sound of its own; give --sound with that of its movie")
        head = model.load((self.weights or BUNDLED) / "head.safetensors")
        return captured.take_in(self.source, self.sound, self.out, head, self.subject or "unknown")


@dataclass(frozen=True, kw_only=True)
class Compare(ReportingJob):
    """Fit the first frames of a virtual recording by several settings, and measure them against the truth.

    Example:
      facetalk recording compare recordings/225_bm_daniel_000019 --truth truth/225_bm_daniel_000019 --frames 26
    """

    recording: Positional[Path]
    """A recording that facetalk record made of a person of a head source."""
    truth: Path
    """Its truth."""
    frames: int = 26
    """How many frames, from the first: 26 are three windows."""
    settings: tuple[str, ...] = ("fast", "fast, frames alone")
    """Of fast; fast, windows alone; fast, frames alone; paper; paper, no Huber; paper, no norm; paper, |SDF| alone."""
    identity: str | None = None
    """Whose recording it is, as for animate; fitted by default."""
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""

    def run_job(self) -> None:
        """Fit, measure, print one line a setting."""
        unknown = [name for name in self.settings if name not in trial.SETTINGS]
        if unknown:
            raise InputError(f"--settings {unknown[0]!r} is unknown; use {'; '.join(trial.SETTINGS)}")
        head = model.load((self.weights or BUNDLED) / "head.safetensors")
        z_id = None if self.identity is None else find(head, self.identity).z_id
        recording, known = layout.read(self.recording), truth.read(self.truth)
        frames = min(self.frames, recording.about.frames)
        rows = []
        for row in trial.run(recording, known, head, z_id, self.settings, frames):
            rows.append(row)
            print(_measured(row), file=sys.stderr, flush=True)
        self.report({"rows": [asdict(row) for row in rows]}, [_measured(row) for row in rows])


def _measured(row: trial.Row) -> str:
    figures = "".join(f"{name} {value:<8.3f}" for name, value in row.figures.items())
    return f"{row.name:<20}{row.seconds_a_frame:<8.2f}{figures}".rstrip()
