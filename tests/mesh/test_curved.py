from itertools import product

import numpy as np
import pytest
from solids import BOX, euler, is_closed_manifold, sphere, torus

from facetalk.geometry import UNIT_MM
from facetalk.mesh.curved import split
from facetalk.mesh.extract import ask, extract
from facetalk.mesh.grid import uniform_grid

COARSE = uniform_grid(BOX, 16)
WHOLE = float("inf")


def sagitta_mm(sdf, mesh):
    """How far the middles of the triangles are from the surface."""
    return np.abs(ask(sdf, mesh.vertices[mesh.faces].mean(1))) * UNIT_MM


@pytest.mark.parametrize("sdf", [sphere(), torus], ids=["sphere", "torus"])
def test_triangles_are_divided_until_they_follow_the_surface(sdf):
    # A chord divided once leaves a quarter of its arc.
    flat, coarse = extract(sdf, COARSE, arc_mm=WHOLE), extract(sdf, COARSE, arc_mm=0.1)
    assert np.quantile(sagitta_mm(sdf, coarse), 0.99) < 0.4 * np.quantile(sagitta_mm(sdf, flat), 0.99)
    assert np.abs(ask(sdf, coarse.vertices)).max() * UNIT_MM < 0.1


@pytest.mark.parametrize("sdf", [sphere(), torus], ids=["sphere", "torus"])
def test_division_keeps_the_surface_closed_and_its_topology(sdf):
    flat, coarse = extract(sdf, COARSE, arc_mm=WHOLE), extract(sdf, COARSE, arc_mm=0.3)
    assert len(flat.vertices) < len(coarse.vertices) < 4 * len(flat.vertices)
    assert is_closed_manifold(coarse.faces) and euler(coarse) == euler(flat)


def test_edges_that_bend_little_stay():
    flat, tolerant = extract(sphere(), COARSE, arc_mm=WHOLE), extract(sphere(), COARSE, arc_mm=1e3)
    assert np.array_equal(flat.vertices, tolerant.vertices) and np.array_equal(flat.faces, tolerant.faces)


@pytest.mark.parametrize("cut", list(product([False, True], repeat=3)))
def test_a_cut_face_covers_what_it_covered_and_faces_the_same_way(cut):
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0.3, 1, 0]])
    vertices = np.concatenate([corners, (corners + np.roll(corners, -1, 0)) / 2])
    pieces = split(np.array([[0, 1, 2]]), np.where(cut, [[3, 4, 5]], -1), vertices)
    first, second, third = vertices[pieces].swapaxes(0, 1)
    areas = np.cross(second - first, third - first)[:, 2] / 2
    assert len(pieces) == 1 + sum(cut) and np.all(areas > 0) and areas.sum() == pytest.approx(0.5)
    assert set(pieces.ravel()) == {0, 1, 2} | {3 + side for side in range(3) if cut[side]}
