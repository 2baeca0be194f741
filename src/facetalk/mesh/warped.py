"""Compiled loops of the fast road: posed distances at the nodes of a grid, and vertices settled on the posed surface.

What `warp`, `flat`, `px` and the like are is told in `facetalk.mesh.posing`.
"""

import numpy as np

from facetalk.compiled import kernel
from facetalk.mesh.corners import corner_bits, torn, torn_cells
from facetalk.mesh.finding import look_up
from facetalk.mesh.lattice import lattice_places, nearest
from facetalk.mesh.posing import along_z, blend, homes, posed, warped
from facetalk.mesh.refined import fine_warp


@kernel
def may_hold(nodes, i0, i1, j0, j1, k0, k1, reach):
    """Whether the cell between these nodes may hold the surface, its diagonal being at most `reach`."""
    least, most, low, high = np.float32(1e9), np.float32(0), False, False
    for e in range(8):
        value = nodes[i1 if e & 1 else i0, j1 if e & 2 else j0, k1 if e & 4 else k0]
        if np.isnan(value):
            return False
        low, high = low or value < 0, high or value >= 0
        least, most = min(least, abs(value)), max(most, abs(value))
    return (low and high) or (most <= reach and least <= np.float32(0.5) * reach)


@kernel
def diagonal(x, y, z, i0, i1, j0, j1, k0, k1):
    """Length of the diagonal of the cell between these nodes."""
    return np.sqrt((x[i1] - x[i0]) ** 2 + (y[j1] - y[j0]) ** 2 + (z[k1] - z[k0]) ** 2)


@kernel
def fill_base(base, warp, px, py, pz, x, y, z, values, table, span, origin, per_unit, margin):  # noqa: C901
    """Posed distances at the base nodes of the lattice cells that may hold the surface."""
    flat, row, plane = warp.reshape(-1), 4 * warp.shape[2], 4 * warp.shape[1] * warp.shape[2]
    for a in range(len(px)):
        for b in range(len(py)):
            for c in range(len(pz)):
                i, j, k = px[a], py[b], pz[c]
                if np.isnan(base[i, j, k]) and not np.isnan(warp[a, b, c, 3]):
                    dx, dy, dz, level = warp[a, b, c]
                    base[i, j, k] = level + look_up(
                        values, table, span, origin, per_unit, x[i] + dx, y[j] + dy, z[k] + dz
                    )
    for a in range(len(px) - 1):
        for b in range(len(py) - 1):
            for c in range(len(pz) - 1):
                i0, i1, j0, j1, k0, k1 = px[a], px[a + 1], py[b], py[b + 1], pz[c], pz[c + 1]
                if i1 - i0 == 1 and j1 - j0 == 1 and k1 - k0 == 1:
                    continue
                if not may_hold(base, i0, i1, j0, j1, k0, k1, margin * diagonal(x, y, z, i0, i1, j0, j1, k0, k1)):
                    continue
                at = a * plane + b * row + 4 * c
                for i in range(i0, i1 + 1):
                    u = (x[i] - x[i0]) / (x[i1] - x[i0])
                    for j in range(j0, j1 + 1):
                        v = (y[j] - y[j0]) / (y[j1] - y[j0])
                        for k in range(k0, k1 + 1):
                            if np.isnan(base[i, j, k]):
                                w = (z[k] - z[k0]) / (z[k1] - z[k0])
                                base[i, j, k] = warped(
                                    flat,
                                    at,
                                    row,
                                    plane,
                                    u,
                                    v,
                                    w,
                                    values,
                                    table,
                                    span,
                                    origin,
                                    per_unit,
                                    x[i],
                                    y[j],
                                    z[k],
                                )


@kernel
def fill_patch(  # noqa: C901
    nodes, strides, start, divided, detail, x, y, z, warp, px, py, pz, bx, by, bz, values, table, span, origin,
    per_unit, margin,
):  # fmt: skip
    """Posed distances at the nodes of a patch in the cells that may hold the surface.

    `strides` run from a base cell, whose corners are known, down to one fine cell; cells are kept or left at each.
    Base cells that come from places of the baked field without `detail` are given back to the base in `divided`;
    `start` is the patch's first base cell.
    """
    flat, row, plane = warp.reshape(-1), 4 * warp.shape[2], 4 * warp.shape[1] * warp.shape[2]
    nx, ny, nz = nodes.shape
    la, lb, lc = lattice_places(bx, px, x), lattice_places(by, py, y), lattice_places(bz, pz, z)
    whole = strides[0]
    for i in range(0, nx - 1, whole):
        for j in range(0, ny - 1, whole):
            for k in range(0, nz - 1, whole):
                reach = margin * diagonal(x, y, z, i, i + whole, j, j + whole, k, k + whole)
                if not may_hold(nodes, i, i + whole, j, j + whole, k, k + whole, reach):
                    continue
                a, b, c = la[i], lb[j], lc[k]
                at = a * plane + b * row + 4 * c
                half = whole // 2
                cx, cy, cz = x[i + half], y[j + half], z[k + half]
                ox, oy, oz = bx[px[a]], by[py[b]], bz[pz[c]]
                ex, ey, ez = 1 / (bx[px[a + 1]] - ox), 1 / (by[py[b + 1]] - oy), 1 / (bz[pz[c + 1]] - oz)
                u, v, w = (cx - ox) * ex, (cy - oy) * ey, (cz - oz) * ez
                if np.isnan(blend(flat, at + 3, row, plane, u, v, w)):  # a corner was not asked
                    continue
                ci = nearest(cx + blend(flat, at, row, plane, u, v, w), origin[0], per_unit[0], detail.shape[0])
                cj = nearest(cy + blend(flat, at + 1, row, plane, u, v, w), origin[1], per_unit[1], detail.shape[1])
                ck = nearest(cz + blend(flat, at + 2, row, plane, u, v, w), origin[2], per_unit[2], detail.shape[2])
                if not detail[ci, cj, ck]:
                    divided[start[0] + i // whole, start[1] + j // whole, start[2] + k // whole] = 0
                    continue
                for level in range(1, len(strides)):
                    stride, finer = strides[level - 1], strides[level]
                    for i0 in range(i, i + whole, stride):
                        for j0 in range(j, j + whole, stride):
                            for k0 in range(k, k + whole, stride):
                                i1, j1, k1 = i0 + stride, j0 + stride, k0 + stride
                                if level > 1:
                                    near = reach * stride / whole
                                    if not may_hold(nodes, i0, i1, j0, j1, k0, k1, near):
                                        continue
                                for d in range(i0, i1 + 1, finer):
                                    u = (x[d] - ox) * ex
                                    for e in range(j0, j1 + 1, finer):
                                        # Along z the warp of a lattice cell is linear.
                                        v = (y[e] - oy) * ey
                                        x0, dx = along_z(flat, at, row, plane, u, v)
                                        y0, dy = along_z(flat, at + 1, row, plane, u, v)
                                        z0, dz = along_z(flat, at + 2, row, plane, u, v)
                                        l0, dl = along_z(flat, at + 3, row, plane, u, v)
                                        for f in range(k0, k1 + 1, finer):
                                            if np.isnan(nodes[d, e, f]):
                                                w = (z[f] - oz) * ez
                                                nodes[d, e, f] = l0 + w * dl + look_up(
                                                    values, table, span, origin, per_unit,
                                                    x[d] + x0 + w * dx, y[e] + y0 + w * dy, z[f] + z0 + w * dz,
                                                )  # fmt: skip


@kernel
def close_patch(
    nodes, part, ratio, start, divided, x, y, z, warp, px, py, pz, bx, by, bz, values, table, span, origin, per_unit,
):  # fmt: skip
    """Evaluate the cells of a patch into which the surface runs although their base or coarser cell was left out.

    Every edge that changes sign needs the four cells around it; what they add may change sign in turn.
    """
    nx, ny, nz = nodes.shape
    out = np.empty(3, np.float32)
    moves, row, plane = warp.reshape(-1), 4 * warp.shape[2], 4 * warp.shape[1] * warp.shape[2]
    hx, hy, hz = homes(bx, px), homes(by, py), homes(bz, pz)
    waiting = torn_cells(nodes)
    while len(waiting) > 0:
        here = waiting.pop()
        i, j, k = here // (ny * nz), here // nz % ny, here % nz
        if divided[start[0] + i // ratio, start[1] + j // ratio, start[2] + k // ratio] != part:
            continue
        known, inside = corner_bits(nodes, i, j, k)
        if not torn(known, inside):  # completed by then
            continue
        for e in range(8):
            if known >> e & 1:
                continue
            a, b, d = i + (e & 1), j + (e >> 1 & 1), k + (e >> 2)
            nodes[a, b, d] = posed(
                moves, row, plane, px, py, pz, bx, by, bz, hx, hy, hz, values, table, span, origin, per_unit,
                x[a], y[b], z[d], out,
            )  # fmt: skip
            if np.isnan(nodes[a, b, d]):  # where the deformation was not asked; the surface is told to leak there
                continue
            for c in range(8):  # the cells it is a corner of
                p, q, r = a - (c & 1), b - (c >> 1 & 1), d - (c >> 2)
                if min(p, q, r) >= 0 and p < nx - 1 and q < ny - 1 and r < nz - 1:
                    waiting.append((p * ny + q) * nz + r)


@kernel
def settle(
    points, normals, reach, tolerance, warp, px, py, pz, bx, by, bz, values, table, span, origin, per_unit,
    fine, known, posed_table, posed_span, posed_origin, posed_per_unit,
):  # fmt: skip
    """Points moved along their normals onto the posed surface by the secant method, each no farther than its `reach`,
    and their canonical places."""
    moves = np.empty(4, np.float32)
    moved, canonical = points.copy(), points.copy()
    out, flat = np.empty(3, np.float32), warp.reshape(-1)
    row, plane = 4 * warp.shape[2], 4 * warp.shape[1] * warp.shape[2]
    hx, hy, hz = homes(bx, px), homes(by, py), homes(bz, pz)
    for n in range(len(points)):
        last, before, at, least = np.float32(0), np.float32(0), np.float32(0), np.float32(1e9)
        for step in range(4):
            x, y, z = (
                points[n, 0] + at * normals[n, 0],
                points[n, 1] + at * normals[n, 1],
                points[n, 2] + at * normals[n, 2],
            )
            if fine_warp(fine, known, posed_table, posed_span, posed_origin, posed_per_unit, x, y, z, moves):
                out[0], out[1], out[2] = x + moves[0], y + moves[1], z + moves[2]
                now = moves[3] + look_up(values, table, span, origin, per_unit, out[0], out[1], out[2])
            else:
                now = posed(
                    flat, row, plane, px, py, pz, bx, by, bz, hx, hy, hz, values, table, span, origin, per_unit,
                    x, y, z, out,
                )  # fmt: skip
            if np.isnan(now):
                break
            if abs(now) < least:
                least = abs(now)
                moved[n, 0], moved[n, 1], moved[n, 2] = x, y, z
                canonical[n, 0], canonical[n, 1], canonical[n, 2] = out[0], out[1], out[2]
            if least <= tolerance or (step > 0 and now == before):
                break
            slope = np.float32(1) if step == 0 else (at - last) / (now - before)
            last, before = at, now
            at = min(max(at - now * slope, -reach[n]), reach[n])
    return moved, canonical
