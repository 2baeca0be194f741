"""`facetalk head …`: train, measure and look at heads."""

from dataclasses import dataclass, field
from pathlib import Path

import facetalk
from facetalk.cli.command import Job, Out
from facetalk.export.place import check_place
from facetalk.pipeline.gallery import poses
from facetalk.pipeline.identity import DEFAULT
from facetalk.pipeline.presenter import View
from facetalk.pipeline.roads import Surface
from facetalk.render.sheet import write_picture


@dataclass(frozen=True, kw_only=True)
class Show(Job):
    """Draw one face in several poses on one sheet.

    Examples:
      facetalk head show -o poses.png
      facetalk head show -o poses.png --identity seed:5 --camera three-quarter --weights runs/head
    """

    out: Out
    """A .png or .jpg."""
    overwrite: bool = False
    """Replace what is there already."""
    identity: str = DEFAULT
    """A name, seed:N, or an .npz file."""
    view: View = field(default_factory=lambda: View(size=320))
    surface: Surface = field(default_factory=Surface)
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""
    head: Path | None = None
    """Another head than the weights': its file or folder, for example an imported one."""
    device: str = "auto"
    """auto, cpu, cuda …"""

    def run_job(self) -> None:
        """Draw the sheet."""
        check_place(self.out, overwrite=self.overwrite)
        talker = facetalk.load(self.weights, device=self.device, head=self.head)
        person = talker.identity(self.identity)
        write_picture(poses(talker.weights.head, person, self.view, self.surface), self.out)
        print(self.out)
