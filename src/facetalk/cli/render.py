"""`facetalk render`: saved codes to pictures again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tyro.conf import Positional

import facetalk
from facetalk import export
from facetalk.cli.animate import Showing
from facetalk.cli.command import Job, Stages
from facetalk.export import codes
from facetalk.pipeline.identity import wearing


@dataclass(frozen=True, kw_only=True)
class Render(Showing):
    """Show saved codes again. What is not said here stays as it was when they were saved.

    Examples:
      facetalk animate voice.wav -o take.npz
      facetalk render take.npz -o talk.mp4
      facetalk render take.npz -o side.mp4 --identity seed:3 --camera side --background white
    """

    clip: Positional[Path]
    """An .npz written by facetalk animate."""
    identity: str | None = None
    """Another face: a name, seed:N, or an .npz file."""

    @classmethod
    def parse(cls, arguments: Sequence[str], program: str) -> Job:
        """Options, with those of the saved clip for what is left out."""
        asked = cls.parsed(arguments, program)
        return cls.parsed(arguments, program, replace(asked, presentation=codes.read_presentation(asked.clip)))

    def run_job(self) -> None:
        """Show the clip."""
        self.presentation.check()
        export.check(self.out, overwrite=self.overwrite)
        stages = Stages()
        with stages.timed("load"):
            talker = facetalk.load(self.weights, device=self.device, head=self.head)
            clip = codes.read(self.clip, talker.weights.head, export.save)
            if self.identity is not None:
                clip = clip.as_identity(talker.identity(self.identity))
            clip = clip.as_identity(wearing(talker.weights.head, clip.identity, self.hairstyle))
        self.tell([self.write(clip, self.out, self.presentation, stages)], stages)
