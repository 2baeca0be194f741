"""What a lattice loses of the rest pose at the eyes, known once and given back to every frame that is near it.

Lids end in rims a millimetre thick, a hair off the eyeball. Between lattice nodes the warp is off by a third of a
millimetre there, enough to hang a flap of lid over the iris. Eyes rest in most frames, so the difference at rest is
kept at the nodes of the grid; it fades where the warp differs from that of rest.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facetalk.compiled import kernel
from facetalk.mesh.finding import look_up
from facetalk.mesh.lattice import place
from facetalk.mesh.posing import along_z, blend


@dataclass(frozen=True)
class Resting:
    """The rest pose as a lattice holds it, and what it lacks."""

    warp: Float[np.ndarray, "x y z 4"]
    """At lattice nodes, NaN where it was not asked."""
    lost: Float[np.ndarray, "node 4"]
    """What the warp between lattice nodes lacks at nodes of the grid, flat like its values; 0 where nobody asked."""


@kernel
def lay_rest(
    cells, size, shape, offset, x, y, z, warp, rest, px, py, pz, bx, by, bz, lost, fade, fine, known, values, field,
    table, span, origin, per_unit,
):  # fmt: skip
    """Write the warp and posed distances at unknown nodes of cells: that of the lattice and what it lacks at rest.

    `cells` holds lowest corners, `size` cells of the grid lie along a cell, and `fade` is the difference from the rest
    warp (of any of its four numbers) from which on nothing is given back.
    """
    flat, still = warp.reshape(-1), rest.reshape(-1)
    row, plane = 4 * warp.shape[2], 4 * warp.shape[1] * warp.shape[2]
    for s in range(len(cells)):
        i0, j0, k0 = cells[s, 0], cells[s, 1], cells[s, 2]
        a = place(bx, px, x[i0])
        b = place(by, py, y[j0])
        c = place(bz, pz, z[k0])
        corner = a * plane + b * row + 4 * c
        ox, oy, oz = bx[px[a]], by[py[b]], bz[pz[c]]
        ex, ey, ez = 1 / (bx[px[a + 1]] - ox), 1 / (by[py[b + 1]] - oy), 1 / (bz[pz[c + 1]] - oz)
        if np.isnan(blend(flat, corner + 3, row, plane, 0.5, 0.5, 0.5)):
            continue
        for i in range(i0, i0 + size + 1):
            u = np.float32((x[i] - ox) * ex)
            for j in range(j0, j0 + size + 1):
                v, first = np.float32((y[j] - oy) * ey), offset + (i * shape[1] + j) * shape[2]
                # Along z the warp of a lattice cell is linear.
                x0, dx = along_z(flat, corner, row, plane, u, v)
                y0, dy = along_z(flat, corner + 1, row, plane, u, v)
                z0, dz = along_z(flat, corner + 2, row, plane, u, v)
                l0, dl = along_z(flat, corner + 3, row, plane, u, v)
                rx, sx = along_z(still, corner, row, plane, u, v)
                ry, sy = along_z(still, corner + 1, row, plane, u, v)
                rz, sz = along_z(still, corner + 2, row, plane, u, v)
                rl, sl = along_z(still, corner + 3, row, plane, u, v)
                for k in range(k0, k0 + size + 1):
                    at = first + k
                    if known[at]:
                        continue
                    known[at] = True
                    w = np.float32((z[k] - oz) * ez)
                    a0, a1, a2, a3 = x0 + w * dx, y0 + w * dy, z0 + w * dz, l0 + w * dl
                    away = max(
                        abs(a0 - rx - w * sx), abs(a1 - ry - w * sy), abs(a2 - rz - w * sz), abs(a3 - rl - w * sl)
                    )
                    share = np.float32(1) - away / fade
                    if share > 0:  # false for NaN
                        a0, a1 = a0 + share * lost[at, 0], a1 + share * lost[at, 1]
                        a2, a3 = a2 + share * lost[at, 2], a3 + share * lost[at, 3]
                    fine[at, 0], fine[at, 1], fine[at, 2], fine[at, 3] = a0, a1, a2, a3
                    values[at] = a3 + look_up(field, table, span, origin, per_unit, x[i] + a0, y[j] + a1, z[k] + a2)
