"""What frames of the exact road have in common: distances at nodes and settled vertices where no expression reaches.

The first frame asks them, the others take them. Threads may share what is kept: they would write the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt64
from torch import Tensor

from facetalk.mesh.grid import Grid

Still = Callable[[Float[Tensor, "point 3"]], Bool[Tensor, " point"]]
"""Whether the distance at points is the same in all frames."""
MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)
"""Odd numbers that spread the bits of coordinates over a key."""


class Kept:
    """Answers for one grid and one person, kept where nothing moves."""

    def __init__(self, grid: Grid, still: Still) -> None:
        self.still = still
        parts = range(len(grid.patches) + 1)
        self.stands = np.concatenate([self._still(grid.nodes(part)) for part in parts])
        self.values = np.full(grid.layout.size, np.nan, np.float32)
        self.settled = Settled(np.zeros(1, np.uint64), np.zeros((1, 3), np.float32))
        """Replaced as a whole."""

    def nodes(
        self, wanted: np.ndarray, ask: Callable[[np.ndarray], Float[np.ndarray, " node"]]
    ) -> Float[np.ndarray, " node"]:
        """Distances at flat indices of the grid; `ask` is asked at those of them that are not known yet."""
        found = self.values[wanted]
        new = np.isnan(found)
        found[new] = ask(wanted[new])
        fresh = new & self.stands[wanted]
        self.values[wanted[fresh]] = found[fresh]
        return found

    def points(
        self, points: Float[np.ndarray, "point 3"], settle: Callable[[np.ndarray], Float[np.ndarray, "row 3"]]
    ) -> Float[np.ndarray, "point 3"]:
        """Where points come to lie; `settle` is asked for the rows of those that are not known yet."""
        keys, settled = keys_of(points), self.settled
        at = np.searchsorted(settled.keys, keys).clip(max=len(settled.keys) - 1)
        found, new = settled.points[at], np.flatnonzero(settled.keys[at] != keys)
        found[new] = settle(new)
        fresh = new[self._still(points[new])]
        self.settled = settled.joined(keys[fresh], found[fresh])
        return found

    def _still(self, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
        with torch.no_grad():
            return self.still(torch.from_numpy(np.ascontiguousarray(points, np.float32))).cpu().numpy()


@dataclass(frozen=True)
class Settled:
    """Settled points by sorted keys of the places they came from."""

    keys: UInt64[np.ndarray, " key"]
    points: Float[np.ndarray, "key 3"]

    def joined(self, keys: UInt64[np.ndarray, " more"], points: Float[np.ndarray, "more 3"]) -> "Settled":
        """With more of them."""
        if len(keys) == 0:
            return self
        every, first = np.unique(np.concatenate([self.keys, keys]), return_index=True)
        return Settled(every, np.concatenate([self.points, points])[first])


def keys_of(points: Float[np.ndarray, "point 3"]) -> UInt64[np.ndarray, " point"]:
    """Numbers by which equal places are found again; a million different ones share none, but by rare chance."""
    bits = np.ascontiguousarray(points, np.float32).view(np.uint32).astype(np.uint64)
    key = np.zeros(len(points), np.uint64)
    for axis in range(3):
        key = (key ^ bits[:, axis]) * MIX[axis]
        key ^= key >> np.uint64(29)
    return key
