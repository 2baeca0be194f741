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

import numpy as np
from jaxtyping import Float, Int16, Int32, Int64

from facetalk.mesh.dual import cut_quads, dual_quads, sheet_vertices, surface_cells, surrounded
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
    values: Float[np.ndarray, " node"], grid: Grid, owner: Int16[np.ndarray, "x y z"] | None = None
) -> Surface:
    """The zero surface of `values`, given at `grid.layout`'s flat nodes, negative inside, NaN where unknown.

    `owner` may give base cells of patches back to the base (0), to leave them undivided; see `Layout.owner`.
    """
    layout = grid.layout
    owner = layout.owner if owner is None else owner
    cells = surface_cells(values, layout.parts, owner)
    vertex = np.full(layout.size, -1, np.int32)
    points = sheet_vertices(values, layout.parts, layout.coordinates, cells, vertex, SHEET_OF, SHEET_COUNT)
    extra, quads, leaks = dual_quads(
        values, layout.parts, layout.coordinates, owner, surrounded(owner), cells, vertex, points, SHEET_OF, SHEET_COUNT
    )
    return Surface(np.concatenate([points, extra]), quads, cells, leaks)


def triangles(surface: Surface, points: Float[np.ndarray, "vertex 3"]) -> Int32[np.ndarray, "face 3"]:
    """The quads of `surface`, each cut along its shorter diagonal with its vertices at `points`."""
    return cut_quads(surface.quads, points)
