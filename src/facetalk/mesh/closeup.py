"""Where the fast road's lattice is too coarse: sealed lips and lids are asked anew, eyes keep what they are at rest.

Along sealed lips and lids the warp all but jumps between lattice nodes, so nodes of the grid itself are asked
(`facetalk.mesh.refined`). Round open eyes it bends less, and what the lattice loses there is known of the rest pose
(`facetalk.mesh.resting`).
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int16, Int64

from facetalk.geometry import UNIT_MM
from facetalk.mesh.baked import BakedField
from facetalk.mesh.finding import NX, OFFSET
from facetalk.mesh.finish import Refined
from facetalk.mesh.grid import Grid
from facetalk.mesh.refined import fill_parts, fine_values, rough_cells, rough_parts, wanted_nodes
from facetalk.mesh.resting import Resting, lay_rest
from facetalk.mesh.scaffold import Scaffold
from facetalk.mesh.standing import Deform

CHUNK = 8192
"""Points in one call of the deformation: a small network's activations stay in the cache."""
NEAR_SHARE = 0.45
"""A cell whose corners are all farther from the surface than this share of its diagonal hardly holds it."""
FADE_MM = 2.5
"""Difference from the rest warp from which on nothing of the rest pose is given back."""
EVERYWHERE = np.float32(-1)
"""A bend that every cell exceeds."""
Cells = Int64[np.ndarray, "cell 3"]


@dataclass
class Frame:
    """One pose on its way to a surface."""

    warp: Float[np.ndarray, "x y z 4"]
    """At lattice nodes, NaN where it was not asked."""
    values: Float[np.ndarray, " node"]
    owner: Int16[np.ndarray, "p q r"]
    refined: Refined


@dataclass(frozen=True)
class Closeup:
    """How a focus of a grid is looked at more closely."""

    baked: BakedField
    grid: Grid
    scaffold: Scaffold
    bend_mm: float
    """Second difference of the warp over a base cell from which on it is asked three times as closely."""
    fine_bend_mm: float
    """The same there, from which on it is asked at every node of the grid."""

    def ask(self, part: int, frame: Frame, deform: Deform) -> None:
        """Posed distances of a focus where the warp bends too much for the lattice, such as along sealed lips."""
        axes, factor, shape, offset = self._place(part)
        cells = self._cells(part, frame, self.baked.soft, np.float32(self.bend_mm / UNIT_MM))
        stride = 2 if factor % 2 == 0 and factor > 2 else 1
        refined = frame.refined
        self._ask_nodes(part, frame, deform, wanted_nodes(cells, factor, stride, shape, offset, refined.known))
        if stride > 1:
            fine_values(
                cells, factor, stride, shape, offset, *axes, refined.warp, frame.values, self.baked.values, *self._field
            )
            parts = rough_parts(
                cells, factor, stride, shape, offset, frame.values, refined.warp, refined.known,
                np.float32(NEAR_SHARE * _across(axes, factor) * stride / factor),
                np.float32(self.fine_bend_mm / UNIT_MM),
            )  # fmt: skip
            self._ask_nodes(part, frame, deform, wanted_nodes(parts, stride, 1, shape, offset, refined.known))
            fill_parts(cells, factor, stride, shape, offset, refined.warp, refined.known)
        fine_values(cells, factor, 1, shape, offset, *axes, refined.warp, frame.values, self.baked.values, *self._field)

    def recall(self, part: int, frame: Frame, resting: Resting) -> None:
        """Posed distances round the eyes of a focus, with what the lattice is known to lose there at rest."""
        if self.baked.eyed.any():
            cells = self._cells(part, frame, self.baked.eyed, EVERYWHERE)
            self._lay(part, frame, cells, resting, FADE_MM / UNIT_MM)

    def learn(self, part: int, frame: Frame, rest: Deform, resting: Resting) -> None:
        """Note in `resting` what the lattice loses round the eyes of a focus; `frame` is the rest pose."""
        cells = self._cells(part, frame, self.baked.eyed, EVERYWHERE)
        _, factor, shape, offset = self._place(part)
        known, laid = np.zeros_like(frame.refined.known), Refined.nothing(len(frame.values))
        self._lay(part, Frame(frame.warp, frame.values.copy(), frame.owner, laid), cells, resting, 1.0)
        nodes = wanted_nodes(cells, factor, 1, shape, offset, known)
        nodes = nodes[laid.known[nodes]]
        write(rest, self._points(part, nodes), resting.lost, nodes)
        resting.lost[nodes] -= laid.warp[nodes]

    @property
    def _field(self) -> tuple:
        return self.baked.grid.finder

    def _place(self, part: int) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], int, tuple[int, int, int], int]:
        """Axes of a part, its cells along a base cell, how many nodes it has, and where they begin."""
        row = self.grid.layout.parts[part]
        return (
            self.grid.part_axes(part),
            self.grid.part_factor(part),
            tuple(row[NX : NX + 3].tolist()),
            int(row[OFFSET]),
        )

    def _cells(self, part: int, frame: Frame, about: Bool[np.ndarray, "x y z"], bend: np.float32) -> Cells:
        """Lowest corners of the base cells near the surface and `about` something in which the warp bends by more."""
        patch, (axes, factor, _, _) = self.grid.patches[part - 1], self._place(part)
        ends = zip(self.scaffold.picks, patch.start, patch.stop, strict=True)
        on_lattice = [np.searchsorted(pick, np.arange(start, stop + 1)) for pick, start, stop in ends]
        return factor * rough_cells(
            self.grid.block(frame.values, part), part, factor, np.array(patch.start), frame.owner, frame.warp,
            *on_lattice, *axes, about, *self._field[2:], np.float32(NEAR_SHARE * _across(axes, factor)), bend,
        )  # fmt: skip

    def _lay(self, part: int, frame: Frame, cells: Cells, resting: Resting, fade: float) -> None:
        axes, factor, shape, offset = self._place(part)
        lay_rest(
            cells, factor, shape, offset, *axes, frame.warp, resting.warp, *self.scaffold.picks, *self.grid.axes,
            resting.lost, np.float32(fade), frame.refined.warp, frame.refined.known, frame.values, self.baked.values,
            *self._field,
        )  # fmt: skip

    def _ask_nodes(self, part: int, frame: Frame, deform: Deform, wanted: Int64[np.ndarray, " node"]) -> None:
        """Ask the warp at nodes of a patch."""
        write(deform, self._points(part, wanted), frame.refined.warp, wanted)

    def _points(self, part: int, nodes: Int64[np.ndarray, " node"]) -> Float[np.ndarray, "node 3"]:
        axes, _, shape, offset = self._place(part)
        where = np.unravel_index(nodes - offset, shape)
        return np.stack([axis[index] for axis, index in zip(axes, where, strict=True)], 1)


def _across(axes: tuple[np.ndarray, np.ndarray, np.ndarray], factor: int) -> float:
    """The diagonal of a base cell."""
    return float(np.sqrt(sum((axis[factor] - axis[0]) ** 2 for axis in axes)))


def write(
    deform: Deform, points: Float[np.ndarray, "point 3"], warp: Float[np.ndarray, "node 4"],
    nodes: Int64[np.ndarray, " point"],
) -> None:  # fmt: skip
    """Ask the deformation at points and write offsets and levels to the rows `nodes` of a warp."""
    if len(points) == 0:
        return
    with torch.no_grad():
        for chunk, at in zip(torch.from_numpy(points).split(CHUNK), torch.from_numpy(nodes).split(CHUNK), strict=True):
            offsets, level = deform(chunk)
            warp[at.numpy(), :3] = offsets.float().cpu().numpy()
            warp[at.numpy(), 3] = level.float().cpu().numpy()
