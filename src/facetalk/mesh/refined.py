"""Compiled loops of the fast road where its lattice is too coarse: along sealed lips and lids the warp all but jumps.

Base cells of a focus in which the warp bends too much between lattice nodes are asked again on nodes three times as
close, and where it bends too much even there, at every node of the grid. `fine` holds the warp at nodes of the grid,
flat like the grid's values, and `known` where it was written.
"""

import numpy as np

from facetalk.compiled import kernel
from facetalk.mesh.finding import find, look_up
from facetalk.mesh.lattice import nearest


@kernel
def bend(warp, a, b, c, axis):
    """Largest second difference of the warp along an axis at a lattice node; 0 where a neighbour is not known."""
    da, db, dc = 1 if axis == 0 else 0, 1 if axis == 1 else 0, 1 if axis == 2 else 0
    a0, b0, c0, a1, b1, c1 = a - da, b - db, c - dc, a + da, b + db, c + dc
    if min(a0, b0, c0) < 0 or a1 >= warp.shape[0] or b1 >= warp.shape[1] or c1 >= warp.shape[2]:
        return np.float32(0)
    most = np.float32(0)
    for n in range(4):
        curve = abs(warp[a0, b0, c0, n] - 2 * warp[a, b, c, n] + warp[a1, b1, c1, n])
        if curve > most:  # false for NaN
            most = curve
    return most


@kernel
def rough_cells(nodes, part, factor, start, owner, warp, la, lb, lc, x, y, z, soft, origin, per_unit, reach, limit):
    """Base cells of a patch that may hold a soft surface and in which the warp bends by more than `limit`.

    Rows of (i, j, k) within the patch; `la`, `lb`, `lc` are the lattice nodes on the patch's base nodes, `x`, `y`, `z`
    its axes. `soft` marks base cells of the canonical head that hold or touch what seals.
    """
    nx, ny, nz = len(la) - 1, len(lb) - 1, len(lc) - 1
    found = np.empty((nx * ny * nz, 3), np.int64)
    count = 0
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                if owner[start[0] + i, start[1] + j, start[2] + k] != part:
                    continue
                near, seals, most = False, False, np.float32(0)
                for e in range(8):
                    p, q, r = i + (e & 1), j + (e >> 1 & 1), k + (e >> 2)
                    near = near or abs(nodes[p * factor, q * factor, r * factor]) < reach
                    a, b, c = la[p], lb[q], lc[r]
                    if np.isnan(warp[a, b, c, 3]):
                        continue
                    u = nearest(x[p * factor] + warp[a, b, c, 0], origin[0], per_unit[0], soft.shape[0])
                    v = nearest(y[q * factor] + warp[a, b, c, 1], origin[1], per_unit[1], soft.shape[1])
                    w = nearest(z[r * factor] + warp[a, b, c, 2], origin[2], per_unit[2], soft.shape[2])
                    seals = seals or soft[u, v, w]
                    for axis in range(3):
                        most = max(most, bend(warp, a, b, c, axis))
                if near and seals and most > limit:
                    found[count, 0], found[count, 1], found[count, 2] = i, j, k
                    count += 1
    return found[:count].copy()


@kernel
def wanted_nodes(cells, size, stride, shape, offset, known):
    """Flat indices of the nodes of cells, `stride` apart, that are not known; they are marked as known.

    `cells` holds lowest corners, and `size` cells of the grid lie along a cell.
    """
    found = np.empty(len(cells) * (size // stride + 1) ** 3, np.int64)
    count = 0
    for s in range(len(cells)):
        for i in range(cells[s, 0], cells[s, 0] + size + 1, stride):
            for j in range(cells[s, 1], cells[s, 1] + size + 1, stride):
                for k in range(cells[s, 2], cells[s, 2] + size + 1, stride):
                    at = offset + (i * shape[1] + j) * shape[2] + k
                    if not known[at]:
                        known[at] = True
                        found[count] = at
                        count += 1
    return found[:count].copy()


@kernel
def fine_bend(fine, known, at, step):
    """Largest second difference of the warp at a node, its neighbours `step` away in the flat arrays."""
    most = np.float32(0)
    if at - step >= 0 and at + step < len(known) and known[at - step] and known[at] and known[at + step]:
        for n in range(4):
            most = max(most, abs(fine[at - step, n] - 2 * fine[at, n] + fine[at + step, n]))
    return most


@kernel
def rough_parts(cells, factor, stride, shape, offset, values, fine, known, reach, limit):
    """Cells of `stride` within the base cells `cells` that may hold the surface and in which the warp still bends."""
    along = factor // stride
    found = np.empty((len(cells) * along**3, 3), np.int64)
    count = 0
    steps = (stride * shape[1] * shape[2], stride * shape[2], stride)
    for s in range(len(cells)):
        for n in range(along**3):
            i = cells[s, 0] + stride * (n // (along * along))
            j = cells[s, 1] + stride * (n // along % along)
            k = cells[s, 2] + stride * (n % along)
            near, most = False, np.float32(0)
            for e in range(8):
                at = offset + ((i + (e & 1) * stride) * shape[1] + j + (e >> 1 & 1) * stride) * shape[2]
                at += k + (e >> 2) * stride
                near = near or abs(values[at]) < reach
                for axis in range(3):
                    most = max(most, fine_bend(fine, known, at, steps[axis]))
            if near and most > limit:
                found[count, 0], found[count, 1], found[count, 2] = i, j, k
                count += 1
    return found[:count].copy()


@kernel
def fill_parts(cells, factor, stride, shape, offset, fine, known):
    """Interpolate the warp at the nodes of base cells that were not asked from those `stride` apart."""
    along = factor // stride
    for s in range(len(cells)):
        for n in range(along**3):
            i = cells[s, 0] + stride * (n // (along * along))
            j = cells[s, 1] + stride * (n // along % along)
            k = cells[s, 2] + stride * (n % along)
            for m in range((stride + 1) ** 3):
                a, b, c = m // ((stride + 1) * (stride + 1)), m // (stride + 1) % (stride + 1), m % (stride + 1)
                at = offset + ((i + a) * shape[1] + j + b) * shape[2] + k + c
                if known[at]:
                    continue
                known[at] = True
                u, v, w = np.float32(a / stride), np.float32(b / stride), np.float32(c / stride)
                for q in range(4):
                    fine[at, q] = 0
                for e in range(8):
                    share = (u if e & 1 else 1 - u) * (v if e & 2 else 1 - v) * (w if e & 4 else 1 - w)
                    corner = offset + ((i + (e & 1) * stride) * shape[1] + j + (e >> 1 & 1) * stride) * shape[2]
                    corner += k + (e >> 2) * stride
                    for q in range(4):
                        fine[at, q] += share * fine[corner, q]


@kernel
def fine_values(cells, size, stride, shape, offset, x, y, z, fine, values, field, table, span, origin, per_unit):
    """Write posed distances at the nodes of cells, `stride` apart, from the warp that is known there."""
    for s in range(len(cells)):
        for i in range(cells[s, 0], cells[s, 0] + size + 1, stride):
            for j in range(cells[s, 1], cells[s, 1] + size + 1, stride):
                for k in range(cells[s, 2], cells[s, 2] + size + 1, stride):
                    at = offset + (i * shape[1] + j) * shape[2] + k
                    a, b, c = x[i] + fine[at, 0], y[j] + fine[at, 1], z[k] + fine[at, 2]
                    values[at] = fine[at, 3] + look_up(field, table, span, origin, per_unit, a, b, c)


@kernel
def fine_warp(fine, known, table, span, origin, per_unit, x, y, z, out):
    """Write the warp at point (x, y, z) to `out` if the nodes around it are known, and say whether they are."""
    at, plane, row, u, v, w = find(table, span, origin, per_unit, x, y, z)
    for e in range(8):
        if not known[at + (e & 1) * plane + (e >> 1 & 1) * row + (e >> 2)]:
            return False
    for q in range(4):
        out[q] = 0
    for e in range(8):
        share = (u if e & 1 else 1 - u) * (v if e & 2 else 1 - v) * (w if e & 4 else 1 - w)
        corner = at + (e & 1) * plane + (e >> 1 & 1) * row + (e >> 2)
        for q in range(4):
            out[q] += share * fine[corner, q]
    return True
