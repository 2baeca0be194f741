"""Codes to meshes to pictures: order, rates, sway."""

import threading
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

import facetalk
import made_sound
from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.presenter import Presentation, View
from facetalk.pipeline.roads import KeptWarp, Surface
from facetalk.pipeline.side_by_side import ordered
from facetalk.pipeline.sway import Sway
from facetalk.pipeline.talker import Performing
from facetalk.pipeline.timing import codes_at, rate_of
from facetalk.training.septum import HIGH_MM, LOW_MM
from facetalk.types import ExpressionCodes

COARSE = Surface(resolution=16)
SMALL = View(size=32)


@pytest.fixture(scope="module")
def clip(weights) -> Clip:
    return facetalk.load(weights, device="cpu").animate(made_sound.speech(0.2), performing=Performing(steps=1))


def test_every_frame_has_a_mesh(clip):
    meshes = list(clip.meshes(COARSE))
    assert len(meshes) == len(clip) == 6
    for mesh in meshes:
        assert len(mesh.faces) > 100 and mesh.regions.shape == (len(mesh.vertices), 8)


def test_both_roads_make_the_same_surface(clip):
    fast, exact = (next(iter(clip.meshes(replace(COARSE, mesh=road, resolution=24)))) for road in ("fast", "exact"))
    # Either way round, since the roads place their vertices with different density.
    for one, other in ((fast, exact), (exact, fast)):
        apart = cKDTree(one.vertices).query(other.vertices)[0]
        assert np.median(apart) < 0.5 * 1.25 / 24


def test_pictures_follow_the_rate_and_show_a_head(clip):
    frames = list(clip.frames(Presentation(COARSE, replace(SMALL, fps="15"))))
    assert len(frames) == 3
    assert frames[0].pixels.shape == (32, 32, 3) and np.ptp(frames[0].pixels[16].astype(int)) > 20


def test_cores_do_not_change_pictures(clip, monkeypatch):
    shown = Presentation(COARSE, SMALL)
    many = [frame.pixels for frame in clip.frames(shown)]
    monkeypatch.setattr("facetalk.pipeline.presenter.cores", lambda: 1)
    assert all(np.array_equal(a, b.pixels) for a, b in zip(many, clip.frames(shown), strict=True))


def test_apertures_are_measured_for_every_frame(clip):
    apertures = clip.apertures()
    assert apertures.mouth.shape[0] == apertures.eye_left.shape[0] == len(clip)


def test_codes_at_another_rate_need_only_their_neighbours():
    values = torch.randn(50, 4).cumsum(0)
    codes = ExpressionCodes(values, Fraction(30), "x")
    whole = codes_at(codes, Fraction(24), range(40))
    pieces = [codes_at(codes, Fraction(24), range(first, first + 8)) for first in range(0, 40, 8)]
    torch.testing.assert_close(torch.cat(pieces), whole)
    assert torch.equal(codes_at(codes, Fraction(30), range(3, 9)), values[3:9])


@pytest.mark.parametrize("text", ["0", "-1", "x", "1/0", "1000"])
def test_rates_that_cannot_be_played_are_refused(text):
    with pytest.raises(InputError, match="--fps"):
        rate_of(text)


def test_sway_is_gentle_seeded_and_rigid():
    sway = Sway(3, (0.0, -0.4, -0.1))
    degrees = np.array([sway.degrees(t / 30) for t in range(9000)])
    assert 0.4 < degrees[:, 1].std() < 4 and np.abs(degrees).max() < 12
    assert np.abs(np.diff(degrees, axis=0)).max() * 30 < 12, "degrees a second"
    moved = sway.T_world_head(2.0)
    np.testing.assert_allclose(moved[:3, :3] @ moved[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(moved @ [0, -0.4, -0.1, 1], [0, -0.4, -0.1, 1], atol=1e-12)
    assert np.abs(moved - Sway(4, sway.pivot).T_world_head(2.0)).max() > 1e-3


def test_results_keep_their_order_and_jobs_wait_for_takers():
    begun, lock = [], threading.Lock()

    def work(job: int) -> int:
        with lock:
            begun.append(job)
        time.sleep(0.002 * (job % 3))
        return job

    results = ordered(work, range(40), 3)
    assert [next(results) for _ in range(5)] == list(range(5))
    assert len(begun) <= 5 + 2 * 3
    assert list(results) == list(range(5, 40))


def test_an_error_in_a_worker_is_the_callers():
    def work(job: int) -> float:
        return 1 / (3 - job)

    with pytest.raises(ZeroDivisionError):
        list(ordered(work, range(10), 2))


@pytest.mark.parametrize("wrong", [{"size": 0}, {"size": 33}, {"camera": "moon"}, {"background": "##"}])
def test_views_that_cannot_be_drawn_are_refused(wrong):
    with pytest.raises(InputError):
        replace(SMALL, **wrong).check()


@pytest.mark.parametrize("lower_mm", [0.0, 16.0])
def test_the_wall_between_nostrils_is_asked_finely_to_its_end(clip, lower_mm, monkeypatch):
    actor = clip.actor(COARSE)
    landmark = type(actor).landmark
    lowered = {"mouth_centre": torch.tensor([0.0, -lower_mm / UNIT_MM, 0.0])}  # a long upper lip
    monkeypatch.setattr(type(actor), "landmark", lambda self, name: landmark(self, name) + lowered.get(name, 0.0))
    grid = actor.grid(Surface.resolution)
    away = np.array([(0.0, y, z) for y in (LOW_MM[1], 0.0) for z in np.linspace(LOW_MM[2], HIGH_MM[2], 9)])
    points = actor.landmark("nose_tip").numpy() + away / UNIT_MM
    cells = tuple(np.searchsorted(axis, points[:, k], "right") - 1 for k, axis in enumerate(grid.axes))
    assert (grid.layout.owner[cells] > 0).all()


def test_what_is_remembered_of_rest_is_rest(clip):
    actor = clip.actor(COARSE)
    grid = actor.grid(COARSE.resolution)
    finest = torch.from_numpy(grid.nodes(1))
    kept = KeptWarp(actor.at_rest, grid)
    for nodes in (finest[torch.randperm(len(finest))[:50]], torch.from_numpy(grid.nodes(0)[::37]), finest[::29]):
        with torch.inference_mode():
            asked, known, again = actor.at_rest(nodes), kept(nodes), kept(nodes)
        torch.testing.assert_close(known.offsets, asked.offsets)
        torch.testing.assert_close(known.level, asked.level)
        assert torch.equal(known.offsets, again.offsets)
