"""Work on several cores at once, results in order, memory flat. Knows nothing of what is worked on.

Threads do: compiled loops and tensor products leave Python's lock alone, nothing has to be copied between processes,
and every thread reads the same baked field.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

import torch
from jaxtyping import Float
from threadpoolctl import threadpool_limits
from torch import Tensor

PART = 8192
"""Points that one core is asked about at a time."""
Job = TypeVar("Job")
Result = TypeVar("Result")


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered(work: Callable[[Job], Result], jobs: Iterable[Job], workers: int) -> Iterator[Result]:
    """`work` of every job, in the order of the jobs, at most two jobs a worker begun and not yet taken."""
    with single_threaded(), ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(1)) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(pool.submit(work, job))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def in_parts(
    field: Callable[[Float[Tensor, "point 3"]], Tensor], part: int = PART
) -> Callable[[Float[Tensor, "point 3"]], Tensor]:
    """A field that is asked about many points on all cores.

    Parts are the same on any machine, and so are the answers to the last bit.
    """

    def asked(points: Float[Tensor, "point 3"]) -> Tensor:
        return torch.cat(list(ordered(torch.inference_mode()(field), points.split(part), cores())))

    return asked


@contextmanager
def single_threaded() -> Iterator[None]:
    """Torch and BLAS use one thread in each of ours: threads inside one small product only get in each other's way.

    Those of BLAS wait for the next product at full speed: with hair on the head they took as long as all the rest.
    Several threads may be inside at once; torch's setting is the calling thread's, that of BLAS is the process's.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    _BLAS.enter()
    try:
        yield
    finally:
        _BLAS.leave()
        torch.set_num_threads(before)


class _OneThread:
    """BLAS with one thread while anybody is inside."""

    def __init__(self) -> None:
        self.lock, self.inside = Lock(), 0
        self.limits: threadpool_limits | None = None

    def enter(self) -> None:
        with self.lock:
            self.inside += 1
            if self.inside == 1:
                self.limits = threadpool_limits(1, user_api="blas")

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0 and self.limits is not None:
                self.limits.restore_original_limits()


_BLAS = _OneThread()
