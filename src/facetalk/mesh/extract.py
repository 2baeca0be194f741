"""The exact road: the surface of any signed distance function, queried only near the surface.

Nothing here knows a head. The distance is asked on coarse nodes first; cells too far from the surface to hold it are
left out, the others are divided, down to the grid's own cells. The vertices are then moved onto the surface by the
secant method, so they are exact however coarse the grid.
"""

from collections.abc import Callable
from functools import partial
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
    regions: Regions | None = None, arc_mm: float = ARC_MM,
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
    """
    surface = isosurface(without_thin(sample(sdf, grid, margin=margin, coarse=coarse), grid), grid)
    faces = triangles(surface, surface.vertices)
    mesh = reachable(Mesh(surface.vertices, faces))
    normals, reach = vertex_normals(mesh.vertices, mesh.faces), edge_lengths(mesh.vertices, mesh.faces)
    mesh = Mesh(project(sdf, mesh.vertices, normals, reach), mesh.faces)
    mesh = Mesh(mesh.vertices, mesh.faces, normals=vertex_normals(mesh.vertices, mesh.faces))
    mesh = divided(mesh, partial(project, sdf), arc_mm)
    mesh = mesh if cut is None else clip(mesh, cut)
    if regions is None:
        return mesh
    return Mesh(mesh.vertices, mesh.faces, ask(regions, mesh.vertices), mesh.normals)


def sample(sdf: SDF, grid: Grid, *, margin: float = 1.3, coarse: int = 8) -> Float[np.ndarray, " node"]:
    """Distances at the nodes of every cell that may hold the surface, in the grid's flat order; NaN elsewhere."""
    values = np.full(grid.layout.size, np.nan, np.float32)
    for part in range(len(grid.patches) + 1):
        nodes, axes = grid.block(values, part), grid.part_axes(part)
        strides = _strides(grid.part_factor(part)) if part else [2**i for i in range(coarse.bit_length() - 1, -1, -1)]
        if part:
            _copy_base(nodes, values, grid, part)
        else:
            _fill(sdf, nodes, axes, coarse_nodes(np.array(nodes.shape), strides[0]))
        for stride, finer in pairwise(strides):
            _fill(sdf, nodes, axes, near_nodes(nodes, *axes, stride, finer, np.float32(margin)))
    _follow(sdf, values, grid)
    return values


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


def _fill(sdf: SDF, nodes: np.ndarray, axes: tuple[np.ndarray, ...], wanted: np.ndarray) -> None:
    if len(wanted):
        where = np.unravel_index(wanted, nodes.shape)
        points = np.stack([axis[index] for axis, index in zip(axes, where, strict=True)], 1)
        nodes.reshape(-1)[wanted] = ask(sdf, points)


def _follow(sdf: SDF, values: np.ndarray, grid: Grid) -> None:
    """Evaluate the cells into which the surface runs although their corners seemed too far away."""
    for _ in range(ROUNDS):
        leaks = np.unique(isosurface(values, grid).leaks)
        if len(leaks) == 0:
            return
        for part, row in enumerate(grid.layout.parts):
            nodes = grid.block(values, part)
            mine = leaks[(leaks >= row[OFFSET]) & (leaks < row[OFFSET] + nodes.size)] - row[OFFSET]
            steps = np.array([0, 1])
            strides = np.array([nodes.shape[1] * nodes.shape[2], nodes.shape[2], 1])
            corners = (steps[:, None, None] * strides[0] + steps[:, None] * strides[1] + steps).ravel()
            wanted = np.unique((mine[:, None] + corners).ravel())
            _fill(sdf, nodes, grid.part_axes(part), wanted[np.isnan(nodes.reshape(-1)[wanted])])


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
    """Unknown nodes at spacing `finer` inside the cells at spacing `stride` that may hold the surface.

    The surface in a cell is at most its diagonal from every corner and at most half of it from the nearest.
    """
    nx, ny, nz = nodes.shape
    marked = np.zeros((nx, ny, nz), np.bool_)
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
                    least, most = min(least, abs(value)), max(most, abs(value))
                reach = margin * np.sqrt((x[i1] - x[i]) ** 2 + (y[j1] - y[j]) ** 2 + (z[k1] - z[k]) ** 2)
                if not known or not ((low and high) or (most <= reach and least <= reach / 2)):
                    continue
                for a in range(i, i1 + finer, finer):
                    a = min(a, i1)
                    for b in range(j, j1 + finer, finer):
                        b = min(b, j1)
                        for d in range(k, k1 + finer, finer):
                            d = min(d, k1)
                            if not marked[a, b, d] and np.isnan(nodes[a, b, d]):
                                marked[a, b, d] = True
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
