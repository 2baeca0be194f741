"""Settings against each other on one virtual recording: errors against the truth, core-seconds a frame.

The floor is the same search on the true surface's own points without noise: what the head model can do at best.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.head.model import Head
from facetalk.recording import check
from facetalk.recording.layout import Recording
from facetalk.recording.newton import FastConfig, Ties
from facetalk.recording.paper import PaperConfig
from facetalk.recording.problem import Person
from facetalk.recording.sequence import near_head, starts, window_of
from facetalk.recording.setup import Setup, SetupConfig, set_up
from facetalk.recording.states import State
from facetalk.recording.truth import Truth, measured

FAST, PAPER = FastConfig(), PaperConfig()
SETTINGS: Mapping[str, FastConfig | PaperConfig] = {
    "fast": FAST,
    "fast, frames alone": replace(FAST, ties=Ties(strength=0.0), walk=None),
    "fast, windows alone": replace(FAST, walk=None),
    "paper": PAPER,
    "paper, no Huber": replace(PAPER, huber=0.0),
    "paper, no norm": replace(PAPER, norm=0.0),
    "paper, |SDF| alone": replace(PAPER, huber=0.0, norm=0.0),
}
FLOOR = "floor"
Cloud = Callable[[int], Float[np.ndarray, "_ 3"]]


@dataclass(frozen=True)
class Row:
    """One setting."""

    name: str
    seconds_a_frame: float
    """Of processor time."""
    figures: Mapping[str, float]


def run(
    recording: Recording, truth: Truth, head: Head, z_id: Float[Tensor, " identity"] | None, names: tuple[str, ...],
    frames: int,
) -> Iterator[Row]:  # fmt: skip
    """Fit the first frames by each of the settings named, one by one.

    Raises:
        InputError: no head is found in the recording.
    """
    begun = time.process_time()
    setup = set_up(recording, head, check.check(recording).bad_frames, z_id, SetupConfig())
    person = Person.of(head, torch.from_numpy(setup.z_id))
    yield Row("poses alone", (time.process_time() - begun) / len(setup.good), _at_rest(person, setup, truth, frames))
    world = truth.world
    sources: dict[str, Cloud] = {name: lambda frame: near_head(recording, setup, frame) for name in names}
    for name, cloud in {FLOOR: lambda frame: world[frame], **sources}.items():
        begun = time.process_time()
        state = _solved(person, setup, SETTINGS.get(name, FAST), cloud, frames)
        yield Row(name, (time.process_time() - begun) / frames, measured(person, state, truth))


def _solved(person: Person, setup: Setup, solver: FastConfig | PaperConfig, cloud: Cloud, frames: int) -> State:
    settled: list[State] = []
    firsts = starts(frames, solver.window, solver.overlap)
    for first in firsts:
        span = range(first, min(first + solver.window, frames))
        clouds = tuple(cloud(frame) for frame in span)
        before = settled[-1] if settled else None
        settled.append(solver(window_of(person, setup, before, span, solver.overlap, clouds, 0)))
    return solver.joined(person, settled, firsts)


def _at_rest(person: Person, setup: Setup, truth: Truth, frames: int) -> dict[str, float]:
    """A resting face at the tracked poses: where every search starts."""
    codes = np.tile(person.head.rest.numpy(), (frames, 1))
    state = State(np.zeros((frames, 52), np.float32), setup.T_head_world[:frames], codes)
    return measured(person, state, truth)
