import numpy as np
import pytest

from facetalk.geometry import UNIT_MM, Box
from facetalk.mesh.grid import focused_grid
from facetalk.mesh.normals import edge_lengths, vertex_normals
from facetalk.mesh.relax import crumpled, relaxed
from facetalk.mesh.slits import without_thin

BOX = Box((-0.1, -0.1, -0.1), (0.1, 0.1, 0.1))


def nodes_of(layers):
    """A grid with one fine patch, and distances to horizontal layers of flesh (from, to in mm)."""
    grid = focused_grid(BOX, 10, [(np.zeros(3), np.full(3, 0.05))], 8)
    y = np.concatenate([grid.nodes(part)[:, 1] for part in range(len(grid.patches) + 1)]) * UNIT_MM
    distance = np.min([np.maximum(low - y, y - high) for low, high in layers], axis=0)
    fine = np.arange(len(y)) >= len(grid.nodes(0))
    return grid, (distance / UNIT_MM).astype(np.float32), y, fine


@pytest.mark.parametrize("layers", [[(-30, -3)], [(-30, 0), (4, 30)], [(-6, 6)]])
def test_what_is_thick_stays_as_it_is(layers):
    grid, values, _, _ = nodes_of(layers)
    assert np.array_equal(without_thin(values, grid), values)


def test_a_fin_becomes_air_and_a_slit_becomes_flesh_in_the_fine_patch_alone():
    grid, fin, y, fine = nodes_of([(-30, -6), (1.0, 1.7)])
    tidy = without_thin(fin, grid)
    inner = fine & (np.abs(y) < 8)
    assert (fin[inner & (np.abs(y - 1.35) < 0.3)] < 0).any()
    turned = np.flatnonzero(np.sign(tidy) != np.sign(fin))
    assert len(turned) and fine[turned].all() and (np.abs(y[turned] - 1.35) < 0.4).all()
    assert (tidy[turned] > 0).all()
    grid, slit, y, fine = nodes_of([(-30, 1.0), (1.7, 30)])
    turned = np.flatnonzero(np.sign(without_thin(slit, grid)) != np.sign(slit))
    assert len(turned) and fine[turned].all() and (without_thin(slit, grid)[turned] < 0).all()


def test_unknown_nodes_bound_no_sheet():
    grid, values, y, _ = nodes_of([(-30, -6), (1.0, 1.7)])
    values[y > 1.7] = np.nan
    assert np.array_equal(without_thin(values, grid), values, equal_nan=True)


def test_loose_vertices_come_to_rest_between_their_neighbours_and_others_stay():
    side = 9
    x, y = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    flat = np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3).astype(np.float32)
    at = np.arange(side * side).reshape(side, side)
    corners = [part.ravel() for part in (at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:])]
    a, b, c, d = corners
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    loose = np.zeros(len(flat), bool)
    loose[at[4, 2:7]] = True
    rough = flat.copy()
    rough[loose, 2] = np.random.default_rng(0).normal(0, 1, 5)
    calm = relaxed(rough, faces, np.flatnonzero(loose))
    assert np.array_equal(calm[~loose], rough[~loose])
    assert np.abs(calm[loose, 2]).max() < 0.05 * np.abs(rough[loose, 2]).max()
    assert np.array_equal(relaxed(rough, faces, np.arange(0)), rough)


def test_edge_lengths_are_those_of_the_edges_at_a_vertex():
    vertices = np.array([[0, 0, 0], [3, 0, 0], [0, 4, 0], [9, 9, 9]], np.float32)
    lengths = edge_lengths(vertices, np.array([[0, 1, 2]], np.int32))
    assert np.allclose(lengths, [3.5, 4.0, 4.5, 0.0])


def test_a_plane_is_not_crumpled_and_a_dent_is():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1]], np.int32)
    assert not crumpled(vertices, faces, vertex_normals(vertices, faces)).any()
    vertices[0, 2] = 0.8
    assert crumpled(vertices, faces, vertex_normals(vertices, faces))[0]
