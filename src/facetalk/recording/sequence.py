"""A recording in, a training folder out: window by window, each on disk before the next, so that nothing is lost twice.

A killed job goes on at the first window that is missing; what it then writes is what the unbroken one would have
written, byte for byte: a window depends on the recording, the settings and the window before, read back from its file.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.data.fitted import digest
from facetalk.errors import InputError
from facetalk.head.model import Head
from facetalk.pipeline.side_by_side import single_threaded
from facetalk.recording import check, results, store
from facetalk.recording.areas import NEAR
from facetalk.recording.layout import Recording, read
from facetalk.recording.newton import BEFORE, FastConfig
from facetalk.recording.paper import PaperConfig
from facetalk.recording.poses import of_matrix
from facetalk.recording.problem import Person, Window
from facetalk.recording.setup import Setup, SetupConfig, set_up
from facetalk.recording.states import State, matrices

WORK = ".work"
"""Folder of a dataset with the windows of unfinished sequences."""
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class SequenceConfig:
    """How a sequence is fitted."""

    solver: FastConfig | PaperConfig = field(default_factory=FastConfig)
    setup: SetupConfig = field(default_factory=SetupConfig)
    seed: int = 0


@dataclass(frozen=True)
class Job:
    """One sequence to fit."""

    recording: Path
    dataset: Path
    config: SequenceConfig = field(default_factory=SequenceConfig)


def starts(frames: int, window: int, overlap: int) -> list[int]:
    """First frames of the windows; every frame is in one, and the last `overlap` of one are the first of the next."""
    return [start for start in range(0, frames, window - overlap) if start == 0 or start + overlap < frames]


def fit(
    job: Job, head: Head, z_id: Float[Tensor, " identity"] | None = None, watch: Watch = lambda done, of: None
) -> Path:
    """Fit a recording, or go on with it; returns the folder with its codes.

    Args:
        job: what, where to, and how.
        head: the codes belong to it.
        z_id: whose recording it is; fitted with the first codes where it is not given.
        watch: told how many windows of how many are done.

    Raises:
        InputError: the recording cannot be used, or the disk cannot be written.
    """
    recording = read(job.recording)
    made = job.dataset / recording.about.name
    key = _key(job, recording, head, z_id)
    if made.is_dir():
        return _finished(made, key)
    work = job.dataset / WORK / f"{recording.about.name}-{key}"
    with single_threaded():
        setup, report = _prepared(recording, head, z_id, job.config.setup, work)
        person = Person.of(head, torch.from_numpy(setup.z_id))
        settled = list(_windows(recording, person, setup, job.config, work, watch))
        solver = job.config.solver
        whole = solver.joined(person, settled, starts(recording.about.frames, solver.window, solver.overlap))
        result = results.measured(recording, person, setup, whole, lambda frame: near_head(recording, setup, frame))
    results.write(result, recording, report, made, key)
    shutil.rmtree(work)
    return made


def _key(job: Job, recording: Recording, head: Head, z_id: Float[Tensor, " identity"] | None) -> str:
    """Says whose work this is: another head, recording or setting has another."""
    known = None if z_id is None else z_id.tolist()
    settings = {"solver": type(job.config.solver).__name__, **asdict(job.config)}
    return digest({"recording": recording.about.to_json(), "head": head.hash, "z_id": known, **settings})


def _finished(made: Path, key: str) -> Path:
    if results.key_of(made) != key:
        raise InputError(f"{made}: was fitted by other settings, head or identity; remove it, or choose another folder")
    return made


def _prepared(
    recording: Recording, head: Head, z_id: Float[Tensor, " identity"] | None, config: SetupConfig, work: Path
) -> tuple[Setup, check.Report]:
    """Identity and poses, from the file where they are known already."""
    report = check.check(recording)
    if not report.usable:
        fatal = next(fault for fault in report.faults if fault.fatal)
        raise InputError(f"{recording.folder}: cannot be used: {fatal.kind}, {fatal.says}")
    path = work / "setup.npz"
    if not path.is_file():
        store.write_arrays(path, set_up(recording, head, report.bad_frames, z_id, config).arrays())
    with np.load(path) as file:
        return Setup(file["z_id"], file["T_head_world"], file["good"]), report


def _windows(
    recording: Recording, person: Person, setup: Setup, config: SequenceConfig, work: Path, watch: Watch
) -> Iterator[State]:
    """Every window, from its file where it is settled already."""
    frames, solver = recording.about.frames, config.solver
    firsts = starts(frames, solver.window, solver.overlap)
    settled: State | None = None
    for number, first in enumerate(firsts):
        path = work / f"window_{number:05d}.npz"
        if not path.is_file():
            span = range(first, min(first + solver.window, frames))
            clouds = tuple(near_head(recording, setup, frame) for frame in span)
            window = window_of(person, setup, settled, span, solver.overlap, clouds, config.seed)
            store.write_arrays(path, solver(window).arrays())
        with np.load(path) as file:
            settled = State.of_arrays(file)
        yield settled
        watch(number + 1, len(firsts))


def window_of(
    person: Person, setup: Setup, settled: State | None, frames: range, overlap: int,
    clouds: tuple[Float[np.ndarray, "_ 3"], ...], seed: int,
) -> Window:  # fmt: skip
    """The window that follows a settled one, or the first."""
    start, before = _start(person, setup, settled, frames, overlap)
    return Window(person, frames.start, clouds, start, before, seed)


def _start(
    person: Person, setup: Setup, settled: State | None, frames: range, overlap: int
) -> tuple[State, State | None]:
    """Where a window starts: at rest, or as the one before it ended, the tracked poses corrected like its last one."""
    if settled is None:
        rest = person.head.rest.numpy()
        weights, codes = np.zeros((len(frames), 52), np.float32), np.tile(rest, (len(frames), 1))
        return State(weights, setup.T_head_world[list(frames)], codes), None
    known = settled.rows(slice(len(settled) - overlap, None))
    after = range(frames.start + overlap, frames.stop)
    last, tracked = known.placements[-1], of_matrix(setup.T_head_world[frames.start + overlap - 1])
    turn, drift = last.turn @ tracked.turn.T, last.shift - last.turn @ tracked.turn.T @ tracked.shift
    moved = [of_matrix(matrix) for matrix in setup.T_head_world[list(after)]]
    moved = [type(place)(turn @ place.turn, turn @ place.shift + drift, place.size) for place in moved]
    poses = np.concatenate([known.T_head_world, matrices(moved)]) if moved else known.T_head_world
    repeat = [*range(overlap), *[overlap - 1] * len(after)]
    start = State(known.weights[repeat], poses, known.codes[repeat])
    return start, settled.rows(slice(max(0, len(settled) - overlap - BEFORE), len(settled) - overlap))


def near_head(recording: Recording, setup: Setup, frame: int) -> Float[np.ndarray, "_ 3"]:
    """Points near the head, in millimetres; none of a frame that is missing."""
    if not setup.good[frame]:
        return np.zeros((0, 3))
    world = recording.points(frame).places
    placed = of_matrix(setup.T_head_world[frame])(world)
    return world[((placed > NEAR.lower) & (placed < NEAR.upper)).all(axis=1)]
