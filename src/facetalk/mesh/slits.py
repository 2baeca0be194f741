"""Fins and slits at lips and lids: what lies flat and is too thin for a grid to show.

A backward deformation is continuous, so where lips meet it runs from one lip to the other within a tenth of a
millimetre, and what holds the seam shut reaches a little into the open air before it: a fin. Lips that all but touch
leave a slit as thin. Some nodes of a grid catch such a sheet of flesh or air and others miss it, which makes rags.
Sheets that lie flat and are thinner than `THINNEST_MM` are therefore left out: fins first, then slits.
"""

import numpy as np
from jaxtyping import Float

from facetalk.compiled import kernel
from facetalk.geometry import UNIT_MM
from facetalk.mesh.finding import NX, OFFSET
from facetalk.mesh.grid import Grid

THINNEST_MM = 0.8
"""Sheets up to this height are left out, and on coarser cells those that a single node lies in."""


def without_thin(values: Float[np.ndarray, " node"], grid: Grid) -> Float[np.ndarray, " node"]:
    """Distances at a grid's nodes without the fins and slits at its foci."""
    tidy = values.copy()
    for part in grid.foci:
        row, (_, y, _) = grid.layout.parts[part], grid.part_axes(part)
        shape = tuple(row[NX : NX + 3])
        span = slice(row[OFFSET], row[OFFSET] + np.prod(shape))
        most = max(int(THINNEST_MM / UNIT_MM / (y[1] - y[0])), 1)
        for sign in (1, -1):
            flip(tidy[span].reshape(shape), most, np.float32(sign))
    return tidy


@kernel
def flip(values, most, sign):
    """Give runs of at most `most` nodes along y that are below zero, and above it on both sides, the sign around.

    With `sign` −1 runs above zero. Nodes on the faces of the block are left as they are: others share them.
    """
    for i in range(1, values.shape[0] - 1):
        for k in range(1, values.shape[2] - 1):
            j, last = 1, values.shape[1] - 1
            while j < last:
                if not (sign * values[i, j, k] < 0 and sign * values[i, j - 1, k] > 0):
                    j += 1
                    continue
                end = j
                while end < last and end - j <= most and sign * values[i, end, k] < 0:
                    end += 1
                if end - j <= most and sign * values[i, end, k] > 0:
                    around = sign * min(sign * values[i, j - 1, k], sign * values[i, end, k])
                    for at in range(j, end):
                        values[i, at, k] = np.float32(0.5) * around
                j = end + 1
