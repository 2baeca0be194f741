from dataclasses import replace

import numpy as np
import pytest
import torch
from recorded_balls import cloud, shift

from facetalk.arkit import ARKIT_INDEX
from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.recording import lids, lips
from facetalk.recording.newton import FastConfig, Ties
from facetalk.recording.paper import PaperConfig
from facetalk.recording.poses import Placement
from facetalk.recording.problem import Person, Window, drawn
from facetalk.recording.response import Responder
from facetalk.recording.states import Evidence, State, matrices
from facetalk.recording.walk import GAP, Expected, Walk, walked
from facetalk.rig.lips import GAP_MM
from made_models import RADIUS, ball_head

QUICK = FastConfig(points=120, last_points=240, rounds=2, first_rounds=4)


@pytest.fixture(scope="module")
def person():
    head = ball_head()
    return Person.of(head, torch.zeros(head.config.layout.size))


def window(person, frames=5, lost=(), off_mm=0.0):
    """Frames of the sliding ball; placements know its way but for `off_mm`."""
    clouds = tuple(np.zeros((0, 3)) if f in lost else cloud(f).places for f in range(frames))
    places = [Placement(np.eye(3), (off_mm - shift(frame)) / UNIT_MM) for frame in range(frames)]
    codes = np.tile(person.head.rest.numpy(), (frames, 1))
    start = State(np.zeros((frames, 52), np.float32), matrices(places), codes)
    return Window(person, 0, clouds, start, None)


def test_slopes_are_those_of_differences(person):
    """By place and by weight, in all windows of the deformation at once."""
    torch.manual_seed(1)
    responder = Responder(person.head, person.z_id)  # by the head's own surface
    weights, places = 0.3 * torch.rand(2, 52), 0.4 * torch.randn(2, 300, 3)
    found = responder(weights, places)
    assert torch.allclose(found.distance, responder.distances(weights, places), atol=1e-6)
    for index in (0, 17, 40):
        nudge = 0.02 * torch.nn.functional.one_hot(torch.tensor(index), 52)
        slope = (responder.distances(weights + nudge, places) - responder.distances(weights - nudge, places)) / 0.04
        assert (found.by_weight[..., index] - slope).abs().max() < 0.02 * slope.abs().max() + 1e-5
    for axis in range(3):
        nudge = 1e-3 * torch.nn.functional.one_hot(torch.tensor(axis), 3)
        slope = (responder.distances(weights, places + nudge) - responder.distances(weights, places - nudge)) / 2e-3
        assert (found.by_place[..., axis] - slope).abs().median() < 1e-3


def test_a_kept_surface_is_the_surface(person):
    """Near it, with its slope; the fit asks the kept one."""
    torch.manual_seed(2)
    places = torch.nn.functional.normalize(torch.randn(400, 3), dim=1) * RADIUS + 0.004 * torch.randn(400, 3)
    places = places[(places.abs() < 0.4).all(1)]
    (kept, kept_slope), (true, slope) = (
        person.responder.surface(places),
        Responder(person.head, person.z_id).exact(places),
    )
    assert (kept - true).abs().mean() < 2e-5 and (kept - true).abs().max() < 4e-4
    assert (kept_slope - slope).norm(dim=1).mean() < 0.01


def test_poses_are_found(person):
    """Two millimetres off in every direction at the start."""
    asked = window(person, off_mm=2.0)
    solved = QUICK(asked)
    places = torch.from_numpy(np.stack([p(c) for p, c in zip(solved.placements, asked.clouds, strict=True)])).float()
    left = person.responder.distances(torch.from_numpy(solved.weights), places).abs().mean() * UNIT_MM
    assert left < 0.5
    assert np.abs(solved.weights).max() < 1


def test_a_lid_is_found_that_no_slope_tells_of(person):
    """Points two millimetres off at the left eye unless it is shut, which no small step shows."""

    class Shutting(Responder):
        def distances(self, weights, places):
            off = (weights[:, 0] < 0.9) & torch.tensor([False, True, False, False, False])
            return off[:, None].float().expand(places.shape[:2]) * 2 / UNIT_MM

    asked = window(replace(person, responder=Shutting(person.head, person.z_id)))
    start = 0.1 * np.ones((5, 52))
    found = lids.tried(asked.person, start, asked.start.placements, drawn(asked, 2000))
    assert found[1, 0] == 1.0
    found[1, 0] = 0.1
    assert np.array_equal(found, start), "no other frame, the other eye neither"


class Meeting(Responder):
    """Points two millimetres off in the second and the fourth of five frames unless lips are shut."""

    def distances(self, weights, places):
        off = (weights.double() @ torch.from_numpy(GAP) > 0.1) & torch.tensor([False, True, False, True, False])
        return off[:, None].float().expand(places.shape[:2]) * 2 / UNIT_MM


@pytest.fixture
def apart(person):
    """A window that starts with lips ten millimetres apart, points saying that in two frames they are not."""
    asked = window(replace(person, responder=Meeting(person.head, person.z_id)))
    asked.start.weights[:, ARKIT_INDEX["jawOpen"]] = 0.2
    asked.start.weights[:, ARKIT_INDEX["mouthFunnel"]] = 0.35
    return asked


def test_lips_are_shut_where_points_say_so(apart):
    start = apart.start.weights.astype(np.float64)
    found = lips.tried(apart.person, start, apart.start.placements, drawn(apart, 2000))
    assert np.allclose(found[[1, 3]] @ GAP, 0.0, atol=0.1)
    assert np.array_equal(np.delete(found, lips.MOUTH, axis=1), np.delete(start, lips.MOUTH, axis=1))
    assert np.array_equal(found[[0, 2, 4]], start[[0, 2, 4]]), "no other frame"


def test_lips_stay_shut_only_where_that_is_better_in_the_end(apart, monkeypatch):
    """Steps are none here, so that what is left is what was tried."""

    def cost(person, weights, placements, points):
        return np.where(weights @ GAP > 0.1, 1.0, [2.0, 0.5, 2.0, 2.0, 2.0])

    monkeypatch.setattr(lips, "cost", cost)
    gap = replace(QUICK, steps=0)(apart).weights @ GAP
    assert np.allclose(gap[1], 0.0, atol=0.1)
    assert (gap[[0, 2, 3, 4]] > 9).all()


def test_a_missing_frame_lies_between_its_neighbours(person):
    solved = QUICK(window(person, lost=(2,)))
    x = np.array([-place.shift[0] * UNIT_MM for place in solved.placements])
    assert abs(x[2] - (x[1] + x[3]) / 2) < 0.3
    assert np.isfinite(solved.codes).all()


def test_ties_take_the_flicker_away(person):
    """What rests stays at rest: differences of successive weights, with ties and without."""
    still = window(person)
    free = replace(QUICK, ties=Ties(strength=0.0))
    tied, loose = (np.abs(np.diff(config(still).weights, 3, axis=0)).mean() for config in (QUICK, free))
    assert tied < 0.4 * loose


def test_codes_stay_in_the_live_subspace(person):
    solved = QUICK(window(person))
    back = person.head.rig(torch.from_numpy(solved.weights))
    assert np.allclose(back.detach().numpy(), solved.codes, atol=1e-6)


def test_the_papers_loss_pulls_codes_together(person):
    config = PaperConfig(points=60, iterations=4, late=3)
    codes = torch.randn(3, 60)
    together = codes.mean(0).expand(3, 60)
    assert config.regular(together) < config.regular(codes)
    assert torch.isclose(replace(config, huber=0.0).regular(codes), 0.0025 * codes.square().sum())
    solved = config(window(person, frames=3, lost=(1,)))
    assert solved.codes.shape == (3, 60) and np.isfinite(solved.codes).all()
    assert np.abs(solved.codes - person.head.rest.numpy()).max() < 4.1e-3, "Adam's steps are at most its rate"


def test_the_ball_is_as_large_as_recorded():
    assert np.isclose(np.linalg.norm(cloud(0, noise_mm=0.0).places - shift(0), axis=1).mean(), RADIUS * UNIT_MM)


def test_a_walk_takes_out_what_flickers_and_keeps_what_moves(person):
    """Weights that rest and then open at once, seen with noise by measurements of one weight alone."""
    random, frames = np.random.default_rng(4), 40
    true = np.where(np.arange(frames) < 20, 0.0, 0.5)
    seen = true + 0.03 * random.normal(size=frames)
    squares, pulls = np.zeros((frames, 58, 58)), np.zeros((frames, 58))
    squares[:, 17, 17] = 1 / 0.03**2
    weights = np.zeros((frames, 52))
    weights[:, 17] = seen
    anything = Expected(np.ones(52), 1.0)
    moved = walked(weights, np.zeros((frames - 1, 6)), Evidence(squares, pulls), anything, Walk())
    found = weights[:, 17] + moved[:, 17]
    before, after = (np.abs(np.diff(values[:20], 3)).mean() for values in (seen, found))
    assert after < 0.3 * before
    assert np.abs(found - true).mean() < 0.7 * np.abs(seen - true).mean()
    assert abs(found[20] - found[19]) > 0.3, "an opening is no noise"


def test_weights_below_nothing_explain_nothing():
    """Lips stand open by what opens them, not by less than no mouthClose, though points do not tell the two apart."""
    opens, closes, frames = ARKIT_INDEX["mouthLowerDownLeft"], ARKIT_INDEX["mouthClose"], 12
    either = np.zeros(58)
    either[opens], either[closes] = 1, -1
    squares = np.tile(np.outer(either, either) / 0.01**2, (frames, 1, 1))
    pulls = np.tile(-0.12 * either / 0.01**2, (frames, 1))
    moved = walked(
        np.zeros((frames, 52)), np.zeros((frames - 1, 6)), Evidence(squares, pulls), FastConfig().expected, Walk()
    )
    assert (moved[:, opens] > 0.1).all() and (moved[:, closes] > -0.01).all()


@pytest.mark.parametrize(("seen_mm", "least", "most"), [(0.6, -0.3, -0.1), (4.0, 3.8, 4.0)])
def test_lips_that_nearly_meet_do(seen_mm, least, most):
    """And lips that are clearly open stay as they were seen."""
    jaw, frames = ARKIT_INDEX["jawOpen"], 12
    weights, squares = np.zeros((frames, 52)), np.zeros((frames, 58, 58))
    weights[:, jaw] = seen_mm / GAP_MM["jawOpen"]
    squares[:, :52, :52] = np.outer(GAP, GAP) / 0.5**2
    expected = replace(FastConfig().expected, contact=FastConfig().contact)
    evidence = Evidence(squares, np.zeros((frames, 58)))
    moved = walked(weights, np.zeros((frames - 1, 6)), evidence, expected, Walk())
    gap = (weights + moved[:, :52]) @ GAP
    assert (gap > least).all() and (gap < most).all()


def test_windows_become_one_walk(person):
    """The later of two windows has the say where they overlap, and flicker is less than that of windows alone."""
    first, second = QUICK(window(person)), QUICK(replace(window(person), first=3))
    joined, alone = (config.joined(person, [first, second], [0, 3]) for config in (QUICK, replace(QUICK, walk=None)))
    assert len(joined) == len(alone) == 8 and joined.codes.shape == alone.codes.shape
    assert np.allclose(person.head.rig(torch.from_numpy(joined.weights)).detach(), joined.codes, atol=1e-6)
    with pytest.raises(InputError, match="earlier version"):
        QUICK.joined(person, [replace(first, evidence=None), second], [0, 3])
