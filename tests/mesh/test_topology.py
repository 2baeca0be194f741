"""Pieces, tears, tunnels and crossings of surfaces whose topology is known."""

import numpy as np
import pytest
from solids import BOX, shell, sphere, torus

from facetalk.mesh.extract import sample_everywhere
from facetalk.mesh.grid import uniform_grid
from facetalk.mesh.isosurface import isosurface, triangles
from facetalk.mesh.topology import border_vertices, crossings, topology
from facetalk.types import Mesh

GRID = uniform_grid(BOX, 24)


def solid(sdf) -> Mesh:
    surface = isosurface(sample_everywhere(sdf, GRID), GRID)
    return Mesh(surface.vertices, triangles(surface, surface.vertices))


def together(first: Mesh, second: Mesh) -> Mesh:
    faces = np.concatenate([first.faces, second.faces + len(first.vertices)])
    return Mesh(np.concatenate([first.vertices, second.vertices]), faces)


@pytest.mark.parametrize(("sdf", "pieces", "genus"), [(sphere(), 1, 0), (torus, 1, 1), (shell, 2, 0)])
def test_solids_have_their_pieces_and_tunnels(sdf, pieces, genus):
    found = topology(solid(sdf).faces)
    assert (found.pieces, found.loops, found.genus) == (pieces, 0, genus)


def test_a_tear_is_a_loop_and_no_tunnel():
    mesh = solid(torus)
    torn = np.delete(mesh.faces, 100, axis=0)
    assert topology(torn) == topology(mesh.faces).__class__(1, 1, 1)
    assert set(border_vertices(torn)) == set(mesh.faces[100]) and len(border_vertices(mesh.faces)) == 0


def test_sheets_that_only_touch_are_counted_apart():
    """Two tetrahedra with an edge in common: four faces meet there."""
    one = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    other = np.array([[0, 1, 4], [0, 5, 1], [1, 5, 4], [0, 4, 5]])
    assert topology(np.concatenate([one, other])).pieces == 2


def test_an_empty_surface_has_nothing():
    found = topology(np.zeros((0, 3), int))
    assert (found.pieces, found.loops, found.genus) == (0, 0, 0)


def test_only_surfaces_that_pass_through_each_other_cross():
    ball = solid(sphere())
    everything = np.arange(len(ball.faces))
    assert not crossings(ball, everything).any()
    moved = Mesh(ball.vertices + np.float32([0.07, 0.011, 0.017]), ball.faces)
    both = together(ball, moved)
    share = crossings(both, np.arange(len(both.faces))).mean()
    assert 0.01 < share < 0.5
    apart = together(ball, Mesh(ball.vertices + np.float32([2.0, 0, 0]), ball.faces))
    assert not crossings(apart, np.arange(len(apart.faces))).any()
