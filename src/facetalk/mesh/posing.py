"""Compiled loops that pose a point: where a warp known at the nodes of a lattice carries it, and its distance there.

A lattice node is a base node of the grid, so every base cell lies in one lattice cell. `px`, `py`, `pz` are the base
nodes that lattice nodes lie on, `bx`, `by`, `bz` the axes of the base. The warp holds the offsets and the level at
lattice nodes, NaN where they were not asked; `flat` is it without its axes, `row` and `plane` its steps along y and x.
"""

import numpy as np

from facetalk.compiled import kernel
from facetalk.mesh.finding import look_up, trilinear
from facetalk.mesh.lattice import lattice_places, nearest


@kernel
def along_z(flat, at, row, plane, u, v):
    """A number of a warp at place (u, v) of a lattice cell, at its lower end along z, and how it rises from there.

    `at` is where the cell's lowest corner has that number.
    """
    p, q = flat[at] + v * (flat[at + row] - flat[at]), flat[at + 4] + v * (flat[at + row + 4] - flat[at + 4])
    at += plane
    r, s = flat[at] + v * (flat[at + row] - flat[at]), flat[at + 4] + v * (flat[at + row + 4] - flat[at + 4])
    low = p + u * (r - p)
    return low, q + u * (s - q) - low


@kernel
def blend(flat, at, row, plane, u, v, w):
    """A number of a warp at place (u, v, w) of the lattice cell whose lowest corner has it at `at`."""
    return trilinear(flat, at, 4, row, plane, u, v, w)


@kernel
def warped(flat, at, row, plane, u, v, w, values, table, span, origin, per_unit, x, y, z):
    """Posed distance at point (x, y, z), which lies at (u, v, w) in the lattice cell at `at`."""
    x += blend(flat, at, row, plane, u, v, w)
    y += blend(flat, at + 1, row, plane, u, v, w)
    z += blend(flat, at + 2, row, plane, u, v, w)
    return blend(flat, at + 3, row, plane, u, v, w) + look_up(values, table, span, origin, per_unit, x, y, z)


@kernel
def held_by(axis, pick, per_unit, homes, x):
    """`place` on an even axis, `homes` being the lattice interval of each of its own."""
    at = homes[nearest(x, axis[0], per_unit, len(homes))]
    while at > 0 and x < axis[pick[at]]:  # a rounding aside
        at -= 1
    while at < len(pick) - 2 and x >= axis[pick[at + 1]]:
        at += 1
    return at


@kernel
def homes(axis, pick):
    """The lattice interval that holds each interval of an axis."""
    return lattice_places(axis, pick, axis[:-1])


@kernel
def posed(flat, row, plane, px, py, pz, bx, by, bz, hx, hy, hz, values, table, span, origin, per_unit, x, y, z, out):
    """Posed distance at point (x, y, z); its canonical place is written to `out`. `hx`, `hy`, `hz` are `homes`."""
    a = held_by(bx, px, per_unit[0], hx, x)
    b = held_by(by, py, per_unit[1], hy, y)
    c = held_by(bz, pz, per_unit[2], hz, z)
    u = (x - bx[px[a]]) / (bx[px[a + 1]] - bx[px[a]])
    v = (y - by[py[b]]) / (by[py[b + 1]] - by[py[b]])
    w = (z - bz[pz[c]]) / (bz[pz[c + 1]] - bz[pz[c]])
    at = a * plane + b * row + 4 * c
    level = blend(flat, at + 3, row, plane, u, v, w)
    if np.isnan(level):  # a corner was not asked
        return level
    x += blend(flat, at, row, plane, u, v, w)
    y += blend(flat, at + 1, row, plane, u, v, w)
    z += blend(flat, at + 2, row, plane, u, v, w)
    out[0], out[1], out[2] = x, y, z
    return level + look_up(values, table, span, origin, per_unit, x, y, z)


@kernel
def posed_values(points, warp, px, py, pz, bx, by, bz, values, table, span, origin, per_unit):
    """Posed distances at points."""
    found, out = np.empty(len(points), np.float32), np.empty(3, np.float32)
    hx, hy, hz = homes(bx, px), homes(by, py), homes(bz, pz)
    flat, row, plane = warp.reshape(-1), 4 * warp.shape[2], 4 * warp.shape[1] * warp.shape[2]
    for n in range(len(points)):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        found[n] = posed(
            flat, row, plane, px, py, pz, bx, by, bz, hx, hy, hz, values, table, span, origin, per_unit, x, y, z, out
        )
    return found
