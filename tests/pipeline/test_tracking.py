"""The tracked road on a made head: the same faces in every frame, and the surface of the exact road."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from facetalk.geometry import UNIT_MM
from facetalk.mesh.tracked import TrackConfig
from facetalk.pipeline import tracking
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.tracking import Interpolated, Tracking, tracked_poses
from made_models import ball_head


@pytest.fixture(scope="module")
def actor():
    return Actor(ball_head(), torch.zeros(ball_head().config.layout.size))


@pytest.fixture(scope="module")
def road(actor):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking, "POSES", 20)
        return Tracking(actor, 18)


def codes(actor, count=3):
    return actor.head.rig(0.5 * torch.from_numpy(tracked_poses(count, seed=9)))


def residual_mm(actor, code, mesh):
    with torch.inference_mode():
        return np.abs(actor.sdf(code)(torch.from_numpy(mesh.vertices)).numpy()) * UNIT_MM


def test_every_frame_has_the_same_faces_and_lies_on_the_posed_surface(actor, road):
    wanted = codes(actor)
    meshes = list(road(wanted))
    assert len(meshes) == len(wanted)
    for code, mesh in zip(wanted, meshes, strict=True):
        assert np.array_equal(mesh.faces, road.canonical.faces)
        assert np.array_equal(mesh.regions, road.canonical.regions)
        assert residual_mm(actor, code, mesh).mean() < 0.2
    assert not np.allclose(meshes[0].vertices, meshes[1].vertices, atol=1e-3)


def test_a_frame_does_not_depend_on_its_neighbours(actor, road):
    wanted = codes(actor)
    together, alone = list(road(wanted))[2], next(iter(road(wanted[2:])))
    assert np.allclose(together.vertices, alone.vertices, atol=1e-5)


def with_limits(road, **limits):
    """The same road with other limits."""
    other = object.__new__(Tracking)
    other.__dict__.update(road.__dict__)
    other.track = replace(road.track, config=TrackConfig(**limits))
    return other


def test_a_frame_that_the_components_do_not_hold_is_solved(actor, road):
    code = codes(actor)[1]
    mesh = next(iter(with_limits(road, mean_mm=-1.0)(code[None])))
    assert np.array_equal(mesh.faces, road.canonical.faces)
    assert np.quantile(residual_mm(actor, code, mesh), 0.99) < 0.2


def test_a_frame_that_cannot_be_carried_is_extracted_and_said(actor, road, caplog):
    code = codes(actor)[1]
    with caplog.at_level(logging.WARNING):
        mesh = next(iter(with_limits(road, mean_mm=-1.0, broken_mm=-1.0)(code[None])))
    assert "faces differ" in caplog.text
    assert residual_mm(actor, code, mesh).max() < 0.2


def test_poses_respect_the_rig():
    weights = tracked_poses(50)
    assert weights.min() >= 0 and weights.max() <= 1
    assert np.array_equal(weights, tracked_poses(50))


def test_an_interpolated_deformation_is_right_between_nodes(actor):
    grid = actor.grid(24)
    points = torch.tensor([[0.0, -0.14, 0.26], [0.12, 0.05, 0.2]])
    kept, asked = Interpolated(actor.at_rest, grid)(points), actor.at_rest(points)
    assert (kept.offsets - asked.offsets).abs().max() * UNIT_MM < 0.5
