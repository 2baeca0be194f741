"""Compiled loops that find the cell of a grid that holds a point, and what a field is there.

A field is an array over all nodes of a grid in its flat order. `table`, `span`, `origin` and `per_unit` are the grid's
`finder`.
"""

import numpy as np

from facetalk.compiled import kernel

OFFSET, NX, NY, NZ, GX, GY, GZ, SCALE, AX, AY, AZ = range(11)
"""Columns of a layout's `parts`: place in flat arrays, nodes per axis, origin in fine cells, fine cells per cell,
axes."""
EDGE = np.float32(1e-3)
"""Places beyond the last cell, or on its far side, are taken this share of a cell before that."""


@kernel
def cell_table(parts, owner):
    """For each base cell: flat index of its lowest node in the part that tiles it, cells along each axis, strides."""
    nx, ny, nz = owner.shape
    table = np.zeros(4 * nx * ny * nz, np.int32)
    for i in range(nx - 1):
        for j in range(ny - 1):
            for k in range(nz - 1):
                p, at = owner[i, j, k], 4 * ((i * ny + j) * nz + k)
                a, b, c = i, j, k
                if p > 0:
                    ratio, scale = parts[0, SCALE], parts[p, SCALE]
                    a = (i * ratio - parts[p, GX]) // scale
                    b = (j * ratio - parts[p, GX + 1]) // scale
                    c = (k * ratio - parts[p, GX + 2]) // scale
                row = parts[p, NX + 2]
                plane = parts[p, NX + 1] * row
                table[at] = parts[p, OFFSET] + a * plane + b * row + c
                table[at + 1] = parts[0, SCALE] // parts[p, SCALE] if p > 0 else 1
                table[at + 2], table[at + 3] = row, plane
    return table


@kernel
def find(table, span, origin, per_unit, x, y, z):
    """Flat index of the lowest corner of the cell holding a point, strides of its part and place in the cell."""
    zero = np.float32(0)
    u = min(max((x - origin[0]) * per_unit[0], zero), np.float32(span[0] - 1) - EDGE)
    v = min(max((y - origin[1]) * per_unit[1], zero), np.float32(span[1] - 1) - EDGE)
    w = min(max((z - origin[2]) * per_unit[2], zero), np.float32(span[2] - 1) - EDGE)
    i, j, k = np.int32(u), np.int32(v), np.int32(w)
    home = 4 * ((i * span[1] + j) * span[2] + k)
    ratio, row, plane = np.float32(table[home + 1]), table[home + 2], table[home + 3]
    u, v, w = (u - np.float32(i)) * ratio, (v - np.float32(j)) * ratio, (w - np.float32(k)) * ratio
    i, j, k = np.int32(u), np.int32(v), np.int32(w)
    at = table[home] + i * plane + j * row + k
    return at, plane, row, u - np.float32(i), v - np.float32(j), w - np.float32(k)


@kernel
def trilinear(values, at, step, row, plane, u, v, w):
    """Value in the cell with its lowest corner at `at`, at place (u, v, w) along x, y, z: strides plane, row, step."""
    a = values[at] + w * (values[at + step] - values[at])
    b = values[at + row] + w * (values[at + row + step] - values[at + row])
    at += plane
    c = values[at] + w * (values[at + step] - values[at])
    d = values[at + row] + w * (values[at + row + step] - values[at + row])
    a += v * (b - a)
    c += v * (d - c)
    return a + u * (c - a)


@kernel
def look_up(values, table, span, origin, per_unit, x, y, z):
    """Trilinear value at a point."""
    at, plane, row, u, v, w = find(table, span, origin, per_unit, x, y, z)
    return trilinear(values, at, 1, row, plane, u, v, w)


@kernel
def look_up_all(values, table, span, origin, per_unit, points):
    """Trilinear values at points."""
    found = np.empty(len(points), np.float32)
    for i in range(len(points)):
        found[i] = look_up(values, table, span, origin, per_unit, points[i, 0], points[i, 1], points[i, 2])
    return found


@kernel
def look_up_shares(shares, table, span, origin, per_unit, points):
    """Trilinear region shares at points, rows summing to one; the first region where none is known."""
    found = np.zeros((len(points), shares.shape[1]), np.float32)
    for n in range(len(points)):
        at, plane, row, u, v, w = find(table, span, origin, per_unit, points[n, 0], points[n, 1], points[n, 2])
        total = np.float32(0)
        for c in range(8):
            weight = (u if c & 1 else 1 - u) * (v if c & 2 else 1 - v) * (w if c & 4 else 1 - w)
            node = at + (c & 1) * plane + (c >> 1 & 1) * row + (c >> 2)
            for r in range(shares.shape[1]):
                found[n, r] += weight * shares[node, r]
        for r in range(shares.shape[1]):
            total += found[n, r]
        if total > 0:
            for r in range(shares.shape[1]):
                found[n, r] /= total
        else:
            found[n, 0] = 1
    return found
