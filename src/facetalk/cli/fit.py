"""`facetalk head fit`: a scan of somebody to a head that speaks."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from tyro.conf import Positional

import facetalk
from facetalk.cli.command import Out, ReportingJob, Stages, progress
from facetalk.errors import InputError
from facetalk.export.place import beside, check_place
from facetalk.fitting import landmarks as marked
from facetalk.fitting import scan as scans
from facetalk.fitting.fit import Fitter, ScanFit, ScanFitConfig
from facetalk.fitting.residual import residual
from facetalk.head.model import Head
from facetalk.pipeline.presenter import LARGEST_PIXELS, SMALLEST_PIXELS
from facetalk.render.sheet import check_picture, write_picture


@dataclass(frozen=True, kw_only=True)
class Fit(ReportingJob):
    """Find a person's head in a scan: a mesh or a cloud of points, whole or partial, in any pose.

    Examples:
      facetalk head fit scan.ply -o head.npz --picture residual.png
      facetalk head fit face.npz -o head.npz --unit mm --landmarks marks.json
      facetalk animate voice.mp3 -o talk.mp4 --identity head.npz
    """

    scan: Positional[Path]
    """A mesh or cloud: .ply, .obj, or .npz with points (n × 3) and, if known, normals and faces."""
    out: Out
    """An .npz with the identity code, the expression code and the pose; give it to --identity."""
    overwrite: bool = False
    """Replace what is there already."""
    unit: Literal["auto", "m", "cm", "mm"] = "auto"
    """Of the scan's numbers; found from size and fit by default."""
    landmarks: Path | None = None
    """A JSON file {"nose_tip": [x, y, z], …} in the scan's numbers; only needed when alignment fails."""
    picture: Path | None = None
    """A .png or .jpg of the fitted head coloured by its distance from the scan."""
    size: int = 480
    """Height of each view in the picture, in pixels."""
    steps: int = ScanFitConfig().codes.steps
    """Steps of the fit."""
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""
    seed: int = 0
    """Draws the points that are looked at."""

    def run_job(self) -> None:
        """Read, align, fit, write."""
        self.check()
        stages = Stages()
        with stages.timed("read"):
            scan = scans.read(self.scan)
            places = None if self.landmarks is None else marked.read(self.landmarks)
        config = ScanFitConfig(replace(ScanFitConfig().codes, steps=self.steps, seed=self.seed))
        head = facetalk.load(self.weights, device="cpu").weights.head
        if not isinstance(head, Head):
            raise InputError(f"{self.weights}: scans are fitted with heads in our own format, not with imported ones")
        with stages.timed("fit"), progress("steps") as watch:
            found = Fitter(head, config)(scan, unit=self.unit, landmarks=places, watch=watch)
        with stages.timed("measure"):
            measured = residual(head, found, scan)
            figures = measured.figures(scan)
        write(self.out, head, found)
        if self.picture is not None:
            write_picture(measured.picture(self.size), self.picture)
        rows = [f"{name:<20}{_shown(value)}" for name, value in figures.items()]
        self.report({"out": str(self.out), **figures, "stages_s": stages.rounded()}, [str(self.out), *rows])

    def check(self) -> None:
        """Refuse what cannot be done before any work is.

        Raises:
            InputError: a place cannot be written, or a number is out of range.
        """
        check_place(self.out, overwrite=self.overwrite)
        if self.out.suffix != ".npz":
            raise InputError(f"-o {self.out}: a head is kept in an .npz; write for example {self.out.stem}.npz")
        if self.picture is not None:
            check_picture(self.picture)
            check_place(self.picture, overwrite=self.overwrite)
        if self.steps < 1:
            raise InputError(f"--steps {self.steps} fits nothing; use for example {ScanFitConfig().codes.steps}")
        if not SMALLEST_PIXELS <= self.size <= LARGEST_PIXELS:
            raise InputError(f"--size {self.size} makes no picture; use {SMALLEST_PIXELS} to {LARGEST_PIXELS}")


def write(path: Path, head: Head, found: ScanFit) -> None:
    """Keep a fitted person where `--identity` finds them."""
    arrays = {
        "z_id": found.z_id.numpy(),
        "code": found.code.numpy(),
        "T_head_scan": found.T_head_scan,
        "unit": np.array(found.unit),
        "identity": np.array(path.stem),
        "head_hash": np.array(head.hash),
    }
    with beside(path) as partial:
        np.savez_compressed(partial, **arrays)


def _shown(value: float | int | str) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
