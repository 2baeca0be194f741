"""The fast road: a baked canonical field, and per frame the deformation on a sparse lattice.

A backward deformation says where in canonical space a posed point came from. It is smooth, so asking the network at
the nodes of a coarse lattice round the last frame's surface is enough; everything between is interpolated and looked
up in the baked field by compiled loops. The lattice is finer near the foci, round mouth and eyes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from facetalk.compiled import kernel
from facetalk.geometry import UNIT_MM
from facetalk.mesh.baked import BakedField, look_up, look_up_shares
from facetalk.mesh.clip import Plane, clip
from facetalk.mesh.extract import CHUNK, ROUNDS, _copy_base, _part, _strides
from facetalk.mesh.grid import NX, OFFSET, Grid
from facetalk.mesh.isosurface import isosurface, triangles
from facetalk.mesh.normals import vertex_normals
from facetalk.mesh.pieces import reachable
from facetalk.types import Mesh

Deform = Callable[[Float[Tensor, "point 3"]], tuple[Float[Tensor, "point 3"], Float[Tensor, " point"]]]
"""Posed points to (offsets to canonical points, level added to the canonical distance)."""


@dataclass(frozen=True)
class FastConfig:
    """How densely the deformation is asked, and how far from the last surface."""

    near: int = 1
    """Base cells along a lattice cell inside the foci."""
    far: int = 3
    """Base cells along a lattice cell elsewhere."""
    travel_mm: float = 5.0
    """How far the surface may move in one frame before more of the lattice has to be asked."""
    margin: float = 1.3
    """How much distances may be overestimated."""


@dataclass(frozen=True)
class FastRoad:
    """Meshes of one identity, frame by frame."""

    baked: BakedField
    grid: Grid
    """The grid of the posed surface; its patches are the foci."""
    config: FastConfig = FastConfig()
    cut: Plane | None = None

    @cached_property
    def picks(self) -> tuple[Int64[np.ndarray, " x"], Int64[np.ndarray, " y"], Int64[np.ndarray, " z"]]:
        """Base nodes along each axis that are lattice nodes."""
        spans = ([(p.start[a], p.stop[a]) for p in self.grid.patches] for a in range(3))
        counts = (len(axis) - 1 for axis in self.grid.axes)
        return tuple(_picks(n, s, self.config) for n, s in zip(counts, spans, strict=True))  # type: ignore[return-value]

    @cached_property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coordinates of the lattice nodes along each axis."""
        return tuple(axis[pick] for axis, pick in zip(self.grid.axes, self.picks, strict=True))  # type: ignore[return-value]

    def everywhere(self) -> Bool[np.ndarray, "x y z"]:
        """All lattice cells: what the first frame has to ask."""
        return np.ones([len(axis) - 1 for axis in self.axes], bool)

    def __call__(
        self, deform: Deform, near: Bool[np.ndarray, "x y z"] | None = None
    ) -> tuple[Mesh, Bool[np.ndarray, "x y z"]]:
        """The mesh of one frame, and the lattice cells near its surface, to be given to the next frame."""
        warp = np.full((*(len(axis) for axis in self.axes), 4), np.nan, np.float32)
        values = np.full(self.grid.layout.size, np.nan, np.float32)
        self._ask(deform, warp, self.everywhere() if near is None else near)
        self._fill(warp, values)
        surface = isosurface(values, self.grid)
        for _ in range(ROUNDS):
            if len(surface.leaks) == 0:
                break
            self._follow(deform, warp, values, np.unique(surface.leaks))
            surface = isosurface(values, self.grid)
        faces = triangles(surface, surface.vertices)
        mesh = self._finish(warp, Mesh(surface.vertices, faces))
        return mesh, self._near(surface.cells)

    def _ask(self, deform: Deform, warp: np.ndarray, cells: np.ndarray) -> None:
        """Ask the deformation at the nodes of `cells` that are not known yet."""
        wanted = np.flatnonzero(cell_nodes(cells) & np.isnan(warp[..., 3]))
        where = np.unravel_index(wanted, warp.shape[:3])
        points = np.stack([axis[i] for axis, i in zip(self.axes, where, strict=True)], 1)
        with torch.no_grad():
            for chunk, at in zip(
                torch.from_numpy(points).split(CHUNK), torch.from_numpy(wanted).split(CHUNK), strict=True
            ):
                offsets, level = deform(chunk)
                warp.reshape(-1, 4)[at.numpy(), :3] = offsets.float().cpu().numpy()
                warp.reshape(-1, 4)[at.numpy(), 3] = level.float().cpu().numpy()

    def _fill(self, warp: np.ndarray, values: np.ndarray) -> None:
        """Posed distances at the grid's nodes near the surface."""
        base = _part(values, self.grid, 0)
        field, margin = (self.baked.values, *self.baked.lattice), np.float32(self.config.margin)
        fill_base(base, warp, *self.picks, *self.grid.axes, *field, margin)
        for part in range(1, len(self.grid.patches) + 1):
            nodes = _part(values, self.grid, part)
            _copy_base(nodes, values, self.grid, part)
            strides = _strides(self.grid.factor)
            for stride, finer in pairwise(strides):
                fill_patch(nodes, stride, finer, *self.grid.part_axes(part), warp, *self.axes, *field, margin)

    def _follow(self, deform: Deform, warp: np.ndarray, values: np.ndarray, leaks: np.ndarray) -> None:
        """Evaluate the cells that the surface entered unasked."""
        field = (self.baked.values, *self.baked.lattice)
        for part, row in enumerate(self.grid.layout.parts):
            nodes, axes = _part(values, self.grid, part), self.grid.part_axes(part)
            mine = leaks[(leaks >= row[OFFSET]) & (leaks < row[OFFSET] + nodes.size)] - row[OFFSET]
            if len(mine) == 0:
                continue
            corners = cell_corners(mine, row[NX + 1], row[NX + 2])
            where = np.unravel_index(corners, nodes.shape)
            points = np.stack([axis[i] for axis, i in zip(axes, where, strict=True)], 1)
            cells = self.everywhere()
            cells[...] = False
            at = [
                np.clip(np.searchsorted(axis, x, side) - 1, 0, len(axis) - 2)
                for axis, x in zip(self.axes, points.T, strict=True)
                for side in ("left", "right")
            ]
            cells[at[0], at[2], at[4]] = True
            cells[at[1], at[3], at[5]] = True
            self._ask(deform, warp, cells)
            nodes.reshape(-1)[corners] = posed_values(points, warp, *self.axes, *field)

    def _finish(self, warp: np.ndarray, mesh: Mesh) -> Mesh:
        field = (self.baked.values, *self.baked.lattice)
        mesh = reachable(mesh)
        normals = vertex_normals(mesh.vertices, mesh.faces)
        reach = np.float32(max(np.diff(axis).max() for axis in self.grid.axes))
        vertices, canonical = settle(mesh.vertices, normals, reach, warp, *self.axes, *field)
        regions = look_up_shares(self.baked.shares, *self.baked.lattice, canonical)
        mesh = Mesh(vertices, mesh.faces, regions, vertex_normals(vertices, mesh.faces))
        return mesh if self.cut is None else clip(mesh, self.cut)

    def _near(self, cells: np.ndarray) -> np.ndarray:
        """Lattice cells within reach of the surface's cells in one frame."""
        layout = self.grid.layout
        travel = np.float32(self.config.travel_mm / UNIT_MM)
        return spread(cells, layout.parts, layout.coordinates, *self.axes, travel)


def _picks(count: int, spans: Sequence[tuple[int, int]], config: FastConfig) -> np.ndarray:
    """Node indices 0 … count: every `near`-th inside the spans, at most `far` apart elsewhere."""
    inside = np.zeros(count, bool)
    for start, stop in spans:
        inside[start:stop] = True
    picks = [0]
    while picks[-1] < count:
        at = picks[-1]
        step = config.near if inside[at] else config.far
        ahead = np.flatnonzero(inside[at : at + step] != inside[at])
        picks.append(min(at + (int(ahead[0]) if len(ahead) else step), count))
    return np.array(picks, np.int64)


def cell_nodes(cells: Bool[np.ndarray, "i j k"]) -> Bool[np.ndarray, "x y z"]:
    """The nodes that are corners of the chosen cells."""
    nodes = np.zeros([n + 1 for n in cells.shape], bool)
    for corner in range(8):
        block = tuple(slice(corner >> a & 1, n + (corner >> a & 1)) for a, n in enumerate(cells.shape))
        nodes[block] |= cells
    return nodes


def cell_corners(cells: np.ndarray, ny: int, nz: int) -> np.ndarray:
    """Flat indices of the corners of cells given by their lowest ones."""
    step = np.array([0, 1])
    corners = (step[:, None, None] * ny * nz + step[:, None] * nz + step).ravel()
    return np.unique((cells[:, None] + corners).ravel())


@kernel
def blend(warp, a, b, c, u, v, w, out):
    """Write the trilinear warp in lattice cell (a, b, c) to `out`."""
    for n in range(4):
        p = warp[a, b, c, n] + w * (warp[a, b, c + 1, n] - warp[a, b, c, n])
        q = warp[a, b + 1, c, n] + w * (warp[a, b + 1, c + 1, n] - warp[a, b + 1, c, n])
        r = warp[a + 1, b, c, n] + w * (warp[a + 1, b, c + 1, n] - warp[a + 1, b, c, n])
        s = warp[a + 1, b + 1, c, n] + w * (warp[a + 1, b + 1, c + 1, n] - warp[a + 1, b + 1, c, n])
        p += v * (q - p)
        r += v * (s - r)
        out[n] = p + u * (r - p)


@kernel
def place(axis, x):
    """Interval of `axis` holding x, and x's place in it."""
    low, high = 0, len(axis) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if axis[middle] <= x:
            low = middle
        else:
            high = middle
    return low, (x - axis[low]) / (axis[low + 1] - axis[low])


@kernel
def posed(warp, lx, ly, lz, values, parts, owner, origin, per_unit, x, y, z, out):
    """Posed distance at a point; `out` holds the offset and level there."""
    a, u = place(lx, x)
    b, v = place(ly, y)
    c, w = place(lz, z)
    blend(warp, a, b, c, u, v, w, out)
    return look_up(values, parts, owner, origin, per_unit, x + out[0], y + out[1], z + out[2]) + out[3]


@kernel
def posed_values(points, warp, lx, ly, lz, values, parts, owner, origin, per_unit):
    """Posed distances at points."""
    found, out = np.empty(len(points), np.float32), np.empty(4, np.float32)
    for n in range(len(points)):
        x, y, z = points[n]
        found[n] = posed(warp, lx, ly, lz, values, parts, owner, origin, per_unit, x, y, z, out)
    return found


@kernel
def fill_base(base, warp, px, py, pz, x, y, z, values, parts, owner, origin, per_unit, margin):  # noqa: C901
    """Posed distances at the base nodes of the lattice cells that may hold the surface."""
    out, corner = np.empty(4, np.float32), np.empty(8, np.float32)
    for a in range(len(px)):
        for b in range(len(py)):
            for c in range(len(pz)):
                if not np.isnan(warp[a, b, c, 3]):
                    i, j, k = px[a], py[b], pz[c]
                    dx, dy, dz, level = warp[a, b, c]
                    base[i, j, k] = level + look_up(
                        values, parts, owner, origin, per_unit, x[i] + dx, y[j] + dy, z[k] + dz
                    )
    for a in range(len(px) - 1):
        for b in range(len(py) - 1):
            for c in range(len(pz) - 1):
                for e in range(8):
                    corner[e] = base[px[a + (e & 1)], py[b + (e >> 1 & 1)], pz[c + (e >> 2)]]
                i0, i1, j0, j1, k0, k1 = px[a], px[a + 1], py[b], py[b + 1], pz[c], pz[c + 1]
                extent = np.sqrt((x[i1] - x[i0]) ** 2 + (y[j1] - y[j0]) ** 2 + (z[k1] - z[k0]) ** 2)
                if not may_hold(corner, margin * extent):
                    continue
                for i in range(i0, i1 + 1):
                    u = (x[i] - x[i0]) / (x[i1] - x[i0])
                    for j in range(j0, j1 + 1):
                        v = (y[j] - y[j0]) / (y[j1] - y[j0])
                        for k in range(k0, k1 + 1):
                            if np.isnan(base[i, j, k]):
                                w = (z[k] - z[k0]) / (z[k1] - z[k0])
                                blend(warp, a, b, c, u, v, w, out)
                                base[i, j, k] = out[3] + look_up(
                                    values, parts, owner, origin, per_unit, x[i] + out[0], y[j] + out[1], z[k] + out[2]
                                )


@kernel
def may_hold(corner, reach):
    """Whether a cell with these corner distances and this (widened) diagonal may hold the surface."""
    least, most, low, high = np.float32(np.inf), np.float32(0), False, False
    for e in range(8):
        if np.isnan(corner[e]):
            return False
        low, high = low or corner[e] < 0, high or corner[e] >= 0
        least, most = min(least, abs(corner[e])), max(most, abs(corner[e]))
    return (low and high) or (most <= reach and least <= reach / 2)


@kernel
def fill_patch(nodes, stride, finer, x, y, z, warp, lx, ly, lz, values, parts, owner, origin, per_unit, margin):
    """Posed distances at spacing `finer` in the cells of a patch at spacing `stride` that may hold the surface."""
    out, corner = np.empty(4, np.float32), np.empty(8, np.float32)
    nx, ny, nz = nodes.shape
    for i0 in range(0, nx - 1, stride):
        for j0 in range(0, ny - 1, stride):
            for k0 in range(0, nz - 1, stride):
                i1, j1, k1 = i0 + stride, j0 + stride, k0 + stride
                for e in range(8):
                    corner[e] = nodes[i1 if e & 1 else i0, j1 if e & 2 else j0, k1 if e & 4 else k0]
                extent = np.sqrt((x[i1] - x[i0]) ** 2 + (y[j1] - y[j0]) ** 2 + (z[k1] - z[k0]) ** 2)
                if not may_hold(corner, margin * extent):
                    continue
                for i in range(i0, i1 + 1, finer):
                    for j in range(j0, j1 + 1, finer):
                        for k in range(k0, k1 + 1, finer):
                            if np.isnan(nodes[i, j, k]):
                                nodes[i, j, k] = posed(
                                    warp, lx, ly, lz, values, parts, owner, origin, per_unit, x[i], y[j], z[k], out
                                )


@kernel
def settle(points, normals, reach, warp, lx, ly, lz, values, parts, owner, origin, per_unit):
    """Points moved along their normals onto the posed surface by two secant steps, and their canonical places."""
    moved, canonical = points.copy(), points.copy()
    out = np.empty(4, np.float32)
    for n in range(len(points)):
        x, y, z = points[n]
        nx, ny, nz = normals[n]
        first = posed(warp, lx, ly, lz, values, parts, owner, origin, per_unit, x, y, z, out)
        if not np.isnan(first):
            t = min(max(-first, -reach), reach)
            px, py, pz = x + t * nx, y + t * ny, z + t * nz
            second = posed(warp, lx, ly, lz, values, parts, owner, origin, per_unit, px, py, pz, out)
            if abs(second) < abs(first):
                best = t
                if second != first:
                    t -= second * t / (second - first)
                    t = min(max(t, -reach), reach)
                    px, py, pz = x + t * nx, y + t * ny, z + t * nz
                    third = posed(warp, lx, ly, lz, values, parts, owner, origin, per_unit, px, py, pz, out)
                    if abs(third) < abs(second):
                        best = t
                moved[n, 0], moved[n, 1], moved[n, 2] = x + best * nx, y + best * ny, z + best * nz
        px, py, pz = moved[n]
        posed(warp, lx, ly, lz, values, parts, owner, origin, per_unit, px, py, pz, out)
        for a in range(3):
            canonical[n, a] = moved[n, a] + out[a]
    return moved, canonical


@kernel
def spread(cells, parts, coordinates, lx, ly, lz, travel):
    """Lattice cells that come within `travel` of any of the surface's cells."""
    near = np.zeros((len(lx) - 1, len(ly) - 1, len(lz) - 1), np.bool_)
    hit = np.zeros_like(near)
    for s in range(len(cells)):
        p = cells[s, 0]
        a, _ = place(lx, coordinates[parts[p, 8] + cells[s, 1]])
        b, _ = place(ly, coordinates[parts[p, 9] + cells[s, 2]])
        c, _ = place(lz, coordinates[parts[p, 10] + cells[s, 3]])
        hit[a, b, c] = True
    for a in range(near.shape[0]):
        for b in range(near.shape[1]):
            for c in range(near.shape[2]):
                if not hit[a, b, c]:
                    continue
                a0, a1 = place(lx, lx[a] - travel)[0], place(lx, lx[a + 1] + travel)[0]
                b0, b1 = place(ly, ly[b] - travel)[0], place(ly, ly[b + 1] + travel)[0]
                c0, c1 = place(lz, lz[c] - travel)[0], place(lz, lz[c + 1] + travel)[0]
                near[a0 : a1 + 1, b0 : b1 + 1, c0 : c1 + 1] = True
    return near
