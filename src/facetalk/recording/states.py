"""What is known of some frames: expressions, as rig weights and as codes, and placements."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facetalk.recording.poses import Placement, of_matrix


@dataclass(frozen=True)
class State:
    """Successive frames."""

    weights: Float[np.ndarray, "frame 52"]
    """ARKit weights; the paper's settings leave them, see `codes`."""
    T_head_world: Float[np.ndarray, "frame 4 4"]
    codes: Float[np.ndarray, "frame code"]

    def __len__(self) -> int:
        return len(self.weights)

    def rows(self, frames: slice) -> "State":
        """Some of the frames."""
        return State(self.weights[frames], self.T_head_world[frames], self.codes[frames])

    @property
    def placements(self) -> list[Placement]:
        """Where the head is in each frame."""
        return [of_matrix(matrix) for matrix in self.T_head_world]

    def arrays(self) -> dict[str, np.ndarray]:
        """For a file."""
        return {"weights": self.weights, "T_head_world": self.T_head_world, "codes": self.codes}


def matrices(placements: Sequence[Placement]) -> Float[np.ndarray, "frame 4 4"]:
    """Placements for a file."""
    return np.stack([placement.matrix for placement in placements])
