"""`facetalk demo`: the bundled line, spoken."""

from dataclasses import dataclass, field
from pathlib import Path

from facetalk.cli.animate import Animate
from facetalk.cli.command import Out
from facetalk.pipeline.weights import BUNDLED

LINE = BUNDLED / "demo.ogg"
"""A sentence spoken by a voice that no model was trained on."""


@dataclass(frozen=True, kw_only=True)
class Demo(Animate):
    """Let a head speak a bundled line: facetalk demo, then open out/demo.mp4.

    Every option of facetalk animate works here too.
    """

    speech: tuple[Path, ...] = field(default=(LINE,))
    """Recordings to speak; the bundled line by default."""
    out: Out = Path("out/demo.mp4")
    """What to write; see facetalk animate --help."""
