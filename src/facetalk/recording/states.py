"""What is known of some frames: expressions, as rig weights and as codes, and placements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facetalk.recording.poses import Placement, of_matrix


@dataclass(frozen=True)
class Evidence:
    """What points say of frames: a quadratic about where each is, in all numbers that are sought of it.

    These are 52 weights, a turn about the face in radians and a shift in millimetres.
    """

    squares: Float[np.ndarray, "frame number number"]
    """Second derivatives of half the squared distances, in spreads of the points."""
    pulls: Float[np.ndarray, "frame number"]
    """First derivatives."""

    def rows(self, frames: slice) -> "Evidence":
        """Of some of the frames."""
        return Evidence(self.squares[frames], self.pulls[frames])


@dataclass(frozen=True)
class State:
    """Successive frames."""

    weights: Float[np.ndarray, "frame 52"]
    """ARKit weights; the paper's settings leave them, see `codes`."""
    T_head_world: Float[np.ndarray, "frame 4 4"]
    codes: Float[np.ndarray, "frame code"]
    evidence: Evidence | None = None
    """None where a solver leaves none."""

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "State":
        """What `arrays` gave."""
        evidence = Evidence(arrays["squares"], arrays["pulls"]) if "squares" in arrays else None
        return cls(arrays["weights"], arrays["T_head_world"], arrays["codes"], evidence)

    def __len__(self) -> int:
        return len(self.weights)

    def rows(self, frames: slice) -> "State":
        """Some of the frames."""
        evidence = None if self.evidence is None else self.evidence.rows(frames)
        return State(self.weights[frames], self.T_head_world[frames], self.codes[frames], evidence)

    @property
    def placements(self) -> list[Placement]:
        """Where the head is in each frame."""
        return [of_matrix(matrix) for matrix in self.T_head_world]

    def arrays(self) -> dict[str, np.ndarray]:
        """For a file."""
        known = {"weights": self.weights, "T_head_world": self.T_head_world, "codes": self.codes}
        if self.evidence is None:
            return known
        return {**known, "squares": self.evidence.squares, "pulls": self.evidence.pulls}


def matrices(placements: Sequence[Placement]) -> Float[np.ndarray, "frame 4 4"]:
    """Placements for a file."""
    return np.stack([placement.matrix for placement in placements])
