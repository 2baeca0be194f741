"""What commands have in common: parsing by tyro, reports for people or as JSON, progress with time left."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Kind = TypeVar("Kind")
Out = Annotated[Path, tyro.conf.arg(aliases=["-o"])]
"""An output path, short option -o."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A command: its fields are its options."""

    @classmethod
    def parse(cls, arguments: Sequence[str], program: str) -> "Job":
        """The job that `arguments` ask for."""
        return parsed(cls, arguments, program)

    def run_job(self) -> None:
        """Do it."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class ReportingJob(Job):
    """A command that says what it did or found."""

    json: bool = False
    """Print the report as JSON."""

    def report(self, found: Mapping[str, Any], lines: Sequence[str]) -> None:
        """Print `found` as JSON where asked, otherwise `lines`."""
        print(json.dumps(found, indent=1, default=str) if self.json else "\n".join(lines))


def parsed(kind: type[Kind], arguments: Sequence[str], program: str, default: Kind | None = None) -> Kind:
    """Options by tyro; options of nested settings go by their own names."""
    return tyro.cli(kind, args=list(arguments), prog=program, default=default, config=(tyro.conf.OmitArgPrefixes,))


@dataclass
class Stages:
    """Wall-clock seconds of each stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the time spent inside to stage `name`."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin

    def rounded(self) -> dict[str, float]:
        """Seconds to two places."""
        return {name: round(seconds, 2) for name, seconds in self.seconds.items()}


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with the time left, on the error stream; give it (done, total)."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
