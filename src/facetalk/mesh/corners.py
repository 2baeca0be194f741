"""Which corners of cells are known, and which are inside, a row of cells along z at a time.

Bit c of a case is corner c of a cell, (c & 1, c >> 1 & 1, c >> 2) along x, y, z. Loops run along memory and have no
branches, so that many cells are told at once.
"""

import numpy as np

from facetalk.compiled import kernel


@kernel
def row_ends(values, at, plane, row, known, inside):
    """For each node of a row the four corners that a cell has there, as its lower bits: known ones, and inside ones.

    Args:
        values: flat, NaN where unknown.
        at: the row's first node.
        plane: step along x.
        row: step along y.
        known: written; as long as the row.
        inside: written.
    """
    count, zero = len(known), np.float32(0)
    first, second = values[at : at + count], values[at + plane : at + plane + count]
    third, fourth = values[at + row : at + row + count], values[at + plane + row : at + plane + row + count]
    two, four, eight = np.uint8(2), np.uint8(4), np.uint8(8)
    for k in range(count):
        a, b, c, d = first[k], second[k], third[k], fourth[k]
        # A number is itself, NaN is not. Sums of bytes keep all lanes as narrow as the answers.
        p, q, r, s = np.uint8(a == a), np.uint8(b == b), np.uint8(c == c), np.uint8(d == d)
        known[k] = np.uint8(p + two * q + four * r + eight * s)
        p, q, r, s = np.uint8(a < zero), np.uint8(b < zero), np.uint8(c < zero), np.uint8(d < zero)
        inside[k] = np.uint8(p + two * q + four * r + eight * s)


@kernel
def torn(known, inside):
    """Whether an edge of a cell changes sign between known corners although other corners are not known."""
    if known == 0 or known == 255:
        return False
    along_x = (inside ^ inside >> 1) & known & known >> 1 & 0x55
    along_y = (inside ^ inside >> 2) & known & known >> 2 & 0x33
    along_z = (inside ^ inside >> 4) & known & known >> 4 & 0x0F
    return along_x | along_y | along_z != 0


@kernel
def torn_cells(nodes):
    """Flat indices of the lowest corners of cells that are `torn`."""
    nx, ny, nz = nodes.shape
    flat, known, inside = nodes.reshape(-1), np.empty(nz, np.uint8), np.empty(nz, np.uint8)
    found = [0]
    found.pop()
    for i in range(nx - 1):
        for j in range(ny - 1):
            at = (i * ny + j) * nz
            row_ends(flat, at, ny * nz, nz, known, inside)
            for k in range(nz - 1):
                both = known[k] | known[k + 1] << 4
                if both != 255 and both != 0 and torn(both, inside[k] | inside[k + 1] << 4):
                    found.append(at + k)
    return found


@kernel
def corner_bits(nodes, i, j, k):
    """Known corners of one cell, and inside ones."""
    known, inside = 0, 0
    for c in range(8):
        value = nodes[i + (c & 1), j + (c >> 1 & 1), k + (c >> 2)]
        known |= (0 if np.isnan(value) else 1) << c
        inside |= (1 if value < 0 else 0) << c
    return known, inside
