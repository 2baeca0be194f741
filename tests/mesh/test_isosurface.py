import numpy as np
import pytest
import torch
from solids import BOX, is_closed_manifold, shell, sphere, torus, volume

from facetalk.mesh.extract import sample_everywhere
from facetalk.mesh.grid import focused_grid, uniform_grid
from facetalk.mesh.isosurface import SHEET_COUNT, SHEET_OF, isosurface, triangles
from facetalk.mesh.normals import vertex_normals
from facetalk.mesh.topology import border_vertices
from facetalk.types import Mesh

PLAIN = uniform_grid(BOX, 24)
REFINED = focused_grid(BOX, 24, [((0.2, 0.1, 0.0), 0.14), ((-0.25, 0.0, 0.0), (0.08, 0.2, 0.1))], ratio=3)
ASIDES = [((-0.25, 0.0, 0.0), (0.08, 0.2, 0.1)), ((0.05, 0.2, 0.0), 0.1)]
MIXED = focused_grid(BOX, 24, [((0.2, 0.1, 0.0), 0.14)], ratio=6, asides=ASIDES, aside_ratio=2)


def surface_of(sdf, grid):
    surface = isosurface(sample_everywhere(sdf, grid), grid)
    return surface, Mesh(surface.vertices, triangles(surface, surface.vertices))


@pytest.mark.parametrize("grid", [PLAIN, REFINED, MIXED], ids=["plain", "refined", "mixed"])
@pytest.mark.parametrize("sdf", [sphere(), torus, shell], ids=["sphere", "torus", "shell"])
def test_surfaces_are_closed_and_manifold_across_levels(sdf, grid):
    surface, mesh = surface_of(sdf, grid)
    assert len(surface.leaks) == 0
    assert is_closed_manifold(mesh.faces)


def test_a_sphere_has_its_volume_and_outward_normals():
    _, mesh = surface_of(sphere(), REFINED)
    assert volume(mesh) == pytest.approx(4 / 3 * np.pi * 0.3**3, rel=0.03)
    outward = mesh.vertices - np.array([0.03, 0.02, -0.04], np.float32)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    assert (np.einsum("ij,ij->i", outward, vertex_normals(mesh.vertices, mesh.faces)) > 0.97).all()


def test_two_sheets_in_one_cell_stay_apart():
    # Corners 0 and 7 inside: two separate caps.
    assert SHEET_COUNT[0b10000001] == 2
    assert SHEET_COUNT[0b00000001] == SHEET_COUNT[0b11111110] == 1
    assert ((SHEET_OF >= 0).any(1) == (SHEET_COUNT > 0)).all()


def test_a_surface_that_leaves_what_is_known_is_reported():
    values = sample_everywhere(sphere(), PLAIN).reshape([len(axis) for axis in PLAIN.axes])
    values[12:16, 12:16, :] = np.nan
    assert len(isosurface(values.ravel(), PLAIN).leaks) > 0


def test_an_empty_field_has_no_surface():
    surface = isosurface(sample_everywhere(lambda p: torch.ones(len(p)), PLAIN), PLAIN)
    assert len(surface.vertices) == len(surface.quads) == 0


@pytest.mark.parametrize("grid", [PLAIN, REFINED, MIXED], ids=["plain", "refined", "mixed"])
def test_sheets_as_thin_as_cells_are_not_torn_where_levels_meet(grid):
    """Every edge has an even number of faces, even where several sheets run through one cell."""

    def sponge(points):
        wild = torch.sin(71 * points[:, 0]) + torch.sin(67 * points[:, 1] + 1) + torch.sin(73 * points[:, 2] + 2)
        return torch.maximum(wild / 60, points.norm(dim=1) - 0.38)

    _, mesh = surface_of(sponge, grid)
    assert len(mesh.faces) > 5000 and len(border_vertices(mesh.faces)) == 0
