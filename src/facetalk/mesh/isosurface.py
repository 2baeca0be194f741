"""From values at the nodes of a grid to a surface: dual marching cubes on a base grid with refined patches.

Every cell that the surface enters gets one vertex for each sheet that passes through it (Nielson 2004, "Dual marching
cubes"), every smallest edge whose ends differ in sign joins the cells around it. Because polygons belong to edges and
not to cells, coarse and fine cells meet without cracks and without special cases (Ju et al. 2002, "Dual contouring of
Hermite data"). Nodes that are NaN were not evaluated; the surface must not reach them, and where it does the cell is
reported as a leak.

Corner c of a cell is (c & 1, c >> 1 & 1, c >> 2) along x, y, z. Edge 4a + u + 2v runs along axis a and starts at the
corner displaced by u and v along the next two axes in cyclic order.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Bool, Float, Int16, Int32, Int64

from facetalk.mesh.dual import cut_quads, dual_quads, sheet_vertices, surface_cells
from facetalk.mesh.finding import GX, NX, OFFSET, SCALE
from facetalk.mesh.grid import Grid


@dataclass(frozen=True)
class Surface:
    """The dual surface before its quads are cut into triangles."""

    vertices: Float[np.ndarray, "vertex 3"]
    quads: Int32[np.ndarray, "quad 4"]
    """Counter-clockwise from outside; the last entry repeats the third for a triangle."""
    cells: Int64[np.ndarray, "cell 5"]
    """Part, i, j, k and corner signs of each cell the surface enters."""
    leaks: Int64[np.ndarray, " leak"]
    """Flat indices of cells the surface enters that were not evaluated."""


@dataclass(frozen=True)
class Standing:
    """The part of a surface that lies in base cells whose values never change: known once, joined to what moves."""

    still: Bool[np.ndarray, "x y z"]
    """Those base cells."""
    cells: Int64[np.ndarray, "cell 5"]
    """Cells in them that the surface enters."""
    border: Int64[np.ndarray, "border 5"]
    """Those of them that touch cells that move: the edges between are joined anew."""
    vertex: Int32[np.ndarray, " node"]
    """The first vertex of each cell, by its flat index; -1 where there is none."""
    points: Float[np.ndarray, "vertex 3"]
    quads: Int32[np.ndarray, "quad 4"]
    """Between standing vertices, about edges that touch nothing that moves."""

    @classmethod
    def nothing(cls, grid: Grid) -> "Standing":
        """Of a grid on which everything may move."""
        rows, points, quads = np.empty((0, 5), np.int64), np.empty((0, 3), np.float32), np.empty((0, 4), np.int32)
        still, vertex = np.zeros(grid.layout.owner.shape, bool), np.full(grid.layout.size, -1, np.int32)
        return cls(still, rows, rows, vertex, points, quads)


def _corner(edge: int, end: int) -> int:
    axis, u, v = edge // 4, edge & 1, edge >> 1 & 1
    return end << axis | u << (axis + 1) % 3 | v << (axis + 2) % 3


def _sheets() -> tuple[np.ndarray, np.ndarray]:
    """For each of the 256 sign patterns the sheet each crossed edge belongs to, and the number of sheets.

    On a face with two inside corners across its diagonal, the inside corners are taken to be apart.
    """
    sheet_of, count = np.full((256, 12), -1, np.int8), np.zeros(256, np.int8)
    faces = [[e for e in range(12) if all(_corner(e, end) >> a & 1 == side for end in (0, 1))]
             for a in range(3) for side in (0, 1)]  # fmt: skip
    for case in range(256):
        crossed = [e for e in range(12) if (case >> _corner(e, 0) ^ case >> _corner(e, 1)) & 1]
        group = {e: e for e in crossed}
        for face in faces:
            on_face = [e for e in face if e in group]
            for first in on_face:
                inner = {_corner(first, end) for end in (0, 1) if case >> _corner(first, end) & 1}
                for second in on_face:
                    meets = inner & {_corner(second, 0), _corner(second, 1)}
                    if len(on_face) == 2 or meets:
                        old, new = group[first], group[second]
                        group = {e: new if g == old else g for e, g in group.items()}
        names = sorted(set(group.values()))
        count[case] = len(names)
        for e, g in group.items():
            sheet_of[case, e] = names.index(g)
    return sheet_of, count


SHEET_OF, SHEET_COUNT = _sheets()


def isosurface(
    values: Float[np.ndarray, " node"],
    grid: Grid,
    owner: Int16[np.ndarray, "x y z"] | None = None,
    standing: Standing | None = None,
) -> Surface:
    """The zero surface of `values`, given at `grid.layout`'s flat nodes, negative inside, NaN where unknown.

    Args:
        values: distances.
        grid: whose nodes they belong to.
        owner: may give base cells of patches back to the base (0), to leave them undivided; see `Layout.owner`.
        standing: what is known of it. Its vertices come first; its cells and quads are not repeated.
    """
    layout = grid.layout
    owner = layout.owner if owner is None else owner
    standing = Standing.nothing(grid) if standing is None else standing
    cells = surface_cells(values, layout.parts, owner, standing.still)
    vertex, first = standing.vertex.copy(), len(standing.points)
    points = sheet_vertices(values, layout.parts, layout.coordinates, cells, vertex, first, SHEET_OF, SHEET_COUNT)
    joined, known = np.concatenate([standing.border, cells]), np.concatenate([standing.cells, cells])
    points = np.concatenate([standing.points, points])
    extra, quads, leaks = _joined(values, grid, owner, joined, known, vertex, points)
    return Surface(np.concatenate([points, extra]), quads, cells, leaks)


def stand(
    values: Float[np.ndarray, " node"],
    grid: Grid,
    owner: Int16[np.ndarray, "x y z"],
    still: Bool[np.ndarray, "x y z"],
) -> tuple[Standing, Int64[np.ndarray, " vertex"]]:
    """The part of the surface of `values` in base cells that are `still`, and which of all its vertices are in it."""
    layout = grid.layout
    nothing = Standing.nothing(grid)
    cells = surface_cells(values, layout.parts, owner, nothing.still)
    vertex = nothing.vertex
    points = sheet_vertices(values, layout.parts, layout.coordinates, cells, vertex, 0, SHEET_OF, SHEET_COUNT)
    extra = _joined(values, grid, owner, cells, cells, vertex, points)[0]
    inner = cells[still[home(cells, grid)]]
    count = np.zeros(len(points) + len(extra), np.int64)
    count[vertex[places(inner, grid)]] = SHEET_COUNT[inner[:, 4]]
    lone = np.flatnonzero(vertex[: still.size] >= len(points))  # cells of the base that only finer edges enter
    count[vertex[lone[still.ravel()[lone]]]] = 1
    heads = np.flatnonzero(count)
    chosen = np.concatenate([np.arange(first, first + count[first]) for first in heads] or [heads])
    renamed = np.full(len(count) + 1, -1, np.int32)  # the last stands for no vertex
    renamed[chosen] = np.arange(len(chosen), dtype=np.int32)
    beside = beside_moving(still)[home(inner, grid)]
    quads = _joined(values, grid, owner, inner[~beside], cells, vertex, np.concatenate([points, extra]))[1]
    points = np.concatenate([points, extra])[chosen]
    return Standing(still, inner, inner[beside], renamed[vertex], points, renamed[quads]), chosen


def home(cells: Int64[np.ndarray, "cell 5"], grid: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The base cells that hold cells of any part."""
    part = grid.layout.parts[cells[:, 0]]
    places = (cells[:, 1:4] * part[:, SCALE, None] + part[:, GX : GX + 3]) // grid.factor
    return places[:, 0], places[:, 1], places[:, 2]


def places(cells: Int64[np.ndarray, "cell 5"], grid: Grid) -> Int64[np.ndarray, " cell"]:
    """Flat indices of cells."""
    part = grid.layout.parts[cells[:, 0]]
    return part[:, OFFSET] + (cells[:, 1] * part[:, NX + 1] + cells[:, 2]) * part[:, NX + 2] + cells[:, 3]


def beside_moving(still: Bool[np.ndarray, "x y z"]) -> Bool[np.ndarray, "x y z"]:
    """Still base cells that touch another, at a corner at least."""
    moving = np.pad(~still, 1)
    around = product(*([slice(first, first + count) for first in range(3)] for count in still.shape))
    return still & np.logical_or.reduce([moving[block] for block in around])


def _joined(
    values: np.ndarray, grid: Grid, owner: np.ndarray, cells: np.ndarray, known: np.ndarray, vertex: np.ndarray,
    points: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    layout = grid.layout
    return dual_quads(
        values, layout.parts, layout.coordinates, owner, cells, known, vertex, points, SHEET_OF,
        SHEET_COUNT,
    )  # fmt: skip


def triangles(surface: Surface | Standing, points: Float[np.ndarray, "vertex 3"]) -> Int32[np.ndarray, "face 3"]:
    """The quads of `surface`, each cut along its shorter diagonal with its vertices at `points`."""
    return cut_quads(surface.quads, points)
