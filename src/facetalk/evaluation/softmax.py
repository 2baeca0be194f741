"""Softmax regression: the linear reader of features that names classes."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.nn import functional

PENALTY = 1e-4
"""Times the mean squared weight of a class, beside the mean cross entropy."""
ITERATIONS = 60


@dataclass(frozen=True)
class Softmax:
    """A linear map on standardised inputs whose largest output names the class."""

    mean: Float[np.ndarray, " input"]
    scale: Float[np.ndarray, " input"]
    weights: Float[np.ndarray, "input class"]
    offset: Float[np.ndarray, " class"]

    def __call__(self, inputs: Float[np.ndarray, "frame input"]) -> Int[np.ndarray, " frame"]:
        """The class of each row."""
        return (((inputs - self.mean) / self.scale) @ self.weights + self.offset).argmax(1)


def fit(inputs: Float[np.ndarray, "frame input"], classes: Int[np.ndarray, " frame"], count: int) -> Softmax:
    """The map of least cross entropy over rows and their classes, found by L-BFGS from zero."""
    mean, scale = inputs.mean(0), inputs.std(0) + 1e-5
    rows, truth = torch.from_numpy((inputs - mean) / scale).float(), torch.from_numpy(classes).long()
    weights = torch.zeros(inputs.shape[1], count, requires_grad=True)
    offset = torch.zeros(count, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, offset], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = functional.cross_entropy(rows @ weights + offset, truth) + PENALTY * weights.square().sum() / count
        value.backward()
        return value

    optimiser.step(loss)
    return Softmax(mean, scale, weights.detach().numpy(), offset.detach().numpy())
