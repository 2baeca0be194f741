"""What a lattice loses of the rest pose round the eyes comes back in frames that are near it, and in no others."""

import numpy as np
import pytest
import torch
from solids import BOX, sphere

from facetalk.geometry import UNIT_MM
from facetalk.mesh.baked import bake
from facetalk.mesh.extract import ask
from facetalk.mesh.fast import FastRoad
from facetalk.mesh.grid import focused_grid
from facetalk.mesh.standing import Stillness
from facetalk.types import Region

CENTRE = (0.1, 0.0, 0.25)
GRID = focused_grid(BOX, 30, [(CENTRE, 0.12)], ratio=4)


def eyeball(points):
    return torch.nn.functional.one_hot(torch.full((len(points),), int(Region.SCLERA)), len(Region)).float()


def rippled(shift):
    """A level that ripples faster than the lattice follows, and a shift of everything."""

    def deform(points):
        level = 0.004 * torch.sin(points[:, 0] * 2 * torch.pi / 0.05)
        return torch.tensor([0.0, shift, 0.0]).expand_as(points), level

    return deform


def off_mm(road, deform):
    """How far the seen middle of the focus is from the exact surface."""
    mesh, _ = road(deform)
    near = mesh.vertices[np.linalg.norm(mesh.vertices - CENTRE, axis=1) < 0.08]
    assert len(near) > 100

    def exact(points):
        offsets, level = deform(points)
        return sphere()(points + offsets) + level

    return float(np.quantile(np.abs(ask(exact, near)), 0.9)) * UNIT_MM


@pytest.fixture(scope="module")
def forgetful():
    return FastRoad(bake(sphere(), GRID, eyeball), GRID)


@pytest.fixture(scope="module")
def eyes(forgetful):
    everywhere = Stillness(rippled(0.0), lambda points: torch.ones(len(points), dtype=torch.bool))
    return FastRoad(forgetful.baked, GRID, stillness=everywhere)


def test_the_rest_pose_is_exact_at_the_eyes(eyes, forgetful):
    assert forgetful.resting is None
    assert off_mm(eyes, rippled(0.0)) < 0.2 < 1 < off_mm(forgetful, rippled(0.0))


def test_what_is_given_back_fades_with_the_distance_from_rest(eyes, forgetful):
    ways = [off_mm(eyes, rippled(mm / UNIT_MM)) for mm in (0.0, 0.5, 1.0, 2.0)]
    assert ways == sorted(ways)
    beyond = rippled(5.0 / UNIT_MM)
    assert off_mm(eyes, beyond) == pytest.approx(off_mm(forgetful, beyond), abs=1e-3)
