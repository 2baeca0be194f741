"""Distances between roads: zero for one surface, known for a shifted one, and only of what cameras see."""

import numpy as np
import pytest
import torch

from facetalk.evaluation import roads
from facetalk.evaluation.roads import Measured, RoadTest
from facetalk.geometry import UNIT_MM
from facetalk.pipeline import tracking
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.roads import ROADS
from facetalk.types import Mesh
from made_models import ball_head

pytest.importorskip("igl")


@pytest.fixture(scope="module")
def actor():
    return Actor(ball_head(), torch.zeros(ball_head().config.layout.size))


@pytest.fixture(scope="module")
def ball(actor):
    return next(ROADS["exact"](actor, 20)(actor.head.rest[None]))


def test_a_surface_is_no_way_from_itself_and_a_shifted_one_as_far_as_it_was_shifted(ball):
    assert roads.distances_mm(ball.vertices, ball).max() < 1e-3
    square = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], np.float32)
    sheet = Mesh(square, np.array([[0, 1, 2], [1, 3, 2]], np.int32))
    assert np.allclose(roads.distances_mm(np.array([[0.3, 0.4, 0.02]], np.float32), sheet), 0.02 * UNIT_MM)


def test_what_lies_inside_is_not_seen(actor, ball):
    inner = Mesh(np.concatenate([ball.vertices, 0.5 * ball.vertices]),
                 np.concatenate([ball.faces, ball.faces + len(ball.vertices)]))  # fmt: skip
    seen = roads.seen_vertices(inner, actor)
    assert seen[: len(ball.vertices)].mean() > 0.5
    assert not seen[len(ball.vertices) :].any()


def test_vertices_look_for_the_exact_surface_along_their_normals():
    points = np.array([[0.7, 0, 0], [0, 0.49, 0], [0, 0, 0.5], [0.9, 0, 0]], np.float32)
    normals = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    mesh = Mesh(points, np.zeros((0, 3), np.int32), normals=normals)
    ways = roads.ways_mm(lambda places: places.norm(dim=1) - 0.5, mesh, np.array([1, 2, 3]))
    assert np.allclose(ways, np.array([0.01, 0, 0.4]) * UNIT_MM, atol=0.05)  # the last cannot reach it


def test_figures_of_parts_are_means_and_quantiles():
    measured = Measured()
    measured.add("lips", np.array([0.0, 1.0]), np.array([2.0]))
    measured.add("lips", np.array([2.0]), np.array([4.0]))
    gap = measured.gaps()["lips"]
    assert gap.ours_to_exact_mean == 1 and gap.exact_to_ours_mean == 3
    assert 3.9 < gap.exact_to_ours_p99 <= 4


def test_both_quick_roads_are_near_the_exact_one_on_a_made_head(actor, monkeypatch):
    monkeypatch.setattr(tracking, "POSES", 24)
    codes = actor.head.rig(0.4 * torch.from_numpy(tracking.tracked_poses(2, seed=5)))
    measured = roads.evaluate([actor], codes, RoadTest(frames=1, resolution=18, truth=18))
    for road in measured.values():
        assert road.gaps()["seen"].ours_to_exact_mean < 0.3
        assert road.frame_ms[0] > 0 and road.vertices[0] > 100
    along = measured["tracked"].json()["clip"]["seen"]
    assert 0 < along[0] < 0.5 and along[1] >= along[0]
    assert measured["tracked"].unheld == 0 and len(measured["tracked"].residual_mm) == 2
    assert any("core-ms" in line for line in roads.table(measured))
