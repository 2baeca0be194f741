"""The exact road: the surface of any signed distance function, queried only near the surface.

Nothing here knows a head. The distance is asked on coarse nodes first; cells too far from the surface to hold it are
left out, the others are divided, down to the grid's own cells. The vertices are then moved onto the surface by the
secant method, so they are exact however coarse the grid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.compiled import kernel
from facetalk.geometry import UNIT_MM
from facetalk.mesh.clip import Plane, clip
from facetalk.mesh.curved import divided
from facetalk.mesh.finding import OFFSET
from facetalk.mesh.grid import Grid
from facetalk.mesh.isosurface import isosurface, triangles
from facetalk.mesh.kept import Kept
from facetalk.mesh.normals import edge_lengths, vertex_normals
from facetalk.mesh.pieces import reachable
from facetalk.mesh.slits import without_thin
from facetalk.types import Mesh

SDF = Callable[[Float[Tensor, "point 3"]], Float[Tensor, " point"]]
"""Signed distance in units, negative inside."""
Regions = Callable[[Float[Tensor, "point 3"]], Float[Tensor, "point region"]]
"""Share of each region at points on the surface."""

CHUNK = 65_536
"""Points in one call of the distance function: keeps memory flat."""
TOLERANCE_MM = 0.02
"""How near to the surface vertices are brought."""
ARC_MM = 0.03
"""Height of the surface over an edge of a triangle from which on the edge is divided."""
ROUNDS = 32
"""Times the evaluated cells may grow after the surface before the distance counts as broken."""


def extract(
    sdf: SDF, grid: Grid, *, margin: float = 1.3, coarse: int = 8, cut: Plane | None = None,
    regions: Regions | None = None, arc_mm: float = ARC_MM, kept: Kept | None = None,
) -> Mesh:  # fmt: skip
    """The reachable surface of `sdf` as a mesh with outward normals.

    Args:
        sdf: signed distance, exact or nearly so: distances may be overestimated by the factor `margin`.
        grid: where the surface is looked for; the size of its cells is the size of the triangles.
        margin: a cell is left out when its corners are farther away than `margin` times its extent.
        coarse: base cells along one edge of the cells asked first.
        cut: the half space to keep.
        regions: shares of surface kinds, asked at the finished vertices.
        arc_mm: edges that the surface leaves by more are divided, so that it is round where cells are wide.
        kept: what frames of one person on this grid have in common, so that it is asked but once.
    """

    def onto(points: np.ndarray, normals: np.ndarray, reach: np.ndarray) -> np.ndarray:
        if kept is None:
            return project(sdf, points, normals, reach)
        return kept.points(points, lambda new: project(sdf, points[new], normals[new], reach[new]))

    surface = isosurface(without_thin(sample(sdf, grid, margin=margin, coarse=coarse, kept=kept), grid), grid)
    faces = triangles(surface, surface.vertices)
    mesh = reachable(Mesh(surface.vertices, faces))
    normals, reach = vertex_normals(mesh.vertices, mesh.faces), edge_lengths(mesh.vertices, mesh.faces)
    mesh = Mesh(onto(mesh.vertices, normals, reach), mesh.faces)
    mesh = Mesh(mesh.vertices, mesh.faces, normals=vertex_normals(mesh.vertices, mesh.faces))
    mesh = divided(mesh, onto, arc_mm)
    mesh = mesh if cut is None else clip(mesh, cut)
    if regions is None:
        return mesh
    return Mesh(mesh.vertices, mesh.faces, ask(regions, mesh.vertices), mesh.normals)


def sample(
    sdf: SDF, grid: Grid, *, margin: float = 1.3, coarse: int = 8, kept: Kept | None = None
) -> Float[np.ndarray, " node"]:
    """Distances at the nodes of every cell that may hold the surface, in the grid's flat order; NaN elsewhere."""
    asked = _Asked(sdf, grid, kept, np.full(grid.layout.size, np.nan, np.float32))
    for part in range(len(grid.patches) + 1):
        nodes, axes = asked.nodes(part), grid.part_axes(part)
        strides = _strides(grid.part_factor(part)) if part else [2**i for i in range(coarse.bit_length() - 1, -1, -1)]
        if part:
            _copy_base(nodes, asked.values, grid, part)
        else:
            asked.fill(part, coarse_nodes(np.array(nodes.shape), strides[0]))
        for stride, finer in pairwise(strides):
            asked.fill(part, near_nodes(nodes, *axes, stride, finer, np.float32(margin)))
    _follow(asked)
    return asked.values


def sample_everywhere(sdf: SDF, grid: Grid) -> Float[np.ndarray, " node"]:
    """Distances at all nodes: the slow truth that `sample` is measured against."""
    return np.concatenate([ask(sdf, grid.nodes(part)) for part in range(len(grid.patches) + 1)])


def ask(field: Callable[[Tensor], Tensor], points: Float[np.ndarray, "point 3"]) -> np.ndarray:
    """`field` at `points`, in chunks, as float32."""
    with torch.no_grad():
        chunks = torch.from_numpy(np.ascontiguousarray(points, np.float32)).split(CHUNK)
        return torch.cat([field(chunk).float().cpu() for chunk in chunks]).numpy()


def project(
    sdf: SDF, points: Float[np.ndarray, "point 3"], normals: Float[np.ndarray, "point 3"],
    reach: Float[np.ndarray, " point"], steps: int = 6,
) -> Float[np.ndarray, "point 3"]:  # fmt: skip
    """`points` moved along `normals` onto the surface by the secant method, each no farther than its `reach`.

    A surface that is farther away than the mesh is coarse is another one: going there would pull out a spike.
    """
    if len(points) == 0:
        return points
    value = ask(sdf, points)
    best, least = np.zeros_like(value), np.abs(value)
    before, at = value, np.clip(-value, -reach, reach)
    last, todo = np.zeros_like(value), np.flatnonzero(least > TOLERANCE_MM / UNIT_MM)
    for _ in range(steps):
        if len(todo) == 0:
            break
        now = ask(sdf, points[todo] + at[todo, None] * normals[todo])
        better = np.abs(now) < least[todo]
        best[todo[better]], least[todo[better]] = at[todo[better]], np.abs(now[better])
        rise = now - before[todo]
        slope = np.where(np.abs(rise) > 1e-9, (at[todo] - last[todo]) / np.where(rise == 0, 1, rise), 0)
        step = np.clip(at[todo] - now * slope, -reach[todo], reach[todo])
        last[todo], before[todo], at[todo] = at[todo], now, step
        todo = todo[np.abs(now) > TOLERANCE_MM / UNIT_MM]
    return (points + best[:, None] * normals).astype(np.float32)


def _strides(factor: int) -> list[int]:
    """From one base cell down to one fine cell, by prime divisors, the largest first: the last cells are small."""
    strides = [factor]
    while strides[-1] > 1:
        stride = strides[-1]
        strides.append(next(s for s in range(1, stride) if stride % s == 0 and _is_prime(stride // s)))
    return strides


def _is_prime(number: int) -> bool:
    return all(number % d for d in range(2, number))


def _copy_base(nodes: np.ndarray, values: np.ndarray, grid: Grid, part: int) -> None:
    """A patch starts from what the base knows."""
    patch, step = grid.patches[part - 1], grid.part_factor(part)
    block = tuple(slice(a, b + 1) for a, b in zip(patch.start, patch.stop, strict=True))
    nodes[::step, ::step, ::step] = grid.block(values, 0)[block]


@dataclass(frozen=True)
class _Asked:
    """The nodes of a grid as their distances become known."""

    sdf: SDF
    grid: Grid
    kept: Kept | None
    values: Float[np.ndarray, " node"]

    def nodes(self, part: int) -> np.ndarray:
        return self.grid.block(self.values, part)

    def fill(self, part: int, wanted: np.ndarray) -> None:
        """Ask at nodes of a part, given by their flat indices in it."""
        if len(wanted) == 0:
            return
        axes, shape, first = self.grid.part_axes(part), self.nodes(part).shape, self.grid.layout.parts[part, OFFSET]

        def distances(at: np.ndarray) -> np.ndarray:
            where = np.unravel_index(at - first, shape)
            return ask(self.sdf, np.stack([axis[index] for axis, index in zip(axes, where, strict=True)], 1))

        at = first + wanted
        self.values[at] = distances(at) if self.kept is None else self.kept.nodes(at, distances)


def _follow(asked: _Asked) -> None:
    """Evaluate the cells into which the surface runs although their corners seemed too far away."""
    grid, values = asked.grid, asked.values
    for _ in range(ROUNDS):
        leaks = np.unique(isosurface(values, grid).leaks)
        if len(leaks) == 0:
            return
        for part, row in enumerate(grid.layout.parts):
            nodes = asked.nodes(part)
            mine = leaks[(leaks >= row[OFFSET]) & (leaks < row[OFFSET] + nodes.size)] - row[OFFSET]
            steps = np.array([0, 1])
            strides = np.array([nodes.shape[1] * nodes.shape[2], nodes.shape[2], 1])
            corners = (steps[:, None, None] * strides[0] + steps[:, None] * strides[1] + steps).ravel()
            wanted = np.unique((mine[:, None] + corners).ravel())
            asked.fill(part, wanted[np.isnan(nodes.reshape(-1)[wanted])])


@kernel
def coarse_nodes(shape, stride):
    """Flat indices of every `stride`-th node along each axis, and of the last ones."""
    found = []
    for i in range(shape[0]):
        if i % stride and i != shape[0] - 1:
            continue
        for j in range(shape[1]):
            if j % stride and j != shape[1] - 1:
                continue
            for k in range(shape[2]):
                if k % stride == 0 or k == shape[2] - 1:
                    found.append((i * shape[1] + j) * shape[2] + k)
    return np.array(found)


@kernel
def near_nodes(nodes, x, y, z, stride, finer, margin):  # noqa: C901
    """Unknown nodes of the cells at spacing `finer` that may hold the surface, in known cells at spacing `stride`.

    The surface in a cell is at most its diagonal from every corner and at most half of it from the nearest.
    """
    nx, ny, nz = nodes.shape
    marked = np.zeros((nx, ny, nz), np.bool_)
    corners = np.empty(8, np.float32)
    count = 0
    for i in range(0, nx - 1, stride):
        i1 = min(i + stride, nx - 1)
        for j in range(0, ny - 1, stride):
            j1 = min(j + stride, ny - 1)
            for k in range(0, nz - 1, stride):
                if np.isnan(nodes[i, j, k]):
                    continue
                k1 = min(k + stride, nz - 1)
                least, most, low, high, known = np.inf, 0.0, False, False, True
                for c in range(8):
                    value = nodes[i1 if c & 1 else i, j1 if c & 2 else j, k1 if c & 4 else k]
                    known = known and not np.isnan(value)
                    low, high = low or value < 0, high or value >= 0
                    corners[c] = abs(value)
                    least, most = min(least, corners[c]), max(most, corners[c])
                reach = margin * np.sqrt((x[i1] - x[i]) ** 2 + (y[j1] - y[j]) ** 2 + (z[k1] - z[k]) ** 2)
                crossed = low and high
                if not known or not (crossed or (most <= reach and least <= reach / 2)):
                    continue
                for a in range(i, i1, finer):
                    a1 = min(a + finer, i1)
                    for b in range(j, j1, finer):
                        b1 = min(b + finer, j1)
                        for d in range(k, k1, finer):
                            d1 = min(d + finer, k1)
                            part = (a, a1), (b, b1), (d, d1)
                            if not (
                                crossed or part_may_hold(corners, x, y, z, (i, i1), (j, j1), (k, k1), *part, margin)
                            ):
                                continue
                            for n in range(8):
                                p, q, r = a1 if n & 1 else a, b1 if n & 2 else b, d1 if n & 4 else d
                                if not marked[p, q, r] and np.isnan(nodes[p, q, r]):
                                    marked[p, q, r] = True
                                    count += 1
    found = np.empty(count, np.int64)
    n = 0
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                if marked[i, j, k]:
                    found[n] = (i * ny + j) * nz + k
                    n += 1
    return found


@kernel
def part_may_hold(corners, x, y, z, ends_i, ends_j, ends_k, ends_a, ends_b, ends_d, margin):
    """Whether no corner of a cell lies farther from the surface than it can, were the surface in a part of the cell."""
    mx, my, mz = (x[ends_a[0]] + x[ends_a[1]]) / 2, (y[ends_b[0]] + y[ends_b[1]]) / 2, (z[ends_d[0]] + z[ends_d[1]]) / 2
    sx, sy, sz = x[ends_a[1]] - mx, y[ends_b[1]] - my, z[ends_d[1]] - mz
    half = np.sqrt(sx * sx + sy * sy + sz * sz)
    for c in range(8):
        dx, dy, dz = x[ends_i[c & 1]] - mx, y[ends_j[c >> 1 & 1]] - my, z[ends_k[c >> 2]] - mz
        if corners[c] > margin * (np.sqrt(dx * dx + dy * dy + dz * dz) + half):
            return False
    return True
