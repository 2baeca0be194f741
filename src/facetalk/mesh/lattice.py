"""Compiled loops over the lattice on which the fast road asks the deformation: where its nodes are needed.

A lattice node is a base node of the grid; `px`, `py`, `pz` are the base nodes that lattice nodes lie on, `bx`, `by`,
`bz` the coordinates of base nodes. Far from the foci only every few lattice nodes are asked.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int64

from facetalk.compiled import kernel
from facetalk.mesh.finding import AX


def picks(count: int, spans: Sequence[tuple[int, int]], near: int, far: int) -> Int64[np.ndarray, " pick"]:
    """Node indices 0 … count: every `near`-th inside the spans, at most `far` apart elsewhere."""
    inside = np.zeros(count, bool)
    for start, stop in spans:
        inside[start:stop] = True
    found = [0]
    while found[-1] < count:
        at = found[-1]
        step = near if inside[at] else far
        ahead = np.flatnonzero(inside[at : at + step] != inside[at])
        found.append(min(at + (int(ahead[0]) if len(ahead) else step), count))
    return np.array(found, np.int64)


def thinned(pick: Int64[np.ndarray, " pick"], far: int) -> Int64[np.ndarray, " kept"]:
    """Indices into `pick`, the first and last among them, whose base nodes are at most `far` apart."""
    kept = [0]
    while kept[-1] < len(pick) - 1:
        reached = int(np.searchsorted(pick, pick[kept[-1]] + far, "right")) - 1
        kept.append(max(reached, kept[-1] + 1))
    return np.array(kept, np.int64)


def cell_nodes(cells: Bool[np.ndarray, "i j k"]) -> Bool[np.ndarray, "x y z"]:
    """The nodes that are corners of the chosen cells."""
    nodes = np.zeros([n + 1 for n in cells.shape], bool)
    for corner in range(8):
        block = tuple(slice(corner >> a & 1, n + (corner >> a & 1)) for a, n in enumerate(cells.shape))
        nodes[block] |= cells
    return nodes


def touched_cells(nodes: Bool[np.ndarray, "x y z"]) -> Bool[np.ndarray, "i j k"]:
    """The cells that have one of the chosen nodes as a corner."""
    cells = np.zeros([n - 1 for n in nodes.shape], bool)
    for corner in range(8):
        cells |= nodes[tuple(slice(corner >> a & 1, n + (corner >> a & 1)) for a, n in enumerate(cells.shape))]
    return cells


def cell_corners(cells: Int64[np.ndarray, " cell"], ny: int, nz: int) -> Int64[np.ndarray, " corner"]:
    """Flat indices of the corners of cells given by their lowest ones."""
    step = np.array([0, 1])
    corners = (step[:, None, None] * ny * nz + step[:, None] * nz + step).ravel()
    return np.unique((cells[:, None] + corners).ravel())


@kernel
def nearest(x, origin, per_unit, count):
    """Interval of an even axis that holds coordinate x, or the outermost one."""
    return min(max(int((x - origin) * per_unit), 0), count - 1)


@kernel
def lattice_places(axis, pick, nodes):
    """For each node coordinate the lattice interval it lies in (the lower one on a border)."""
    found = np.empty(len(nodes), np.int64)
    at = 0
    for n in range(len(nodes)):
        while at < len(pick) - 2 and nodes[n] >= axis[pick[at + 1]]:
            at += 1
        found[n] = at
    return found


@kernel
def place(axis, pick, x):
    """Lattice interval holding coordinate x of an axis."""
    low, high = 0, len(pick) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if axis[pick[middle]] <= x:
            low = middle
        else:
            high = middle
    return low


@kernel
def fill_far(warp, wanted, close, fx, fy, fz):
    """Interpolate wanted nodes of the lattice that are not close to a focus from the far lattice fx × fy × fz."""
    for a in range(len(fx) - 1):
        for b in range(len(fy) - 1):
            for c in range(len(fz) - 1):
                a0, a1, b0, b1, c0, c1 = fx[a], fx[a + 1], fy[b], fy[b + 1], fz[c], fz[c + 1]
                for i in range(a0, a1 + 1):
                    u = np.float32((i - a0) / (a1 - a0))
                    for j in range(b0, b1 + 1):
                        v = np.float32((j - b0) / (b1 - b0))
                        for k in range(c0, c1 + 1):
                            if not wanted[i, j, k] or close[i, j, k] or not np.isnan(warp[i, j, k, 3]):
                                continue
                            w = np.float32((k - c0) / (c1 - c0))
                            for n in range(4):
                                p = warp[a0, b0, c0, n] * (1 - w) + warp[a0, b0, c1, n] * w
                                q = warp[a0, b1, c0, n] * (1 - w) + warp[a0, b1, c1, n] * w
                                r = warp[a1, b0, c0, n] * (1 - w) + warp[a1, b0, c1, n] * w
                                s = warp[a1, b1, c0, n] * (1 - w) + warp[a1, b1, c1, n] * w
                                warp[i, j, k, n] = (p * (1 - v) + q * v) * (1 - u) + (r * (1 - v) + s * v) * u


@kernel
def far_nodes(wanted, close, fx, fy, fz):
    """Nodes to ask so that every wanted one can be known: itself close to a focus, else its far cell's corners."""
    asked = wanted & close
    for a in range(len(fx) - 1):
        for b in range(len(fy) - 1):
            for c in range(len(fz) - 1):
                needed = False
                for i in range(fx[a], fx[a + 1] + 1):
                    for j in range(fy[b], fy[b + 1] + 1):
                        for k in range(fz[c], fz[c + 1] + 1):
                            needed = needed or (wanted[i, j, k] and not close[i, j, k])
                if needed:
                    for e in range(8):
                        asked[fx[a + (e & 1)], fy[b + (e >> 1 & 1)], fz[c + (e >> 2)]] = True
    return asked


@kernel
def spread(cells, parts, coordinates, px, py, pz, bx, by, bz, travel):
    """Lattice cells that come within `travel` of any of the surface's cells."""
    near = np.zeros((len(px) - 1, len(py) - 1, len(pz) - 1), np.bool_)
    hit = np.zeros_like(near)
    for s in range(len(cells)):
        p = cells[s, 0]
        a = place(bx, px, coordinates[parts[p, AX] + cells[s, 1]])
        b = place(by, py, coordinates[parts[p, AX + 1] + cells[s, 2]])
        c = place(bz, pz, coordinates[parts[p, AX + 2] + cells[s, 3]])
        hit[a, b, c] = True
    for a in range(near.shape[0]):
        a0, a1 = place(bx, px, bx[px[a]] - travel), place(bx, px, bx[px[a + 1]] + travel)
        for b in range(near.shape[1]):
            b0, b1 = place(by, py, by[py[b]] - travel), place(by, py, by[py[b + 1]] + travel)
            for c in range(near.shape[2]):
                if hit[a, b, c]:
                    c0, c1 = place(bz, pz, bz[pz[c]] - travel), place(bz, pz, bz[pz[c + 1]] + travel)
                    for i in range(a0, a1 + 1):
                        for j in range(b0, b1 + 1):
                            for k in range(c0, c1 + 1):
                                near[i, j, k] = True
    return near
