"""What counts as whole, various and new."""

import numpy as np
import pytest
import torch

from facetalk.evaluation.people import PeopleTest, aged, directions, evaluate, openings, places, variety
from facetalk.geometry import UNIT_MM, Box
from facetalk.head.character import TRAIT_SOURCE
from facetalk.head.prior import drawn
from facetalk.head.traits import Traits, identity_weights
from facetalk.mesh.clip import clip
from facetalk.mesh.extract import sample_everywhere
from facetalk.mesh.grid import uniform_grid
from facetalk.mesh.isosurface import isosurface, triangles
from facetalk.pipeline.actor import NECK_CUT
from facetalk.pipeline.roads import Surface
from facetalk.pipeline.wholeness import wholeness
from facetalk.types import Mesh
from made_models import RADIUS, ball_head

GRID = uniform_grid(Box((-0.6, -0.6, -0.6), (0.6, 0.6, 0.6)), 40)
MOUTH, EYES = np.array([0.0, -0.14, 0.5]), [np.array([side, 0.1, 0.5]) for side in (0.1, -0.1)]


def bust(*bodies) -> Mesh:
    """The union of some bodies, cut at the neck."""

    def sdf(points):
        return torch.stack([body(points) for body in bodies]).amin(0)

    surface = isosurface(sample_everywhere(sdf, GRID), GRID)
    return clip(Mesh(surface.vertices, triangles(surface, surface.vertices)), NECK_CUT)


def head(points):
    return points.norm(dim=1) - 0.48


def ring(points):
    """A small ring at the side, half of it in the head."""
    around = torch.stack([points[:, 0] - 0.42, points[:, 1]], 1).norm(dim=1) - 0.07
    return torch.stack([around, points[:, 2]], 1).norm(dim=1) - 0.03


def test_a_bust_is_whole_and_its_rim_is_no_tear():
    found = wholeness(bust(head), MOUTH, EYES, NECK_CUT)
    assert (found.floating, found.torn, found.tunnels, found.crossing) == (0, 0, 0, 0.0)


def test_what_is_wrong_is_found():
    crumb = bust(head, lambda points: (points - torch.tensor([0.0, 0.0, 0.55])).norm(dim=1) - 0.04)
    assert wholeness(crumb, MOUTH, EYES, NECK_CUT).floating == 1
    whole = bust(head)
    top = int(whole.vertices[whole.faces].mean(1)[:, 1].argmax())
    assert wholeness(Mesh(whole.vertices, np.delete(whole.faces, top, axis=0)), MOUTH, EYES, NECK_CUT).torn == 3


def test_a_pierced_ear_is_a_tunnel_but_not_where_the_mouth_is():
    handle = bust(lambda points: points.norm(dim=1) - 0.4, ring)
    assert wholeness(handle, MOUTH + 5, [eye + 5 for eye in EYES], NECK_CUT).tunnels == 1
    inside = wholeness(handle, np.array([0.42, 0.0, 0.0]), [eye + 5 for eye in EYES], NECK_CUT)
    assert inside.tunnels == 0 and inside.mouth_tunnels == 1


def test_rays_meet_the_ball_and_are_spread_evenly():
    ball = ball_head()
    ways = directions(160)
    np.testing.assert_allclose(ways.norm(dim=1), 1, atol=1e-6)
    assert float(ways.mean(0)[[0, 2]].norm()) < 0.02
    points = places(ball, drawn(ball, 1, 0.0)[None])[0, -160:]
    assert float((points.norm(dim=1) - RADIUS).abs().max()) * UNIT_MM < 12


def test_copies_are_not_new_and_twice_the_spread_is_twice_as_various():
    generator = torch.Generator().manual_seed(0)
    trained = torch.randn(12, 30, 3, generator=generator)
    same = variety(trained[:5], trained)
    assert same["to_nearest_trained_mm"] == 0 < same["trained_to_nearest_trained_mm"]
    assert variety(2 * trained, trained)["diversity"] == pytest.approx(2, rel=1e-4)


def test_a_head_is_tested_from_end_to_end():
    ball = ball_head()
    ball.sources.learn(TRAIT_SOURCE, len(identity_weights(Traits())), ball.config.layout.size)
    test = PeopleTest(count=1, first=3, spread=0.5, surface=Surface(resolution=16), aged=0)
    told = []
    figures = evaluate(
        ball, test, torch.stack([drawn(ball, seed, 1.0) for seed in range(3)]), lambda *at: told.append(at)
    )
    assert told == [(1, 1)] and figures["rest"]["people"] == figures["open"]["people"] == 1
    assert set(figures) == {"rest, as drawn", "open, as drawn", "rest", "open", "drawn nearer", "openings", "variety"}


def test_people_of_every_age_are_looked_at_where_a_head_knows_ages():
    test = PeopleTest(count=5, aged=3)
    assert aged(ball_head(), test) == {}
    head = ball_head()
    head.sources.learn(TRAIT_SOURCE, len(identity_weights(Traits())), head.config.layout.size)
    groups = aged(head, test)
    assert [len(castings) for castings in groups.values()] == [3, 3]
    assert all(casting.source == TRAIT_SOURCE and not casting.character for casting in groups[TRAIT_SOURCE])
    assert len({casting.character.age for casting in groups["moved"]}) == 3


def test_what_stays_open_is_counted():
    found = openings([(0.1, 0.6), (0.7, 0.0), (0.0, 0.4), (2.0, 0.1)])
    assert found["people"] == 4 and found["lips_sealed_share"] == 0.5 and found["lids_shut_share"] == 0.75
    assert found["lips_worst_mm"] == 2.0 and found["lids_worst_mm"] == 0.6
