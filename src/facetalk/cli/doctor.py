"""`facetalk doctor`: what this machine can run, and what is missing."""

import os
import platform
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import av
import torch

from facetalk import compiled
from facetalk.cli.command import ReportingJob
from facetalk.device import pick
from facetalk.errors import FacetalkError
from facetalk.pipeline.side_by_side import cores
from facetalk.pipeline.weights import BUNDLED, Weights

CODECS = {"libx264": "w", "aac": "w", "mp3": "r", "vorbis": "r"}
"""What is written to videos and read from recordings."""
OPTIONAL = {"igl": "train", "onnxruntime": "train", "matplotlib": "train", "anny": "anny"}
"""Module → the extra that brings it."""


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    fine: bool
    found: str


@dataclass(frozen=True, kw_only=True)
class Doctor(ReportingJob):
    """Say what this machine can run and what is missing, one line each.

    Example:
      facetalk doctor --json
    """

    weights: Path = BUNDLED
    """The weights folder to look at."""
    device: str = "auto"
    """auto, cpu, cuda …"""

    def run_job(self) -> None:
        """Look at everything."""
        findings = list(self.findings())
        marks = {True: "ok     ", False: "missing"}
        lines = [f"{marks[finding.fine]}  {finding.name:<10}{finding.found}" for finding in findings]
        self.report({"findings": [asdict(finding) for finding in findings]}, lines)

    def findings(self) -> Iterator[Finding]:
        """Every line."""
        yield Finding("python", True, f"{platform.python_version()} on {platform.platform(terse=True)}")
        yield Finding("torch", True, torch.__version__)
        yield _tried("device", lambda: str(pick(self.device)))
        yield Finding("cores", True, f"{cores()} cores may be used")
        missing = [name for name, mode in CODECS.items() if not _has_codec(name, mode)]
        yield Finding("codecs", not missing, f"no {', '.join(missing)} in PyAV" if missing else ", ".join(CODECS))
        yield from self.models()
        yield _cache()
        absent = sorted({extra for module, extra in OPTIONAL.items() if find_spec(module) is None})
        hint = f"without {', '.join(absent)}: pip install 'facetalk[{','.join(absent)}]' to train or make data"
        yield Finding("extras", True, hint if absent else "all installed")

    def models(self) -> Iterator[Finding]:
        """The three models, and whether they belong together."""
        weights = Weights(self.weights)
        yield _tried("head", lambda: f"{weights.head.hash} in {weights.path('head')}")
        yield _tried("speech", lambda: f"{weights.encoder.hash} in {weights.path('speech')}")
        yield _tried("motion", lambda: f"{weights.motion and weights.motion_hash}, made for this head and encoder")


def _tried(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except FacetalkError as error:
        return Finding(name, False, str(error))


def _has_codec(name: str, mode: str) -> bool:
    try:
        av.Codec(name, mode)  # type: ignore[arg-type]
    except ValueError:
        return False
    return True


def _cache() -> Finding:
    """Where compiled loops are kept: beside the source, or in numba's folder."""
    folder = Path(os.environ.get("NUMBA_CACHE_DIR", Path(compiled.__file__).parent))
    fine = os.access(folder, os.W_OK)
    about = "keeps compiled loops" if fine else "is read-only; set NUMBA_CACHE_DIR to a folder of yours"
    return Finding("cache", fine, f"{folder} {about}")
