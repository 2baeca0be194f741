"""Corners of cells told a row at a time are those told one by one; a torn cell is one that lacks a corner it needs."""

import numpy as np

from facetalk.mesh.corners import corner_bits, row_ends, torn, torn_cells


def sparse(seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    nodes = random.normal(size=(5, 6, 9)).astype(np.float32)
    nodes[random.uniform(size=nodes.shape) < 0.3] = np.nan
    return nodes


def test_rows_say_what_each_corner_says():
    nodes = sparse()
    nx, ny, nz = nodes.shape
    known, inside = np.empty(nz, np.uint8), np.empty(nz, np.uint8)
    for i in range(nx - 1):
        for j in range(ny - 1):
            row_ends(nodes.reshape(-1), (i * ny + j) * nz, ny * nz, nz, known, inside)
            for k in range(nz - 1):
                both = known[k] | known[k + 1] << 4, inside[k] | inside[k + 1] << 4
                assert both == corner_bits(nodes, i, j, k)


def test_torn_cells_lack_a_corner_and_have_an_edge_that_changes_sign():
    nodes = sparse(1)
    nx, ny, nz = nodes.shape
    found = set(torn_cells(nodes))
    for i, j, k in np.ndindex(nx - 1, ny - 1, nz - 1):
        cell = nodes[i : i + 2, j : j + 2, k : k + 2]
        crossed = any((np.diff(np.sign(cell), axis=axis) != 0)[~np.isnan(np.diff(cell, axis=axis))].any()
                      for axis in range(3))  # fmt: skip
        assert (((i * ny + j) * nz + k) in found) == (crossed and bool(np.isnan(cell).any()))


def test_whole_and_unknown_cells_are_not_torn():
    assert not torn(0, 0) and not torn(255, 0x0F)
    assert torn(0b11, 0b01) and not torn(0b11, 0b11)
