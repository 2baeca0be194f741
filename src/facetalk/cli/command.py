"""What commands have in common: parsing by tyro, reports for people or as JSON, progress with time left."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Out = Annotated[Path, tyro.conf.arg(aliases=["-o"])]
"""An output path, short option -o."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A command: its fields are its options."""

    markers: ClassVar[tuple[Any, ...]] = (tyro.conf.OmitArgPrefixes,)
    """How tyro names them: here, options of nested settings go by their own names."""

    @classmethod
    def parse(cls, arguments: Sequence[str], program: str) -> "Job":
        """The job that `arguments` ask for."""
        return cls.parsed(arguments, program)

    @classmethod
    def parsed(cls, arguments: Sequence[str], program: str, default: "Job | None" = None) -> Any:
        """`arguments` by tyro, with `default` for what they leave out."""
        return tyro.cli(cls, args=list(arguments), prog=program, default=default, config=cls.markers)

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
