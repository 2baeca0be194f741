"""The lattice over a grid: close at the foci and, for chins that drop, under the lowest of them."""

import numpy as np
import pytest

from facetalk.geometry import Box
from facetalk.mesh.grid import focused_grid
from facetalk.mesh.scaffold import Scaffold

BOX = Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def scaffold():
    grid = focused_grid(BOX, 40, [((0.0, 0.5, 0.0), 0.1), ((0.0, -0.2, 0.0), 0.1)], 2)
    return Scaffold(grid, near=1, far=3, below=4)


def test_only_the_lowest_focus_has_a_block_below_it(scaffold):
    *foci, under = scaffold.spans
    lowest = min(foci, key=lambda span: span[1][0])
    assert len(foci) == 2 and under[1] == (lowest[1][0] - 4, lowest[1][0])
    assert under[0] == lowest[0] and under[2] == lowest[2]


def test_nodes_that_a_dropped_chin_adds_lie_below_and_are_as_dense_as_the_foci(scaffold):
    added = scaffold.nodes(scaffold.wide & ~scaffold.close)
    base, low = scaffold.grid.y[1] - scaffold.grid.y[0], scaffold.grid.y[scaffold.spans[-1][1][1]]
    assert len(added) and (added[:, 1] < low).all()
    assert np.allclose(np.diff(np.unique(added[:, 1])), base, atol=1e-5)
    assert not (scaffold.close & ~scaffold.wide).any()


def test_a_grid_without_foci_has_no_close_nodes():
    plain = Scaffold(focused_grid(BOX, 20, [], 2), near=1, far=3, below=4)
    assert not plain.close.any() and not plain.wide.any()
