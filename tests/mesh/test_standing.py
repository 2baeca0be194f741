import numpy as np
import pytest
import torch
from solids import BOX, is_closed_manifold, sphere

from facetalk.geometry import UNIT_MM
from facetalk.mesh.baked import bake
from facetalk.mesh.clip import Plane
from facetalk.mesh.fast import FastRoad
from facetalk.mesh.grid import focused_grid
from facetalk.mesh.standing import Stillness

GRID = focused_grid(BOX, 40, [((0.1, -0.2, 0.1), 0.12)], ratio=4, asides=[((-0.25, 0.15, 0.0), 0.1)], aside_ratio=4)
BELOW = -0.05
"""What lies below may move."""


def lips(points):
    return torch.nn.functional.one_hot(torch.ones(len(points), dtype=torch.long), 8).float()


def shrug(points):
    """At rest already the canonical place of a point is not its own."""
    return torch.full_like(points, 0.01), torch.zeros(len(points))


def drop(amount):
    """What lies below the height drops, the more the lower."""

    def deform(points):
        offsets, level = shrug(points)
        return offsets + torch.tensor([0.0, amount, 0.0]) * (BELOW - points[:, 1:2]).clamp_min(0), level

    return deform


@pytest.fixture(scope="module")
def baked():
    return bake(sphere(), GRID, lips)


@pytest.fixture(scope="module")
def road(baked):
    return FastRoad(baked, GRID, stillness=Stillness(shrug, lambda points: points[:, 1] < BELOW))


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.2])
def test_what_stands_joins_what_moves_without_a_seam(baked, road, amount):
    joined, _ = road(drop(amount))
    whole, _ = FastRoad(baked, GRID)(drop(amount))
    assert 0.2 * len(joined.vertices) < len(road.rested.mesh.vertices) < 0.8 * len(joined.vertices)
    assert is_closed_manifold(joined.faces)
    assert len(joined.vertices) == len(whole.vertices) and len(joined.faces) == len(whole.faces)

    def placed(mesh):
        order = np.lexsort(np.round(mesh.vertices * UNIT_MM).T)
        return [values[order] for values in (mesh.vertices, mesh.normals, mesh.canonical, mesh.regions)]

    for ours, theirs in zip(*map(placed, (joined, whole)), strict=True):
        assert np.quantile(np.abs(ours - theirs), 0.999) < 1e-3


def test_nothing_is_asked_of_what_stands(road):
    asked = []

    def counting(points):
        asked.append(points)
        return drop(0.1)(points)

    road(counting)
    points = torch.cat(asked)
    spacing = float(max(np.diff(axis).max() for axis in road.scaffold.axes))
    assert points[:, 1].max() < BELOW + 2 * spacing


def test_what_stands_is_the_same_in_every_frame(road):
    first, second = (road(drop(amount))[0] for amount in (0.0, 0.5))
    count = len(road.rested.mesh.vertices)
    assert np.array_equal(first.vertices[:count], second.vertices[:count])


def test_what_stands_is_cut_once_and_frames_find_a_clean_rim(baked):
    cut = Plane((0.0, -1.0, 0.0), -0.2)
    stillness = Stillness(shrug, lambda points: points[:, 1] < BELOW)
    ours, _ = FastRoad(baked, GRID, cut=cut, stillness=stillness)(drop(0.1))
    theirs, _ = FastRoad(baked, GRID, cut=cut)(drop(0.1))
    assert cut.height(ours.vertices).min() > -1e-6
    assert len(ours.vertices) == len(theirs.vertices) and len(ours.faces) == len(theirs.faces)
    rims = [np.sort(mesh.vertices[mesh.vertices[:, 1] > 0.2 - 1e-6], axis=0) for mesh in (ours, theirs)]
    assert len(rims[0]) > 50 and np.abs(rims[0] - rims[1]).max() < 1e-3
