"""Parameters under optimisation and their running average. Knows no loss."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from facetalk.training.loop import optimiser_state, part, prefixed, restore_optimiser
from facetalk.training.team import descend

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Rate:
    """A learning rate that rises, then falls along a cosine to `final` of its peak."""

    peak: float = 2e-3
    steps: int = 9000
    warm_up: int = 200
    final: float = 0.01
    weight_decay: float = 1e-4
    clip: float = 5.0
    """Largest norm of the gradient."""

    def at(self, step: int) -> float:
        """The rate of one step."""
        rise = min(1.0, (step + 1) / self.warm_up)
        progress = min(1.0, step / self.steps)
        return self.peak * rise * (self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * progress)))


class TrainedParts:
    """An AdamW over some parameters, its rate following a schedule."""

    def __init__(self, parameters: Sequence[nn.Parameter], rate: Rate) -> None:
        self.parameters, self.rate = list(parameters), rate
        self.optimiser = torch.optim.AdamW(self.parameters, lr=rate.peak, weight_decay=rate.weight_decay, fused=True)

    def step(self, loss: Tensor, index: int) -> None:
        """Descend along the gradient of `loss`."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate.at(index)
        descend(loss, self.optimiser, self.rate.clip)

    def state(self) -> dict[str, Tensor]:
        """Moments of the optimiser."""
        return prefixed("optimiser", optimiser_state(self.optimiser))

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned."""
        restore_optimiser(self.optimiser, part(state, "optimiser"))


class Averaged(Generic[Model]):
    """An exponential moving average of a model's parameters, short at first."""

    def __init__(self, model: Model, decay: float = 0.998) -> None:
        self.source: list[Tensor] = list(model.parameters())
        self.decay = decay
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.target: list[Tensor] = list(self.model.parameters())

    @torch.no_grad()
    def update(self, index: int) -> None:
        """Take in the parameters after step `index`."""
        decay = min(self.decay, (1 + index) / (10 + index))
        for average, parameter in zip(self.target, self.source, strict=True):
            average.lerp_(parameter, 1 - decay)

    def state(self, model: Model) -> dict[str, Tensor]:
        """The model and its average."""
        return {**prefixed("model", model.state_dict()), **prefixed("average", self.model.state_dict())}

    def restore(self, model: Model, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned."""
        model.load_state_dict(part(state, "model"))
        self.model.load_state_dict(part(state, "average"))
