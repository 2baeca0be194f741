"""Ridge regression: the simplest reader of features, used as a probe and as a baseline."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float


@dataclass(frozen=True)
class Ridge:
    """A linear map on standardised inputs."""

    mean: Float[np.ndarray, " input"]
    scale: Float[np.ndarray, " input"]
    weights: Float[np.ndarray, "input output"]
    offset: Float[np.ndarray, " output"]

    def __call__(self, inputs: Float[np.ndarray, "frame input"]) -> Float[np.ndarray, "frame output"]:
        """The guess."""
        return ((inputs - self.mean) / self.scale) @ self.weights + self.offset


def fit(pairs: Sequence[tuple[np.ndarray, np.ndarray]], penalty: float) -> Ridge:
    """The map of least squares with `penalty` on the squared weights, over (inputs, outputs) pairs."""
    inputs = np.concatenate([pair[0] for pair in pairs]).astype(np.float32)
    outputs = np.concatenate([pair[1] for pair in pairs]).astype(np.float32)
    mean, scale, offset = inputs.mean(0), inputs.std(0) + 1e-5, outputs.mean(0)
    standard = (inputs - mean) / scale
    gram = (standard.T @ standard).astype(np.float64)
    gram[np.diag_indices_from(gram)] += penalty
    weights = scipy.linalg.solve(gram, (standard.T @ (outputs - offset)).astype(np.float64), assume_a="pos")
    return Ridge(mean, scale, weights.astype(np.float32), offset)


def stacked(features: Float[np.ndarray, "frame feature"], reach: int) -> Float[np.ndarray, "frame input"]:
    """Each frame's features with those of `reach` frames on either side; the ends are held."""
    padded = np.pad(features, ((reach, reach), (0, 0)), mode="edge")
    return np.concatenate([padded[shift : shift + len(features)] for shift in range(2 * reach + 1)], axis=1)
