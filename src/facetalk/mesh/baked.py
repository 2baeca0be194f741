"""A canonical field asked once for an identity and kept as values at the nodes of a grid.

Near the surface the values are exact; farther out they are interpolated from coarser nodes, good enough to know the
side and to know that the surface is not there.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, UInt8
from scipy.ndimage import binary_dilation

from facetalk.compiled import kernel
from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.mesh.extract import SDF, Regions, _strides, ask, sample
from facetalk.mesh.finding import GX, NX, OFFSET, SCALE, look_up_all
from facetalk.mesh.grid import Grid
from facetalk.types import EYEBALL, Region

DETAIL_CELLS = 1
"""Base cells round lips and eyes that are worth dividing."""
BENT_MM = 1.1
"""Difference from what the corners of a base cell tell from which on it is worth dividing: thin or sharp skin."""
PLAIN = [Region.SKIN, Region.HAIR, Region.MOUTH]
"""What needs no smaller cells of its own."""
SEALING = [Region.LIPS, *EYEBALL]
"""Where lips or lids may touch."""
DETAIL_SHARE = 64
"""Of 255: what a region must hold of a node to count there."""

LARGE = 1000
"""Base cells from which on a focus, as the mouth, is baked with cells twice as large as it is shown with: its nodes
would take as long as all others, and what is thin there, sealed lips, is asked anew. Eyes are smaller."""


@dataclass(frozen=True)
class BakedField:
    """Signed distance and region shares at the nodes of `grid`, in its flat order."""

    grid: Grid
    values: Float[np.ndarray, " node"]
    shares: UInt8[np.ndarray, "node region"]
    """255 times each region's share near the surface; zero elsewhere."""

    def distance(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
        """Interpolated distance at points; outside the box that of the nearest point of the box."""
        return look_up_all(self.values, *self.grid.finder, np.ascontiguousarray(points, np.float32))

    @cached_property
    def detail(self) -> Bool[np.ndarray, "x y z"]:
        """Base cells near lips and eyes, or too coarse for skin; all of them where no region is known.

        Teeth need none: they are worn as a mesh of their own (`facetalk.mesh.dentition`).
        """
        skin = binary_dilation(self.bent) & self._about([Region.SKIN], 0)
        wall = self.bent & self._about([Region.SKIN], 1)  # lips and cheeks are thin: their insides tear them
        edged = self._about((region for region in Region if region not in (*PLAIN, Region.TEETH)), DETAIL_CELLS)
        return edged | skin | wall

    @cached_property
    def bent(self) -> Bool[np.ndarray, "x y z"]:
        """Base cells in patches whose corners alone tell the surface in them less well than to `BENT_MM`."""
        found = np.zeros([len(axis) for axis in self.grid.axes], bool)
        across = float(np.linalg.norm([axis[1] - axis[0] for axis in self.grid.axes]))
        for part, patch in enumerate(self.grid.patches, start=1):
            nodes = self.grid.block(self.values, part)
            off = away_from_corners(nodes, self.grid.part_factor(part), np.float32(across))
            found[tuple(slice(a, b) for a, b in zip(patch.start, patch.stop, strict=True))] = off > BENT_MM / UNIT_MM
        return found

    @cached_property
    def thin(self) -> Bool[np.ndarray, "x y z"]:
        """Base cells too coarse for their skin, and those around them."""
        return binary_dilation(self.bent, np.ones((3, 3, 3), bool))

    @cached_property
    def soft(self) -> Bool[np.ndarray, "x y z"]:
        """Base cells that hold lips and eyes, which seal; all of them where no region is known."""
        return self._about(SEALING, 0)

    @cached_property
    def eyed(self) -> Bool[np.ndarray, "x y z"]:
        """Base cells that hold eyeballs, and with them the rims of lids; none where no region is known."""
        return self._about(EYEBALL, 0) if self.shares.any() else np.zeros([len(axis) for axis in self.grid.axes], bool)

    def _about(self, regions: Iterable[Region], reach: int) -> Bool[np.ndarray, "x y z"]:
        """Base cells within `reach` cells of certain regions."""
        if not self.shares.any():
            return np.ones([len(axis) for axis in self.grid.axes], bool)
        fine = (self.shares[:, list(regions)] > DETAIL_SHARE).any(1)
        found = np.zeros([len(axis) for axis in self.grid.axes], bool)
        for part, row in enumerate(self.grid.layout.parts):
            where = np.argwhere(self.grid.block(fine, part))
            cells = (where * row[SCALE] + row[GX : GX + 3]) // self.grid.factor
            found[tuple(cells.T)] = True
        return binary_dilation(found, np.ones((3, 3, 3), bool), reach) if reach else found


def bake(canonical: SDF, grid: Grid, regions: Regions | None = None, *, margin: float = 1.6) -> BakedField:
    """Sample a canonical distance, and region shares at the nodes next to the surface.

    Raises:
        InputError: the base of the grid is not evenly spaced.
    """
    if any(np.ptp(np.diff(axis)) > 1e-3 * np.diff(axis).mean() for axis in grid.axes):
        raise InputError("a baked field needs an evenly spaced base grid; use uniform_grid or focused_grid")
    grid = _to_bake(grid)
    values = sample(canonical, grid, margin=margin)
    shares = np.zeros((len(values), len(Region)), np.uint8)
    if regions is not None:
        for part, row in enumerate(grid.layout.parts):
            near = surface_nodes(grid.block(values, part))
            points = np.stack(
                [a[i] for a, i in zip(grid.part_axes(part), np.unravel_index(near, row[NX : NX + 3]), strict=True)], 1
            )
            if len(near):
                shares[near + row[OFFSET]] = np.rint(ask(regions, points) * 255).astype(np.uint8)
    for part in range(len(grid.patches) + 1):
        nodes = grid.block(values, part)
        if part:
            patch = grid.patches[part - 1]
            block = tuple(slice(a, b + 1) for a, b in zip(patch.start, patch.stop, strict=True))
            coarse = grid.block(values, 0)[block]
            step = grid.part_factor(part)
            known = nodes[::step, ::step, ::step]
            known[...] = np.where(np.isnan(known), coarse, known)
        strides = _strides(grid.part_factor(part)) if part else [8, 4, 2, 1]
        for stride, finer in pairwise(strides):
            fill_between(nodes, stride, finer)
    return BakedField(grid, values, shares)


def _to_bake(grid: Grid) -> Grid:
    """The grid with cells twice as large in large foci."""
    factors = []
    for part, patch in enumerate(grid.patches, start=1):
        cells, factor = np.prod(np.subtract(patch.stop, patch.start)), grid.part_factor(part)
        factors.append(-(-factor // 2) if cells > LARGE and not patch.aside else factor)
    finest = math.lcm(*factors)
    patches = (replace(patch, coarser=finest // n) for patch, n in zip(grid.patches, factors, strict=True))
    return replace(grid, factor=finest, patches=tuple(patches))


@kernel
def away_from_corners(nodes, factor, reach):
    """How far near distances in each block of `factor` cells are from the trilinear ones of its corners.

    Zero for blocks without surface; `reach` is how near counts.
    """
    nx, ny, nz = (nodes.shape[0] - 1) // factor, (nodes.shape[1] - 1) // factor, (nodes.shape[2] - 1) // factor
    off = np.zeros((nx, ny, nz), np.float32)
    for a in range(nx):
        for b in range(ny):
            for c in range(nz):
                low, high, worst = False, False, np.float32(0)
                for i in range(factor + 1):
                    for j in range(factor + 1):
                        for k in range(factor + 1):
                            value = nodes[a * factor + i, b * factor + j, c * factor + k]
                            low, high = low or value < 0, high or value >= 0
                            if abs(value) > reach:
                                continue
                            guess = np.float32(0)
                            for e in range(8):
                                x, y, z = e & 1, e >> 1 & 1, e >> 2
                                share = (i if x else factor - i) * (j if y else factor - j) * (k if z else factor - k)
                                guess += share * nodes[(a + x) * factor, (b + y) * factor, (c + z) * factor]
                            worst = max(worst, abs(value - guess / np.float32(factor**3)))
                if low and high:
                    off[a, b, c] = worst
    return off


@kernel
def surface_nodes(nodes):
    """Flat indices of the corners of cells that the surface enters, and of their neighbours."""
    nx, ny, nz = nodes.shape
    marked = np.zeros((nx, ny, nz), np.bool_)
    for i in range(nx - 1):
        for j in range(ny - 1):
            for k in range(nz - 1):
                if np.isnan(nodes[i, j, k]):
                    continue
                low, high = False, False
                for c in range(8):
                    value = nodes[i + (c & 1), j + (c >> 1 & 1), k + (c >> 2)]
                    low, high = low or value < 0, high or value >= 0
                if low and high:
                    for a in range(max(i - 1, 0), min(i + 3, nx)):
                        for b in range(max(j - 1, 0), min(j + 3, ny)):
                            for d in range(max(k - 1, 0), min(k + 3, nz)):
                                marked[a, b, d] = True
    return np.flatnonzero(marked)


@kernel
def fill_between(nodes, stride, finer):
    """Give unknown nodes at spacing `finer` the trilinear value of the cell at spacing `stride` around them."""
    nx, ny, nz = nodes.shape
    for i in range(0, nx - 1, stride):
        i1 = min(i + stride, nx - 1)
        for j in range(0, ny - 1, stride):
            j1 = min(j + stride, ny - 1)
            for k in range(0, nz - 1, stride):
                k1 = min(k + stride, nz - 1)
                for a in range(i, i1 + finer, finer):
                    a = min(a, i1)
                    for b in range(j, j1 + finer, finer):
                        b = min(b, j1)
                        for d in range(k, k1 + finer, finer):
                            d = min(d, k1)
                            if not np.isnan(nodes[a, b, d]):
                                continue
                            u, v, w = (a - i) / (i1 - i), (b - j) / (j1 - j), (d - k) / (k1 - k)
                            total = 0.0
                            for c in range(8):
                                share = (u if c & 1 else 1 - u) * (v if c & 2 else 1 - v) * (w if c & 4 else 1 - w)
                                if share > 0:
                                    total += share * nodes[i1 if c & 1 else i, j1 if c & 2 else j, k1 if c & 4 else k]
                            nodes[a, b, d] = total
