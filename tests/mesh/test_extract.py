import numpy as np
import pytest
import torch
from solids import BOX, euler, is_closed_manifold, shell, sphere, torus

from facetalk.geometry import UNIT_MM
from facetalk.mesh.clip import Plane, clip
from facetalk.mesh.extract import ask, extract, sample, sample_everywhere
from facetalk.mesh.grid import focused_grid
from facetalk.mesh.isosurface import isosurface
from facetalk.mesh.pieces import reachable

GRID = focused_grid(BOX, 40, [((0.2, 0.1, 0.0), 0.12)], ratio=4)


def stretched(points):
    """Distances a fifth too long, as a deformed field's may be."""
    return 1.2 * torus(points)


@pytest.mark.parametrize("sdf", [sphere(), torus, shell, stretched], ids=["sphere", "torus", "shell", "stretched"])
def test_sparse_evaluation_finds_the_cells_of_dense_evaluation(sdf):
    values, everywhere = sample(sdf, GRID), sample_everywhere(sdf, GRID)
    sparse, dense = isosurface(values, GRID), isosurface(everywhere, GRID)
    assert np.array_equal(sparse.cells, dense.cells) and np.array_equal(sparse.quads, dense.quads)
    assert np.isfinite(values).mean() < 0.5


def test_a_surface_is_followed_where_the_distance_lies():
    # Far too long distances on one side: the cells there are left out first and found again from their neighbours.
    def lying(points):
        return sphere()(points) * (1 + 7 * (points[:, 0] > 0.1))

    sparse, dense = isosurface(sample(lying, GRID), GRID), isosurface(sample_everywhere(lying, GRID), GRID)
    assert np.array_equal(sparse.cells, dense.cells)


@pytest.mark.parametrize("sdf", [sphere(), torus, shell], ids=["sphere", "torus", "shell"])
def test_every_vertex_lies_on_the_surface(sdf):
    mesh = extract(sdf, GRID)
    assert np.abs(ask(sdf, mesh.vertices)).max() * UNIT_MM < 0.1


def test_topology_is_kept():
    assert euler(extract(sphere(), GRID)) == 2
    assert euler(extract(torus, GRID)) == 0


def test_hollows_and_dust_are_not_reachable():
    hollow = extract(shell, GRID)
    assert euler(hollow) == 2 and is_closed_manifold(hollow.faces)
    assert np.linalg.norm(hollow.vertices - [0.03, 0.02, -0.04], axis=1).min() > 0.32

    def dusty(points):
        return torch.minimum(sphere()(points), sphere(0.008, (0.45, 0.45, 0.45))(points))

    assert extract(dusty, GRID).vertices.max() < 0.4


def test_two_large_pieces_both_stay():
    def pair(points):
        return torch.minimum(sphere(0.2, (-0.25, 0.0, 0.0))(points), sphere(0.1, (0.3, 0.0, 0.0))(points))

    assert euler(extract(pair, GRID)) == 4


def test_a_cut_leaves_a_clean_rim():
    plane = Plane((0.0, 2.0, 0.0), -0.2)
    mesh = extract(sphere(), GRID, cut=plane, regions=lambda points: torch.nn.functional.one_hot(
        (points[:, 0] > 0).long(), 8).float())  # fmt: skip
    assert plane.height(mesh.vertices).min() > -1e-6
    rim = np.abs(plane.height(mesh.vertices)) < 1e-6
    assert rim.sum() > 50 and euler_of_disc(mesh)
    assert np.allclose(mesh.regions.sum(1), 1) and np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    assert clip(mesh, Plane((0.0, 1.0, 0.0), -5.0)) is mesh


def test_of_what_a_cut_parts_the_largest_stays_and_what_it_spares():
    def three(points):
        parts = sphere(0.2, (-0.25, 0.0, 0.0)), sphere(0.12, (0.2, -0.05, 0.0)), sphere(0.05, (0.3, 0.3, 0.0))
        return torch.stack([part(points) for part in parts]).amin(0)

    mesh = extract(three, GRID, cut=Plane((0.0, 1.0, 0.0), -0.02))
    low, high = mesh.vertices[:, 1] < 0.23, mesh.vertices[:, 1] > 0.23
    assert mesh.vertices[low, 0].max() < 0 and high.any() and mesh.vertices[high, 0].min() > 0.2


def euler_of_disc(mesh):
    edges = np.sort(np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]]), 1)
    return len(mesh.vertices) - len(np.unique(edges, axis=0)) + len(mesh.faces) == 1


def test_nothing_there_is_an_empty_mesh():
    mesh = extract(lambda points: torch.ones(len(points)), GRID)
    assert len(mesh.faces) == 0 and reachable(mesh) is mesh
