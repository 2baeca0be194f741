"""The fast road: a baked canonical field, and per frame the deformation on a sparse lattice.

A backward deformation says where in canonical space a posed point came from. It is smooth, so asking the network at
the nodes of a coarse lattice round the surface is enough; everything between is interpolated and looked up in the
baked field by compiled loops. The lattice is finer near the foci, round mouth and eyes; where the warp bends too much
even for that, as along sealed lips, nodes of the grid itself are asked (`facetalk.mesh.closeup`).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64

from facetalk.geometry import UNIT_MM
from facetalk.mesh.baked import BakedField
from facetalk.mesh.clip import Plane, clip
from facetalk.mesh.closeup import Closeup, Frame, write
from facetalk.mesh.extract import ROUNDS, _copy_base, _strides
from facetalk.mesh.finding import OFFSET
from facetalk.mesh.finish import Posed, Refined, at_rest, finished
from facetalk.mesh.grid import Grid
from facetalk.mesh.isosurface import isosurface
from facetalk.mesh.lattice import cell_corners, cell_nodes, far_nodes, fill_far, spread, touched_cells
from facetalk.mesh.posing import posed_values
from facetalk.mesh.resting import Resting
from facetalk.mesh.scaffold import Scaffold
from facetalk.mesh.slits import without_thin
from facetalk.mesh.standing import Deform, Rested, Stillness, still_cells
from facetalk.mesh.warped import close_patch, fill_base, fill_patch
from facetalk.types import Mesh

FEELERS = 5
"""One node of so many at the chin is asked to know how far it drops."""


@dataclass(frozen=True)
class FastConfig:
    """How densely the deformation is asked, and how far from the last surface."""

    near: int = 1
    """Base cells along a lattice cell inside the foci."""
    far: int = 3
    """Base cells along a lattice cell elsewhere."""
    below: int = 3
    """Base cells under the lowest focus where the lattice is as close in poses that drop the chin far."""
    drop_mm: float = 9.0
    """How far the surface there moves in such a pose."""
    travel_mm: float = 5.0
    """How far from the last frame's surface the lattice is asked; a jaw drops by 6 mm in a frame now and then."""
    start_mm: float = 9.0
    """How far from the canonical surface it is asked."""
    margin: float = 1.0
    """How much distances may be overestimated; cells that this misses are found where the surface runs into them."""
    bend_mm: float = 3.5
    """Second difference of the warp over a base cell from which on it is asked three times as closely."""
    fine_bend_mm: float = 3.5
    """The same there, from which on it is asked at every node of the grid."""


@dataclass(frozen=True)
class FastRoad:
    """Meshes of one identity, frame by frame."""

    baked: BakedField
    grid: Grid
    """The grid of the posed surface; its patches are the foci."""
    config: FastConfig = FastConfig()
    cut: Plane | None = None
    stillness: Stillness | None = None
    """Where nothing moves; None where anything may."""

    @cached_property
    def scaffold(self) -> Scaffold:
        """Where the lattice has nodes."""
        return Scaffold(self.grid, self.config.near, self.config.far, self.config.below)

    @cached_property
    def closeup(self) -> Closeup:
        """How foci are looked at."""
        return Closeup(self.baked, self.grid, self.scaffold, self.config.bend_mm, self.config.fine_bend_mm)

    @cached_property
    def picks(self) -> tuple[Int64[np.ndarray, " x"], Int64[np.ndarray, " y"], Int64[np.ndarray, " z"]]:
        """Base nodes along each axis that are lattice nodes."""
        return self.scaffold.picks

    @cached_property
    def feelers(self) -> Float[np.ndarray, "point 3"]:
        """A few nodes at the surface under the lowest focus: where they came from tells how far the chin drops."""
        under = self.scaffold.wide & ~self.scaffold.close & cell_nodes(self.start)
        return self.scaffold.nodes(under)[::FEELERS]

    @cached_property
    def start(self) -> Bool[np.ndarray, "x y z"]:
        """Lattice cells asked where no frame came before: those near the canonical surface."""
        nodes = np.stack(np.meshgrid(*self.scaffold.axes, indexing="ij"), -1).reshape(-1, 3)
        distance = np.abs(self.baked.distance(nodes)).reshape([len(axis) for axis in self.scaffold.axes])
        return touched_cells(distance <= self.config.start_mm / UNIT_MM)

    def __call__(
        self, deform: Deform, near: Bool[np.ndarray, "x y z"] | None = None
    ) -> tuple[Mesh, Bool[np.ndarray, "x y z"]]:
        """The mesh of one frame, and the lattice cells near its surface, to be given to the next frame.

        `deform` is asked at nodes of the grid alone, and hardly where nothing moves.
        """
        posed = self._pose(deform, self.rested, near, self.resting)
        mesh = finished(self.baked, posed, self.rested)
        return mesh if self.cut is None else clip(mesh, self.cut), self._near(posed.surface.cells)

    @cached_property
    def rested(self) -> Rested:
        """What all frames have in common."""
        if self.stillness is None:
            return Rested.nothing(self.grid, self.scaffold.close.shape)
        cells = still_cells(self.stillness.moves, self.scaffold.axes, self.scaffold.close)
        return at_rest(self.baked, self._rest, cells, self.cut)

    @cached_property
    def _rest(self) -> Posed:
        """The rest pose as if all moved."""
        assert self.stillness is not None
        nothing = Rested.nothing(self.grid, self.scaffold.close.shape)
        return self._pose(self.stillness.rest, nothing, None, None)

    @cached_property
    def resting(self) -> Resting | None:
        """What the lattice loses of the rest pose; None where none is known."""
        if self.stillness is None or not self.baked.eyed.any():
            return None
        posed = self._rest
        found = Resting(posed.warp, np.zeros((self.grid.layout.size, 4), np.float32))
        frame = Frame(posed.warp, posed.values, posed.owner, posed.refined)
        for part in self.grid.foci:
            self.closeup.learn(part, frame, self.stillness.rest, found)
        return found

    def _pose(self, deform: Deform, rested: Rested, near: np.ndarray | None, resting: Resting | None) -> Posed:
        """The surface of one frame as the grid shows it."""
        blank = Refined.nothing(self.grid.layout.size)
        frame = Frame(rested.warp.copy(), rested.values.copy(), rested.owner.copy(), blank)
        close = self._close(deform)
        self._ask(deform, frame.warp, (self.start if near is None else self.start | near) & ~rested.cells, close)
        for _ in range(1 + ROUNDS):
            self._fill(frame, deform, rested.surface.still, resting)
            surface = isosurface(without_thin(frame.values, self.grid), self.grid, frame.owner, rested.surface)
            if len(surface.leaks) == 0:
                break
            self._follow(deform, frame.warp, frame.values, np.unique(surface.leaks), close)
        return Posed(self.grid, self.picks, frame.warp, frame.refined, frame.values, frame.owner, surface)

    def _close(self, deform: Deform) -> Bool[np.ndarray, "x y z"]:
        """Lattice nodes of a pose that are asked themselves."""
        if len(self.feelers) == 0:
            return self.scaffold.close
        with torch.no_grad():
            offsets, _ = deform(torch.from_numpy(self.feelers))
        dropped = float(offsets.norm(dim=1).max()) * UNIT_MM > self.config.drop_mm
        return self.scaffold.wide if dropped else self.scaffold.close

    def _ask(self, deform: Deform, warp: np.ndarray, cells: np.ndarray, close: np.ndarray) -> None:
        """Ask the deformation at the nodes of `cells` that are not known yet; between far ones it is interpolated."""
        needed = cell_nodes(cells)
        wanted = np.flatnonzero(far_nodes(needed, close, *self.scaffold.far_picks) & np.isnan(warp[..., 3]))
        where = np.unravel_index(wanted, warp.shape[:3])
        points = np.stack([axis[i] for axis, i in zip(self.scaffold.axes, where, strict=True)], 1)
        write(deform, points, warp.reshape(-1, 4), wanted)
        fill_far(warp, needed, close, *self.scaffold.far_picks)

    def _fill(self, frame: Frame, deform: Deform, still: np.ndarray, resting: Resting | None) -> None:
        """Posed distances at the grid's nodes near the surface; cells of mere skin are given back to the base."""
        warp, values, owner = frame.warp, frame.values, frame.owner
        frame.refined = Refined.nothing(self.grid.layout.size)
        base, lattice = self.grid.block(values, 0), (*self.picks, *self.grid.axes)
        field, margin = (self.baked.values, *self.baked.grid.finder), np.float32(self.config.margin)
        fill_base(base, warp, *lattice, *field, margin)
        for part in range(1, len(self.grid.patches) + 1):
            patch, axes, factor = self.grid.patches[part - 1], self.grid.part_axes(part), self.grid.part_factor(part)
            start, strides = np.array(patch.start), np.array(_strides(factor))
            if still[tuple(slice(a, b) for a, b in zip(patch.start, patch.stop, strict=True))].all():
                continue
            nodes = self.grid.block(values, part)
            _copy_base(nodes, values, self.grid, part)
            detail = self.baked.thin if patch.aside else self.baked.detail
            fill_patch(nodes, strides, start, owner, detail, *axes, warp, *lattice, *field, margin)
            if not patch.aside:
                self.closeup.ask(part, frame, deform)
                if resting is not None:
                    self.closeup.recall(part, frame, resting)
            close_patch(nodes, part, factor, start, owner, *axes, warp, *lattice, *field)

    def _follow(
        self, deform: Deform, warp: np.ndarray, values: np.ndarray, leaks: np.ndarray, close: np.ndarray
    ) -> None:
        """Evaluate the cells that the surface entered unasked."""
        field = (self.baked.values, *self.baked.grid.finder)
        for part, row in enumerate(self.grid.layout.parts):
            nodes, axes = self.grid.block(values, part), self.grid.part_axes(part)
            mine = leaks[(leaks >= row[OFFSET]) & (leaks < row[OFFSET] + nodes.size)] - row[OFFSET]
            if len(mine) == 0:
                continue
            corners = cell_corners(mine, nodes.shape[1], nodes.shape[2])
            where = np.unravel_index(corners, nodes.shape)
            points = np.stack([axis[i] for axis, i in zip(axes, where, strict=True)], 1)
            cells = np.zeros_like(self.start)
            at = [
                np.clip(np.searchsorted(axis, x, side) - 1, 0, len(axis) - 2)
                for axis, x in zip(self.scaffold.axes, points.T, strict=True)
                for side in ("left", "right")
            ]
            cells[at[0], at[2], at[4]] = True
            cells[at[1], at[3], at[5]] = True
            self._ask(deform, warp, cells, close)
            nodes.reshape(-1)[corners] = posed_values(points, warp, *self.picks, *self.grid.axes, *field)

    def _near(self, cells: np.ndarray) -> np.ndarray:
        """Lattice cells within reach of the surface's cells in one frame."""
        layout = self.grid.layout
        travel = np.float32(self.config.travel_mm / UNIT_MM)
        return spread(cells, layout.parts, layout.coordinates, *self.picks, *self.grid.axes, travel)
