import numpy as np
import pytest
from solids import BOX

from facetalk.errors import InputError
from facetalk.geometry import PAPER_BOX, UNIT_MM
from facetalk.mesh.grid import focused_grid, uniform_grid

LIPS = ((0.0, -0.15, 0.2), (0.12, 0.08, 0.08))
EYE = ((0.12, 0.1, 0.15), 0.05)


def test_a_uniform_grid_covers_its_box_with_near_cubes():
    grid = uniform_grid(PAPER_BOX, 50)
    assert np.allclose(grid.box.lower, PAPER_BOX.lower) and np.allclose(grid.box.upper, PAPER_BOX.upper)
    edges = [float(np.diff(axis).mean()) for axis in grid.axes]
    assert max(edges) < 1.05 * min(edges)


def test_half_millimetre_cells_at_the_lips_do_not_explode_elsewhere():
    grid = focused_grid(PAPER_BOX, 128, [LIPS, EYE], ratio=6)
    assert max(np.diff(axis).max() for axis in grid.part_axes(1)) * UNIT_MM <= 0.5
    assert grid.layout.size < 5_000_000


def test_a_patch_holds_its_focus_and_meets_base_nodes():
    grid = focused_grid(BOX, 20, [((0.1, 0.0, -0.1), (0.1, 0.06, 0.2))], ratio=3)
    for axis, base, centre, half in zip(grid.part_axes(1), grid.axes, (0.1, 0.0, -0.1), (0.1, 0.06, 0.2), strict=True):
        assert axis[0] <= centre - half + 1e-6 and axis[-1] >= centre + half - 1e-6
        assert np.isin(axis[::3], base).all()


def test_overlapping_foci_share_a_patch():
    grid = focused_grid(BOX, 20, [((0.0, 0.0, 0.0), 0.1), ((0.15, 0.0, 0.0), 0.1), ((-0.3, -0.3, -0.3), 0.05)])
    assert len(grid.patches) == 2
    assert (grid.layout.owner[:-1, :-1, :-1] >= 0).all()


def test_asides_keep_a_base_cell_from_every_other_patch():
    asides = [((0.15, 0.0, 0.0), 0.1), ((-0.3, 0.0, 0.0), 0.1)]
    grid = focused_grid(BOX, 20, [((0.0, 0.0, 0.0), 0.1)], ratio=6, asides=asides, aside_ratio=3)
    focus, *asides = grid.patches
    assert [patch.coarser for patch in grid.patches] == [1, 2, 2]
    assert all(aside.apart(focus, gap=1) for aside in asides) and asides[0].apart(asides[1], gap=1)
    steps = [np.diff(grid.part_axes(part)[0]).mean() for part in range(4)]
    np.testing.assert_allclose(np.divide(steps[0], steps), [1, 6, 3, 3], rtol=1e-4)


def test_an_aside_that_a_focus_covers_is_left_out():
    grid = focused_grid(BOX, 20, [((0.0, 0.0, 0.0), 0.3)], ratio=2, asides=[((0.0, 0.0, 0.0), 0.1)], aside_ratio=2)
    assert len(grid.patches) == 1


def test_no_cells_is_refused():
    with pytest.raises(InputError, match="resolution 0"):
        uniform_grid(BOX, 0)
