"""The one training loop: step, log, checkpoint, resume. Knows no model; a task knows what a step is.

Randomness is a function of the seed, the number of the step and the process, so a resumed run repeats an unbroken one
exactly. Processes that train together (`team`) begin with the state of the first, which alone reads, logs and saves it.
"""

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint
from facetalk.errors import CheckpointError
from facetalk.training import team
from facetalk.training.team import Team

KIND = "training"
STATE_FILE = "state.safetensors"
LOG_FILE = "log.jsonl"
SEED_STRIDE = 1_000_003
"""A prime: seeds of neighbouring runs do not meet within a run."""
PLACE_STRIDE = 15_485_863_000_003
"""Likewise of the processes of a team."""


@dataclass(frozen=True)
class Plan:
    """How long to train and how often to write."""

    steps: int
    seed: int = 0
    log_every: int = 50
    save_every: int = 250
    minutes: float = math.inf
    """Stop after this many minutes of this call, saving; the next call goes on from there."""
    stop_after: int | None = None
    """Stop after this many steps in all, likewise."""


@runtime_checkable
class Task(Protocol):
    """What is trained."""

    def step(self, index: int, generator: torch.Generator) -> Mapping[str, Tensor | float]:
        """One optimisation step, its randomness from `generator` or torch's own, seeded alike; returns figures."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything that steps change."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned."""
        ...


def run(task: Task, plan: Plan, folder: Path, config: Mapping) -> int:
    """Train `task` to `plan.steps`, going on from `folder` if it holds an earlier state of the same run.

    Args:
        task: what is trained.
        plan: when to stop, log and save.
        folder: receives state.safetensors and log.jsonl.
        config: what makes this run what it is; JSON types.

    Returns:
        Steps done in all.

    Raises:
        CheckpointError: `folder` holds another run's state.
    """
    everyone, settings = team.current(), {**config, "seed": plan.seed}
    done = _begin(task, folder, settings, everyone)
    begun, sums, counted = time.monotonic(), {}, 0
    last = plan.steps if plan.stop_after is None else min(plan.steps, plan.stop_after)
    while done < last and _in_time(begun, plan.minutes, everyone):
        figures = task.step(done, _seeded(plan.seed, done, everyone.place))
        done += 1
        counted += 1
        sums = {name: sums.get(name, 0.0) + _number(value) for name, value in figures.items()}
        if done % plan.log_every == 0 or done == last:
            _log(folder, done, _shared(sums, counted, everyone), time.monotonic() - begun, everyone)
            sums, counted = {}, 0
        if done % plan.save_every == 0:
            _save(task, folder, settings, done, everyone)
    _save(task, folder, settings, done, everyone)
    return done


def optimiser_state(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The tensors of an optimiser, named `<parameter>.<moment>`."""
    state = optimiser.state_dict()["state"]
    return {f"{index}.{name}": torch.as_tensor(value) for index, row in state.items() for name, value in row.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimiser_state` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})


def part(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors under `name.`, without it."""
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}


def prefixed(name: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of one part, named `name.<key>`."""
    return {f"{name}.{key}": value for key, value in state.items()}


def _begin(task: Task, folder: Path, config: Mapping, everyone: Team) -> int:
    """Steps done already; all processes stand where the first does."""
    done = 0
    if everyone.place == 0:
        folder.mkdir(parents=True, exist_ok=True)
        done = _resume(task, folder, config)
    if everyone.size > 1:
        done, state = everyone.of_first((done, {name: tensor.detach().cpu() for name, tensor in task.state().items()}))
        task.restore(state)
    return done


def _in_time(begun: float, minutes: float, everyone: Team) -> bool:
    """Whether there is time for another step, by the clock of the first process."""
    return math.isinf(minutes) or everyone.of_first(time.monotonic() - begun < 60 * minutes)


def _seeded(seed: int, step: int, place: int = 0) -> torch.Generator:
    mixed = seed * SEED_STRIDE + step + place * PLACE_STRIDE
    torch.manual_seed(mixed)  # dropout and the like
    return torch.Generator().manual_seed(mixed)


def _shared(sums: Mapping[str, float], counted: int, everyone: Team) -> dict[str, float]:
    """Means over steps and processes."""
    means = everyone.mean(torch.tensor([value / counted for value in sums.values()], dtype=torch.float64))
    return dict(zip(sums, means.tolist(), strict=True))


def _number(value: Tensor | float) -> float:
    return float(value.detach()) if isinstance(value, Tensor) else float(value)


def _resume(task: Task, folder: Path, config: Mapping) -> int:
    if not (folder / STATE_FILE).exists():
        (folder / LOG_FILE).unlink(missing_ok=True)
        return 0
    saved = checkpoint.load(folder / STATE_FILE, KIND)
    if saved.config["run"] != json.loads(json.dumps(config)):
        raise CheckpointError(f"{folder}: holds a run with other settings; give another folder, or empty this one")
    task.restore(saved.tensors)
    _forget(folder / LOG_FILE, saved.config["done"])
    return saved.config["done"]


def _forget(log: Path, done: int) -> None:
    """Drop lines of steps after the saved state: they are about to be taken again."""
    lines = log.read_text().splitlines() if log.exists() else []
    kept = [line for line in lines if json.loads(line)["step"] <= done]
    partial = log.with_name(f".{log.name}.partial")
    partial.write_text("".join(f"{line}\n" for line in kept))
    os.replace(partial, log)


def _save(task: Task, folder: Path, config: Mapping, done: int, everyone: Team) -> None:
    if everyone.place:
        return
    tensors = {name: tensor.detach().clone() for name, tensor in task.state().items()}
    checkpoint.save(Checkpoint(KIND, {"run": dict(config), "done": done}, tensors), folder / STATE_FILE)


def _log(folder: Path, step: int, figures: Mapping[str, float], seconds: float, everyone: Team) -> None:
    if everyone.place:
        return
    row = {"step": step, **{name: round(value, 6) for name, value in figures.items()}, "seconds": round(seconds, 1)}
    with (folder / LOG_FILE).open("a") as log:
        log.write(json.dumps(row) + "\n")
