"""`facetalk record`: virtual recordings, whose truth is known."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import facetalk
from facetalk.cli.command import Out, ReportingJob, progress
from facetalk.data import ict
from facetalk.errors import InputError
from facetalk.head.model import Head
from facetalk.pipeline import identity
from facetalk.recording import performer, virtual
from facetalk.recording.layout import rational
from facetalk.recording.performer import Act, Performer
from facetalk.recording.virtual import VirtualConfig


@dataclass(frozen=True, kw_only=True)
class Record(ReportingJob):
    """Record somebody's performance with a virtual rig of sixteen cameras: noisy clouds, the truth apart.

    Examples:
      facetalk record -o recordings --truth truth --ict ICT-FaceKit --person 225 --performances sets/performances \\
        --clips bm_daniel_000019
      facetalk record -o recordings --truth truth --identity seed:7 --take take.csv --sound take.wav
    """

    out: Out
    """A folder for recordings; each gets a folder <subject>_<clip> in it."""
    truth: Path
    """A folder for their truths, apart from them."""
    ict: Path | None = None
    """Root of an ICT-FaceKit checkout: the performer is a person of it, not the head model's own output."""
    person: int = 0
    """Number of the person, as in a head set."""
    identity: str = identity.DEFAULT
    """Without --ict: a person of the bundled head, as for animate."""
    performances: Path | None = None
    """A performance set."""
    clips: tuple[str, ...] = ()
    """Clips of it."""
    take: Path | None = None
    """In place of clips: a Live Link Face take (.csv) …"""
    sound: Path | None = None
    """… with its sound."""
    start: float = 0.0
    seconds: float | None = None
    """The part that is recorded; all by default."""
    rate: str = str(virtual.RATE)
    """Frames a second, exact."""
    virtual: VirtualConfig = field(default_factory=VirtualConfig)
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""

    def run_job(self) -> None:
        """Record every clip."""
        acts = self.acts(rational(self.rate, "--rate"))
        somebody = self.performer()
        made = []
        for act in acts:
            name = f"{somebody.subject}_{act.name}"
            with progress("frames") as watch:
                recording = virtual.record(somebody, act, self.virtual, self.out / name, self.truth / name, watch)
            made.append(str(recording.folder))
        self.report({"recordings": made, "truth": str(self.truth)}, made)

    def performer(self) -> Performer:
        """Who performs."""
        if self.ict is not None:
            return performer.of_source(ict.read(self.ict), self.person)
        head = facetalk.load(self.weights, device="cpu").weights.head
        if not isinstance(head, Head):
            raise InputError(f"{self.weights}: imported heads do not perform; use a head in our own format")
        return performer.of_head(head, identity.find(head, self.identity).z_id, self.identity.replace(":", "-"))

    def acts(self, rate: Fraction) -> list[Act]:
        """What is performed.

        Raises:
            InputError: nothing is, or half of it is missing.
        """
        if self.take is not None and self.sound is not None:
            return [performer.of_take(self.take, self.sound, rate, self.start, self.seconds)]
        if self.performances is None or not self.clips:
            raise InputError("nothing to perform; give --performances FOLDER --clips ID …, or --take CSV --sound WAV")
        return [performer.of_set(self.performances, clip, rate, self.start, self.seconds) for clip in self.clips]
