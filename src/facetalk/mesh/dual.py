"""Compiled loops of `facetalk.mesh.isosurface`: cells the surface enters, their vertices, and the quads between them.

`values` are flat over all parts of a grid; `parts`, `coords` and `owner` are its `Layout`.
"""

import numpy as np

from facetalk.compiled import kernel
from facetalk.mesh.corners import row_ends
from facetalk.mesh.finding import AX, GX, NX, OFFSET, SCALE


@kernel
def base_cell(parts, p, i, j, k):
    """The base cell that holds cell (i, j, k) of patch `p`."""
    ratio = parts[0, SCALE]
    scale = parts[p, SCALE]
    return (
        (i * scale + parts[p, GX]) // ratio,
        (j * scale + parts[p, GX + 1]) // ratio,
        (k * scale + parts[p, GX + 2]) // ratio,
    )


@kernel
def base_places(parts, coords):
    """For each coordinate of each patch the base cell that the cell above it lies in."""
    found = np.zeros(len(coords), np.int64)
    for p in range(1, len(parts)):
        for axis in range(3):
            for i in range(parts[p, NX + axis]):
                found[parts[p, AX + axis] + i] = (i * parts[p, SCALE] + parts[p, GX + axis]) // parts[0, SCALE]
    return found


@kernel
def surrounded(parts, owner, home, p, i, j, k):
    """Whether all cells that touch cell (i, j, k) of patch `p` are cells of that patch."""
    x, y, z = parts[p, AX] + i, parts[p, AX + 1] + j, parts[p, AX + 2] + k
    if i == 0 or j == 0 or k == 0:
        return False
    if home[x - 1] == home[x + 1] and home[y - 1] == home[y + 1] and home[z - 1] == home[z + 1]:
        return True
    for a in range(home[x - 1], home[x + 1] + 1):
        for b in range(home[y - 1], home[y + 1] + 1):
            for c in range(home[z - 1], home[z + 1] + 1):
                if owner[a, b, c] != p:
                    return False
    return True


@kernel
def surface_cells(values, parts, owner, still):  # noqa: C901
    """Cells whose eight corners are known and differ in sign, as rows part, i, j, k, corner signs.

    Those in base cells that are `still` are left out.
    """
    found = np.empty((4096, 5), np.int64)
    n = 0
    for p in range(len(parts)):
        offset, nx, ny, nz = parts[p, OFFSET], parts[p, NX], parts[p, NX + 1], parts[p, NX + 2]
        known, inside = np.empty(nz, np.uint8), np.empty(nz, np.uint8)
        for i in range(nx - 1):
            for j in range(ny - 1):
                at = offset + (i * ny + j) * nz
                row_ends(values, at, ny * nz, nz, known, inside)
                for k in range(nz - 1):
                    case = inside[k] | inside[k + 1] << 4
                    if case == 0 or case == 255 or known[k] & known[k + 1] != 15:
                        continue
                    if p == 0 and (owner[i, j, k] != 0 or still[i, j, k]):
                        continue
                    if p > 0:
                        within = base_cell(parts, p, i, j, k)
                        if owner[within] != p or still[within]:
                            continue
                    if n == len(found):
                        larger = np.empty((2 * n, 5), np.int64)
                        for s in range(n):
                            for a in range(5):
                                larger[s, a] = found[s, a]
                        found = larger
                    found[n, 0], found[n, 1], found[n, 2], found[n, 3], found[n, 4] = p, i, j, k, case
                    n += 1
    return found[:n].copy()


@kernel
def crossing(values, parts, coords, p, i, j, k, axis, point):
    """Write to `point` where the edge from node (i, j, k) along `axis` crosses zero."""
    ny, nz = parts[p, NX + 1], parts[p, NX + 2]
    stride = ny * nz if axis == 0 else nz if axis == 1 else 1
    at = parts[p, OFFSET] + (i * ny + j) * nz + k
    t = values[at] / (values[at] - values[at + stride])
    point[0] = coords[parts[p, AX] + i]
    point[1] = coords[parts[p, AX + 1] + j]
    point[2] = coords[parts[p, AX + 2] + k]
    along = parts[p, AX + axis] + (i if axis == 0 else j if axis == 1 else k)
    point[axis] += t * (coords[along + 1] - coords[along])


@kernel
def sheet_vertices(values, parts, coords, cells, vertex, first, sheet_of, sheet_count):
    """One vertex for each sheet in each cell, at the mean of the sheet's edge crossings.

    They are counted from `first` on; the number of the first in each cell is written to `vertex`.
    """
    total = 0
    for s in range(len(cells)):
        total += sheet_count[cells[s, 4]]
    points = np.zeros((total, 3), np.float32)
    weight = np.zeros(total, np.float32)
    point = np.empty(3, np.float32)
    node = np.empty(3, np.int64)
    n = 0
    for s in range(len(cells)):
        p, case = cells[s, 0], cells[s, 4]
        at = parts[p, OFFSET] + (cells[s, 1] * parts[p, NX + 1] + cells[s, 2]) * parts[p, NX + 2] + cells[s, 3]
        vertex[at] = first + n
        for edge in range(12):
            sheet = sheet_of[case, edge]
            if sheet < 0:
                continue
            axis = edge // 4
            node[axis] = cells[s, 1 + axis]
            node[(axis + 1) % 3] = cells[s, 1 + (axis + 1) % 3] + (edge & 1)
            node[(axis + 2) % 3] = cells[s, 1 + (axis + 2) % 3] + (edge >> 1 & 1)
            crossing(values, parts, coords, p, node[0], node[1], node[2], axis, point)
            for a in range(3):
                points[n + sheet, a] += point[a]
            weight[n + sheet] += 1
        n += sheet_count[case]
    for v in range(total):
        for a in range(3):
            points[v, a] /= weight[v]
    return points


@kernel
def cell_at(parts, owner, g):
    """Part and flat index of the cell that covers fine cell `g` (counted over the whole box); −1 outside."""
    ratio = parts[0, SCALE]
    i, j, k = g[0] // ratio, g[1] // ratio, g[2] // ratio
    if min(g[0], g[1], g[2]) < 0 or i >= parts[0, NX] - 1 or j >= parts[0, NX + 1] - 1 or k >= parts[0, NX + 2] - 1:
        return -1, -1
    p = owner[i, j, k]
    if p > 0:
        scale = parts[p, SCALE]
        i = (g[0] - parts[p, GX]) // scale
        j = (g[1] - parts[p, GX + 1]) // scale
        k = (g[2] - parts[p, GX + 2]) // scale
    return p, parts[p, OFFSET] + (i * parts[p, NX + 1] + j) * parts[p, NX + 2] + k


@kernel
def beside_patch(owner, at):
    """Whether the base cell with flat index `at` touches a divided one."""
    nx, ny, nz = owner.shape
    i, j, k = at // (ny * nz), at // nz % ny, at % nz
    for n in range(27):
        a, b, c = i - 1 + n // 9, j - 1 + n // 3 % 3, k - 1 + n % 3
        if min(a, b, c) >= 0 and a < nx and b < ny and c < nz and owner[a, b, c] > 0:
            return True
    return False


@kernel
def dual_quads(  # noqa: C901
    values, parts, coords, owner, cells, known, vertex, points, sheet_of, sheet_count
):
    """Quads round every smallest edge of `cells` that changes sign; `known` are all cells that have a vertex.

    Returns vertices of base cells that only their finer neighbours' edges enter, the quads, and the leaks.
    """
    quads = np.empty((12 * len(cells), 4), np.int32)
    extra = np.zeros((2 * len(cells) + 8, 3), np.float32)
    weight = np.zeros(2 * len(cells) + 8, np.float32)
    leaks = np.empty(12 * len(cells), np.int64)
    n_quads, n_extra, n_leaks = 0, 0, 0
    first_extra = len(points)
    case_of = np.zeros(first_extra, np.uint8)
    for s in range(len(known)):
        p = known[s, 0]
        at = parts[p, OFFSET] + (known[s, 1] * parts[p, NX + 1] + known[s, 2]) * parts[p, NX + 2] + known[s, 3]
        case_of[vertex[at]] = known[s, 4]
    g, node, around, point = (
        np.empty(3, np.int64),
        np.empty(3, np.int64),
        np.empty(4, np.int64),
        np.empty(3, np.float32),
    )
    part, home = np.empty(4, np.int64), base_places(parts, coords)
    for s in range(len(cells)):
        p, case = cells[s, 0], cells[s, 4]
        scale = parts[p, SCALE]
        within = p > 0 and surrounded(parts, owner, home, p, cells[s, 1], cells[s, 2], cells[s, 3])
        at = parts[p, OFFSET] + (cells[s, 1] * parts[p, NX + 1] + cells[s, 2]) * parts[p, NX + 2] + cells[s, 3]
        # In the base, and well within a patch, an edge belongs to the cell whose lowest corner it leaves.
        for edge in range(0, 12, 4 if p == 0 or within else 1):
            if sheet_of[case, edge] < 0:
                continue
            axis = edge // 4
            u, v = (axis + 1) % 3, (axis + 2) % 3
            for a in range(3):
                node[a] = cells[s, 1 + a]
            node[u] += edge & 1
            node[v] += edge >> 1 & 1
            # The cells around the edge, counter-clockwise about its axis: (−,−) (0,−) (0,0) (−,0).
            inside_box, plain, first_fine = True, p == 0 or not within, -1
            if within:
                step_u = parts[p, NX + 2] if u == 1 else 1 if u == 2 else parts[p, NX + 1] * parts[p, NX + 2]
                step_v = parts[p, NX + 2] if v == 1 else 1 if v == 2 else parts[p, NX + 1] * parts[p, NX + 2]
                around[0], around[1], around[2], around[3] = at - step_u - step_v, at - step_v, at, at - step_u
                part[0] = part[1] = part[2] = part[3] = p
                first_fine = at
            for c in (2, 3, 0, 1):
                if within:
                    break
                du, dv = 0 if c == 1 or c == 2 else 1, 0 if c >= 2 else 1
                for a in range(3):
                    g[a] = node[a] * scale + parts[p, GX + a]
                # The fine cell touching the edge from that side; inside base cells any of theirs will do.
                g[u] -= du
                g[v] -= dv
                part[c], around[c] = cell_at(parts, owner, g)
                if part[c] < 0:
                    inside_box = False
                elif part[c] > 0:
                    plain = False
                    if first_fine < 0:
                        first_fine = around[c]
            if not inside_box or (p == 0 and not plain) or (p > 0 and first_fine != at):
                continue
            leaked = False
            for c in range(4):
                q = part[c]
                id = vertex[around[c]]
                if id < 0:
                    if q == p:
                        leaked = True
                    else:  # a base cell whose own corners agree, entered through the finer side
                        ny, nz = parts[0, NX + 1], parts[0, NX + 2]
                        for corner in range(8):
                            if np.isnan(
                                values[around[c] + (corner & 1) * ny * nz + (corner >> 1 & 1) * nz + (corner >> 2)]
                            ):
                                leaked = True
                    if leaked:
                        leaks[n_leaks] = around[c]
                        n_leaks += 1
                        break
                    id = first_extra + n_extra
                    vertex[around[c]] = id
                    n_extra += 1
                if id >= first_extra:
                    seen = False
                    for d in range(c):
                        seen = seen or around[d] == around[c]
                    if not seen:
                        crossing(values, parts, coords, p, node[0], node[1], node[2], axis, point)
                        for a in range(3):
                            extra[id - first_extra, a] += point[a]
                        weight[id - first_extra] += 1
                elif q == 0 and sheet_count[case_of[id]] > 1 and beside_patch(owner, around[c]):
                    # Finer edges cannot tell the sheets of a base cell apart, and a wrong guess would tear the surface:
                    # there all share one vertex.
                    pass
                elif q == p:
                    # Seen from cell c the edge is displaced towards the middle of the four.
                    du, dv = 0 if c == 1 or c == 2 else 1, 0 if c >= 2 else 1
                    id += sheet_of[case_of[id], 4 * axis + du + 2 * dv]
                elif sheet_count[case_of[id]] > 1:
                    # An edge of one patch beside a cell of another with several sheets goes to the nearest.
                    crossing(values, parts, coords, p, node[0], node[1], node[2], axis, point)
                    first, least = id, np.float32(1e9)
                    for sheet in range(sheet_count[case_of[first]]):
                        away = np.float32(0)
                        for a in range(3):
                            away += (points[first + sheet, a] - point[a]) ** 2
                        if away < least:
                            least, id = away, first + sheet
                quads[n_quads, c] = id
            if leaked:
                continue
            if values[parts[p, OFFSET] + (node[0] * parts[p, NX + 1] + node[1]) * parts[p, NX + 2] + node[2]] >= 0:
                quads[n_quads, 1], quads[n_quads, 3] = quads[n_quads, 3], quads[n_quads, 1]
            n_quads += 1
    for e in range(n_extra):
        for a in range(3):
            extra[e, a] /= weight[e]
    return extra[:n_extra].copy(), quads[:n_quads].copy(), leaks[:n_leaks].copy()


@kernel
def cut_quads(quads, points):
    """Triangles of quads: the shorter diagonal, and no triangle that repeats a vertex."""
    faces = np.empty((2 * len(quads), 3), np.int32)
    n = 0
    for q in range(len(quads)):
        a, b, c, d = quads[q]
        first, second = np.float32(0), np.float32(0)
        for x in range(3):
            first += (points[a, x] - points[c, x]) ** 2
            second += (points[b, x] - points[d, x]) ** 2
        if a == b or c == d or (first <= second and a != c):
            if a != b and b != c and a != c:
                faces[n, 0], faces[n, 1], faces[n, 2] = a, b, c
                n += 1
            if a != c and c != d and a != d:
                faces[n, 0], faces[n, 1], faces[n, 2] = a, c, d
                n += 1
        else:
            if a != b and b != d and a != d:
                faces[n, 0], faces[n, 1], faces[n, 2] = a, b, d
                n += 1
            if b != c and c != d and b != d:
                faces[n, 0], faces[n, 1], faces[n, 2] = b, c, d
                n += 1
    return faces[:n].copy()
