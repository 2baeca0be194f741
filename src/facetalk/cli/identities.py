"""`facetalk identities`: who can speak."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

import facetalk
from facetalk.cli.command import ReportingJob
from facetalk.export.place import check_place
from facetalk.pipeline.gallery import portraits
from facetalk.pipeline.identity import DEFAULT, NAMED_SEEDS
from facetalk.pipeline.presenter import View
from facetalk.pipeline.roads import Surface
from facetalk.render.sheet import write_picture


@dataclass(frozen=True, kw_only=True)
class Identities(ReportingJob):
    """List the named heads; with -o, draw them on one sheet.

    Examples:
      facetalk identities
      facetalk identities -o heads.png
    """

    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """A .png or .jpg with every named head."""
    overwrite: bool = False
    """Replace what is there already."""
    hairstyle: str | None = None
    """One hairstyle on everybody: a style such as long, a beard such as goatee, both as in crop+beard, or none."""
    view: View = field(default_factory=lambda: View(size=320))
    surface: Surface = field(default_factory=Surface)
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""
    head: Path | None = None
    """Another head than the weights': its file or folder, for example an imported one."""
    device: str = "auto"
    """auto, cpu, cuda …"""

    def run_job(self) -> None:
        """List, and draw where asked."""
        if self.out is not None:
            check_place(self.out, overwrite=self.overwrite)
            talker = facetalk.load(self.weights, device=self.device, head=self.head)
            people = [talker.identity(name, self.hairstyle) for name in NAMED_SEEDS]
            write_picture(portraits(talker.weights.head, people, self.view, self.surface), self.out)
        lines = [f"{name}{' (default)' if name == DEFAULT else ''}" for name in NAMED_SEEDS]
        found = {"identities": list(NAMED_SEEDS), "default": DEFAULT, "sheet": self.out and str(self.out)}
        self.report(found, [*lines, "seed:N  any whole number N", *([str(self.out)] if self.out else [])])
