"""Processes that train one model together, on the devices of one machine or of many.

`accelerate launch` (or `torchrun`, where there are processors alone) starts them and says to each which one it is.
Every process draws batches of its own, and gradients are averaged before a step, so that a team of N takes steps of N
batches. Weights stay the same in all of them.
"""

import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from facetalk.errors import InputError

SIZE = "WORLD_SIZE"
"""What launchers call the number of processes."""


@runtime_checkable
class Team(Protocol):
    """Who trains."""

    @property
    def size(self) -> int:
        """How many processes."""
        ...

    @property
    def place(self) -> int:
        """Which of them this one is; 0 logs and saves."""
        ...

    def mean(self, numbers: Float[Tensor, " number"]) -> Float[Tensor, " number"]:
        """The mean over all processes, the same in each."""
        ...

    def of_first(self, thing: Any) -> Any:
        """What process 0 gives, in every process; it is pickled on the way."""
        ...


@dataclass(frozen=True)
class Alone:
    """One process."""

    size: int = 1
    place: int = 0

    def mean(self, numbers: Float[Tensor, " number"]) -> Float[Tensor, " number"]:
        """The numbers."""
        return numbers

    def of_first(self, thing: Any) -> Any:
        """The thing."""
        return thing


class Launched:
    """The processes that a launcher started; of several CUDA devices each takes its own."""

    def __init__(self) -> None:
        from accelerate import PartialState, utils

        self._state, self._utils = PartialState(cpu=not torch.cuda.is_available()), utils
        atexit.register(self._state.destroy_process_group)  # threads that are left running end a process by an abort

    @property
    def size(self) -> int:
        """How many processes."""
        return self._state.num_processes

    @property
    def place(self) -> int:
        """Which of them this one is."""
        return self._state.process_index

    def mean(self, numbers: Float[Tensor, " number"]) -> Float[Tensor, " number"]:
        """The mean over all processes."""
        return self._utils.reduce(numbers.to(self._state.device), "mean").to(numbers.device)

    def of_first(self, thing: Any) -> Any:
        """What process 0 gives."""
        return self._utils.broadcast_object_list([thing])[0]


@cache
def current() -> Team:
    """The team that this process was started in; one process unless a launcher says otherwise.

    Raises:
        InputError: a launcher started several processes, and accelerate is not installed.
    """
    size = os.environ.get(SIZE, "1")
    if size in ("", "1"):
        return Alone()
    try:
        return Launched()
    except ImportError as error:
        raise InputError(
            f"{SIZE} is {size}, and accelerate is missing; pip install 'facetalk[accelerate]', or start one process"
        ) from error


def descend(loss: Tensor, optimiser: torch.optim.Optimizer, clip: float = torch.inf) -> Float[Tensor, ""]:
    """One step down the gradient of the team's mean loss; returns the gradient's norm before it is cut to `clip`."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    share_gradients(current(), parameters)
    norm = nn.utils.clip_grad_norm_(parameters, clip)
    optimiser.step()
    return norm


@torch.no_grad()
def share_gradients(team: Team, parameters: Sequence[Tensor]) -> None:
    """Replace gradients by their means over the team; one that no process has stays none."""
    if team.size == 1:
        return
    found = [torch.zeros_like(each) if each.grad is None else each.grad for each in parameters]
    known = torch.tensor([float(each.grad is not None) for each in parameters]).to(found[0])
    *means, known = team.mean(torch.cat([each.flatten() for each in (*found, known)])).split(
        [each.numel() for each in (*found, known)]
    )
    for parameter, mean, share in zip(parameters, means, known.tolist(), strict=True):
        parameter.grad = mean.view_as(parameter) if share > 0 else None
