"""Many recordings at once: one process a core, or a Ray cluster; each sequence in one process, so bytes agree."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from facetalk.errors import FacetalkError, InputError
from facetalk.head import model
from facetalk.head.model import Head
from facetalk.pipeline import identity
from facetalk.recording import preview, sequence
from facetalk.recording.sequence import Job

Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Task:
    """One sequence with everything a process needs to know, as plain words."""

    job: Job
    head: Path
    """File of the head."""
    identity: str | None = None
    """Whose recording it is, as `facetalk.pipeline.identity.find` takes it; None fits one."""
    preview: bool = True


@dataclass(frozen=True)
class Outcome:
    """What became of a sequence."""

    recording: Path
    made: Path | None
    refusal: str = ""


def work(task: Task, watch: Watch = lambda done, of: None) -> Outcome:
    """Fit one sequence; what the user can mend is reported and stops no other."""
    try:
        head = _head(task.head)
        z_id = None if task.identity is None else identity.find(head, task.identity).z_id
        made = sequence.fit(task.job, head, z_id, watch)
        if task.preview:
            preview.write(task.job.recording, made, head)
    except FacetalkError as error:
        return Outcome(task.job.recording, None, str(error))
    return Outcome(task.job.recording, made)


def run(tasks: Sequence[Task], workers: int, watch: Watch = lambda done, of: None) -> Iterator[Outcome]:
    """Every task, as they finish; with one worker in this process, told of windows instead of sequences."""
    if workers == 1:
        for task in tasks:
            yield work(task, watch)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from _counted((done.result() for done in as_completed(pool.submit(work, task) for task in tasks)),
                            len(tasks), watch)  # fmt: skip


def run_on_ray(tasks: Sequence[Task], address: str, watch: Watch = lambda done, of: None) -> Iterator[Outcome]:
    """Every task on a Ray cluster ("auto": the one this machine belongs to, or a new one on it).

    Folders and weights must be reachable under the same paths from every node.
    """
    import ray  # an extra: the command line says how to get it

    ray.init(address=None if address == "auto" else address, ignore_reinit_error=True)
    remote = ray.remote(num_cpus=1)(work)
    waiting = [remote.remote(task) for task in tasks]

    def finished() -> Iterator[Outcome]:
        left = waiting
        while left:
            ready, left = ray.wait(left)
            yield ray.get(ready[0])

    yield from _counted(finished(), len(tasks), watch)


def _counted(outcomes: Iterable[Outcome], total: int, watch: Watch) -> Iterator[Outcome]:
    for done, outcome in enumerate(outcomes, 1):
        watch(done, total)
        yield outcome


@cache
def _head(path: Path) -> Head:
    torch.set_num_threads(1)
    return model.load(path)


def found(folders: Sequence[Path]) -> list[Path]:
    """Recordings named, and those in folders named.

    Raises:
        InputError: a folder neither is nor holds one, or two would make one training folder.
    """
    recordings: list[Path] = []
    for folder in folders:
        inside = [folder] if (folder / "recording.json").is_file() else sorted(
            path.parent for path in folder.glob("*/recording.json")
        )  # fmt: skip
        if not inside:
            raise InputError(f"{folder}: neither is nor holds a recording (recording.json); see docs/recordings.md")
        recordings += inside
    return recordings
