"""Compiled loops of the fast road: a deformation known at the nodes of a lattice, applied to a baked field.

A lattice node is a base node of the grid, so every base cell lies in one lattice cell. `warp` holds the offsets and the
level at lattice nodes, NaN where they were not asked; `px`, `py`, `pz` are the base nodes that lattice nodes lie on.
"""

import numpy as np

from facetalk.compiled import kernel
from facetalk.mesh.baked import look_up
from facetalk.mesh.lattice import lattice_places, nearest, place
from facetalk.mesh.refined import fine_warp


@kernel
def polynomial(warp, a, b, c, terms):
    """Write the trilinear warp in lattice cell (a, b, c) as a polynomial in the place (u, v, w) in the cell."""
    for n in range(4):
        p000, p001 = warp[a, b, c, n], warp[a, b, c + 1, n]
        p010, p011 = warp[a, b + 1, c, n], warp[a, b + 1, c + 1, n]
        p100, p101 = warp[a + 1, b, c, n], warp[a + 1, b, c + 1, n]
        p110, p111 = warp[a + 1, b + 1, c, n], warp[a + 1, b + 1, c + 1, n]
        terms[n, 0] = p000
        terms[n, 1], terms[n, 2], terms[n, 3] = p100 - p000, p010 - p000, p001 - p000
        terms[n, 4], terms[n, 5], terms[n, 6] = (
            p110 - p100 - p010 + p000,
            p101 - p100 - p001 + p000,
            p011 - p010 - p001 + p000,
        )
        terms[n, 7] = p111 - p110 - p101 - p011 + p100 + p010 + p001 - p000


@kernel
def term_sum(terms, n, u, v, w):
    """One channel of the warp at a place in its cell."""
    flat = terms[n, 0] + u * (terms[n, 1] + v * terms[n, 4]) + v * terms[n, 2]
    return flat + w * (terms[n, 3] + u * (terms[n, 5] + v * terms[n, 7]) + v * terms[n, 6])


@kernel
def warped(terms, u, v, w, values, parts, owner, origin, per_unit, x, y, z):
    """Posed distance at point (x, y, z), which lies at (u, v, w) in the lattice cell of `terms`."""
    dx, dy, dz = term_sum(terms, 0, u, v, w), term_sum(terms, 1, u, v, w), term_sum(terms, 2, u, v, w)
    return look_up(values, parts, owner, origin, per_unit, x + dx, y + dy, z + dz) + term_sum(terms, 3, u, v, w)


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
def fill_base(base, warp, px, py, pz, x, y, z, values, parts, owner, origin, per_unit, margin):  # noqa: C901
    """Posed distances at the base nodes of the lattice cells that may hold the surface."""
    terms = np.empty((4, 8), np.float32)
    for a in range(len(px)):
        for b in range(len(py)):
            for c in range(len(pz)):
                i, j, k = px[a], py[b], pz[c]
                if np.isnan(base[i, j, k]) and not np.isnan(warp[a, b, c, 3]):
                    dx, dy, dz, level = warp[a, b, c]
                    base[i, j, k] = level + look_up(
                        values, parts, owner, origin, per_unit, x[i] + dx, y[j] + dy, z[k] + dz
                    )
    for a in range(len(px) - 1):
        for b in range(len(py) - 1):
            for c in range(len(pz) - 1):
                i0, i1, j0, j1, k0, k1 = px[a], px[a + 1], py[b], py[b + 1], pz[c], pz[c + 1]
                if i1 - i0 == 1 and j1 - j0 == 1 and k1 - k0 == 1:
                    continue
                if not may_hold(base, i0, i1, j0, j1, k0, k1, margin * diagonal(x, y, z, i0, i1, j0, j1, k0, k1)):
                    continue
                polynomial(warp, a, b, c, terms)
                for i in range(i0, i1 + 1):
                    u = (x[i] - x[i0]) / (x[i1] - x[i0])
                    for j in range(j0, j1 + 1):
                        v = (y[j] - y[j0]) / (y[j1] - y[j0])
                        for k in range(k0, k1 + 1):
                            if np.isnan(base[i, j, k]):
                                w = (z[k] - z[k0]) / (z[k1] - z[k0])
                                base[i, j, k] = warped(
                                    terms, u, v, w, values, parts, owner, origin, per_unit, x[i], y[j], z[k]
                                )


@kernel
def fill_patch(  # noqa: C901
    nodes, strides, start, divided, detail, x, y, z, warp, px, py, pz, bx, by, bz, values, parts, owner, origin,
    per_unit, margin,
):  # fmt: skip
    """Posed distances at the nodes of a patch in the cells that may hold the surface.

    `strides` run from a base cell, whose corners are known, down to one fine cell; cells are kept or left at each.
    Base cells that come from places of the baked field without `detail` are given back to the base in `divided`;
    `start` is the patch's first base cell.
    """
    terms = np.empty((4, 8), np.float32)
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
                polynomial(warp, a, b, c, terms)
                if np.isnan(terms[3, 7]):
                    continue
                half = whole // 2
                cx, cy, cz = x[i + half], y[j + half], z[k + half]
                ox, oy, oz = bx[px[a]], by[py[b]], bz[pz[c]]
                ex, ey, ez = 1 / (bx[px[a + 1]] - ox), 1 / (by[py[b + 1]] - oy), 1 / (bz[pz[c + 1]] - oz)
                u, v, w = (cx - ox) * ex, (cy - oy) * ey, (cz - oz) * ez
                ci = nearest(cx + term_sum(terms, 0, u, v, w), origin[0], per_unit[0], detail.shape[0])
                cj = nearest(cy + term_sum(terms, 1, u, v, w), origin[1], per_unit[1], detail.shape[1])
                ck = nearest(cz + term_sum(terms, 2, u, v, w), origin[2], per_unit[2], detail.shape[2])
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
                                    for e in range(j0, j1 + 1, finer):
                                        for f in range(k0, k1 + 1, finer):
                                            if np.isnan(nodes[d, e, f]):
                                                nodes[d, e, f] = warped(
                                                    terms, (x[d] - ox) * ex, (y[e] - oy) * ey, (z[f] - oz) * ez,
                                                    values, parts, owner, origin, per_unit, x[d], y[e], z[f],
                                                )  # fmt: skip


@kernel
def posed(warp, px, py, pz, bx, by, bz, values, parts, owner, origin, per_unit, point, terms, out):
    """Posed distance at a point; its canonical place is written to `out`."""
    a, b, c = place(bx, px, point[0]), place(by, py, point[1]), place(bz, pz, point[2])
    polynomial(warp, a, b, c, terms)
    if np.isnan(terms[3, 7]):  # a corner was not asked
        return np.float32(np.nan)
    u = (point[0] - bx[px[a]]) / (bx[px[a + 1]] - bx[px[a]])
    v = (point[1] - by[py[b]]) / (by[py[b + 1]] - by[py[b]])
    w = (point[2] - bz[pz[c]]) / (bz[pz[c + 1]] - bz[pz[c]])
    for n in range(3):
        out[n] = point[n] + term_sum(terms, n, u, v, w)
    return look_up(values, parts, owner, origin, per_unit, out[0], out[1], out[2]) + term_sum(terms, 3, u, v, w)


@kernel
def posed_values(points, warp, px, py, pz, bx, by, bz, values, parts, owner, origin, per_unit):
    """Posed distances at points."""
    found, out, terms = np.empty(len(points), np.float32), np.empty(3, np.float32), np.empty((4, 8), np.float32)
    for n in range(len(points)):
        found[n] = posed(warp, px, py, pz, bx, by, bz, values, parts, owner, origin, per_unit, points[n], terms, out)
    return found


@kernel
def crossed_nodes(nodes):
    """Flat indices of known nodes that an edge towards higher indices leaves with another sign."""
    nx, ny, nz = nodes.shape
    found = [0]
    found.pop()
    for i in range(nx - 1):
        for j in range(ny - 1):
            for k in range(nz - 1):
                value = nodes[i, j, k]
                if np.isnan(value):
                    continue
                inside = value < 0
                a, b, c = nodes[i + 1, j, k] < 0, nodes[i, j + 1, k] < 0, nodes[i, j, k + 1] < 0
                if a != inside or b != inside or c != inside:
                    found.append((i * ny + j) * nz + k)
    return found


@kernel
def close_patch(  # noqa: C901
    nodes, part, ratio, start, divided, x, y, z, warp, px, py, pz, bx, by, bz, values, parts, owner, origin, per_unit,
):  # fmt: skip
    """Evaluate the cells of a patch into which the surface runs although their base or coarser cell was left out.

    Every edge that changes sign needs the four cells around it; what they add may change sign in turn.
    """
    shape = nodes.shape
    terms, out, point = np.empty((4, 8), np.float32), np.empty(3, np.float32), np.empty(3, np.float32)
    at, cell = np.empty(3, np.int64), np.empty(3, np.int64)
    added = crossed_nodes(nodes)
    while len(added) > 0:
        here = added.pop()
        at[0], at[1], at[2] = here // (shape[1] * shape[2]), here // shape[2] % shape[1], here % shape[2]
        value = nodes[at[0], at[1], at[2]]
        if np.isnan(value):
            continue
        for way in range(6):
            axis = way % 3
            low = at[axis] - (1 if way >= 3 else 0)
            if low < 0 or low > shape[axis] - 2:
                continue
            far = low if way >= 3 else low + 1
            other = nodes[far if axis == 0 else at[0], far if axis == 1 else at[1], far if axis == 2 else at[2]]
            if np.isnan(other) or (value < 0) == (other < 0):
                continue
            u, v = (axis + 1) % 3, (axis + 2) % 3
            for c in range(4):
                cell[axis], cell[u], cell[v] = low, at[u] - (c & 1), at[v] - (c >> 1)
                if cell[u] < 0 or cell[v] < 0 or cell[u] > shape[u] - 2 or cell[v] > shape[v] - 2:
                    continue
                i, j, k = cell
                if divided[start[0] + i // ratio, start[1] + j // ratio, start[2] + k // ratio] != part:
                    continue
                for e in range(8):
                    a, b, d = i + (e & 1), j + (e >> 1 & 1), k + (e >> 2)
                    if np.isnan(nodes[a, b, d]):
                        point[0], point[1], point[2] = x[a], y[b], z[d]
                        nodes[a, b, d] = posed(
                            warp, px, py, pz, bx, by, bz, values, parts, owner, origin, per_unit, point, terms, out
                        )
                        added.append((a * shape[1] + b) * shape[2] + d)


@kernel
def settle(
    points, normals, reach, tolerance, warp, px, py, pz, bx, by, bz, values, parts, owner, origin, per_unit,
    fine, known, posed_parts, posed_owner, posed_origin, posed_per_unit,
):  # fmt: skip
    """Points moved along their normals onto the posed surface by the secant method, each no farther than its `reach`,
    and their canonical places."""
    moves = np.empty(4, np.float32)
    moved, canonical = points.copy(), points.copy()
    out, terms, trial = np.empty(3, np.float32), np.empty((4, 8), np.float32), np.empty(3, np.float32)
    for n in range(len(points)):
        last, before, at, least = np.float32(0), np.float32(0), np.float32(0), np.float32(1e9)
        for step in range(4):
            for i in range(3):
                trial[i] = points[n, i] + at * normals[n, i]
            if fine_warp(fine, known, posed_parts, posed_owner, posed_origin, posed_per_unit, trial, moves):
                for i in range(3):
                    out[i] = trial[i] + moves[i]
                now = moves[3] + look_up(values, parts, owner, origin, per_unit, out[0], out[1], out[2])
            else:
                now = posed(warp, px, py, pz, bx, by, bz, values, parts, owner, origin, per_unit, trial, terms, out)
            if np.isnan(now):
                break
            if abs(now) < least:
                least = abs(now)
                for i in range(3):
                    moved[n, i], canonical[n, i] = trial[i], out[i]
            if least <= tolerance or (step > 0 and now == before):
                break
            slope = np.float32(1) if step == 0 else (at - last) / (now - before)
            last, before = at, now
            at = min(max(at - now * slope, -reach[n]), reach[n])
    return moved, canonical
