"""Cells found by a point, and what a field is there."""

import numpy as np
import pytest

from facetalk.errors import InputError
from facetalk.geometry import Box
from facetalk.mesh.finding import look_up_all
from facetalk.mesh.grid import Grid, Layout, focused_grid

BOX = Box((-0.5, -0.4, -0.6), (0.5, 0.6, 0.4))


def plane(points: np.ndarray) -> np.ndarray:
    """Linear in the place: trilinear interpolation leaves it as it is, whatever the size of cells."""
    return (points @ np.array([0.3, -0.7, 0.5]) + 0.1).astype(np.float32)


@pytest.fixture(scope="module")
def grid() -> Grid:
    focus, aside = (np.array([0.1, 0.1, 0.0]), np.full(3, 0.2)), (np.array([-0.3, 0.0, -0.3]), np.full(3, 0.1))
    return focused_grid(BOX, 12, [focus], 6, [aside], 3)


def test_a_linear_field_is_found_everywhere_in_cells_of_all_sizes(grid):
    assert {grid.part_factor(part) for part in range(3)} == {1, 3, 6}
    values = np.concatenate([plane(grid.nodes(part)) for part in range(3)])
    upper = np.array(grid.box.upper) - 1e-3  # the last thousandth of the last cell is taken as one place
    points = np.random.default_rng(0).uniform(grid.box.lower, upper, (5000, 3)).astype(np.float32)
    assert np.abs(look_up_all(values, *grid.finder, points) - plane(points)).max() < 2e-6


def test_the_finest_cells_are_used(grid):
    values = np.concatenate([np.full(len(grid.nodes(part)), part, np.float32) for part in range(3)])
    found = look_up_all(
        values, *grid.finder, np.array([(0.1, 0.1, 0.0), (-0.3, 0.0, -0.3), (0.4, 0.5, 0.3)], np.float32)
    )
    assert found.tolist() == [1, 2, 0]


def test_outside_the_box_the_nearest_place_counts(grid):
    values = np.concatenate([plane(grid.nodes(part)) for part in range(3)])
    points = np.random.default_rng(1).uniform(-2, 2, (1000, 3)).astype(np.float32)
    nearest = points.clip(grid.box.lower, grid.box.upper)
    off = np.abs(look_up_all(values, *grid.finder, points) - plane(nearest))
    assert off.max() < 1e-3 * (np.array(grid.box.size) / 12).max() * 2


def test_grids_too_fine_to_number_are_refused(grid, monkeypatch):
    vast = Grid(grid.x, grid.y, grid.z)
    layout = vast.layout
    monkeypatch.setitem(vast.__dict__, "layout", Layout(layout.parts, layout.coordinates, layout.owner, 2**31))
    with pytest.raises(InputError, match="too fine"):
        _ = vast.finder
