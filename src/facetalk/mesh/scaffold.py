"""Where the lattice over a grid has its nodes, and which of them are asked themselves.

Nodes lie on base nodes of the grid: on each of them beside the foci, where expressions move most, on few elsewhere.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int64

from facetalk.mesh.grid import Grid
from facetalk.mesh.lattice import picks, thinned

Span = list[tuple[int, int]]
"""First and last base node of a block along each axis."""


@dataclass(frozen=True)
class Scaffold:
    """The lattice of one grid."""

    grid: Grid
    near: int
    """Base cells along a lattice cell inside the foci."""
    far: int
    """Base cells along a lattice cell elsewhere."""
    below: int
    """Base cells under the lowest focus, where a chin goes that drops."""

    @cached_property
    def spans(self) -> list[Span]:
        """The foci, and last the block below the lowest of them."""
        patches = [self.grid.patches[part - 1] for part in self.grid.foci]
        spans = [[(p.start[a], p.stop[a]) for a in range(3)] for p in patches]
        if not spans:
            return []
        x, (low, _), z = min(spans, key=lambda span: span[1][0])
        return [*spans, [x, (max(low - self.below, 0), low), z]]

    @cached_property
    def picks(self) -> tuple[Int64[np.ndarray, " x"], Int64[np.ndarray, " y"], Int64[np.ndarray, " z"]]:
        """Base nodes along each axis that are lattice nodes."""
        counts = (len(axis) - 1 for axis in self.grid.axes)
        return tuple(  # type: ignore[return-value]
            picks(n, [span[a] for span in self.spans], self.near, self.far) for a, n in enumerate(counts)
        )

    @cached_property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coordinates of the lattice nodes along each axis."""
        return tuple(axis[pick] for axis, pick in zip(self.grid.axes, self.picks, strict=True))  # type: ignore[return-value]

    @cached_property
    def far_picks(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lattice nodes along each axis that are asked far from the foci; those between are interpolated."""
        return tuple(thinned(pick, self.far) for pick in self.picks)  # type: ignore[return-value]

    @cached_property
    def close(self) -> Bool[np.ndarray, "x y z"]:
        """Lattice nodes in a patch or next to it, which are asked themselves."""
        return self._around(self.spans[:-1])

    @cached_property
    def wide(self) -> Bool[np.ndarray, "x y z"]:
        """Those, and the nodes below the lowest focus."""
        return self._around(self.spans)

    def nodes(self, wanted: Bool[np.ndarray, "x y z"]) -> Float[np.ndarray, "node 3"]:
        """Coordinates of some lattice nodes."""
        return np.stack([axis[i] for axis, i in zip(self.axes, np.nonzero(wanted), strict=True)], 1)

    def _around(self, spans: list[Span]) -> Bool[np.ndarray, "x y z"]:
        found = np.zeros([len(pick) for pick in self.picks], bool)
        for span in spans:
            ends = zip(self.picks, span, strict=True)
            found[np.ix_(*((pick >= start - 1) & (pick <= stop + 1) for pick, (start, stop) in ends))] = True
        return found
