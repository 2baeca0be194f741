"""The stage on a made head: its quick field is the head's own where it matters, and takes have the length asked for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import facetalk
from facetalk.arkit import ARKIT_INDEX
from facetalk.evaluation import knockouts
from facetalk.evaluation.stage import NEAR, Stage
from facetalk.pipeline.roads import DEFAULT_SURFACE
from facetalk.types import FRAME_RATE, RigCurves


@pytest.fixture(scope="module")
def clip(weights):
    curves = np.zeros((3, 52))
    curves[1:, ARKIT_INDEX["jawOpen"]] = (0.3, 0.6)
    return facetalk.load(weights, device="cpu").perform(RigCurves(curves, FRAME_RATE), identity="seed:1")


@pytest.fixture(scope="module")
def stage(clip) -> Stage:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facetalk.evaluation.stage.TRACKED", 8)
        patch.setattr("facetalk.pipeline.tracking.POSES", 12)
        return Stage(clip.actor(DEFAULT_SURFACE))


def test_near_the_surface_its_field_is_the_heads_own(stage, clip):
    points = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0))
    points = 0.3 * points / points.norm(dim=1, keepdim=True) * torch.linspace(0.85, 1.15, 4000)[:, None]
    with torch.inference_mode():
        own, quick = (field(clip.codes.values[2])(points) for field in (stage.actor.sdf, stage.sdf))
    near = own.abs() < NEAR / 2
    assert near.sum() > 20
    off = (own - quick)[near].abs()
    # A third of the usual grid, and a head that is all wrinkles: a few tenths of a millimetre.
    assert off.quantile(0.9) < 1.5e-3 and off.max() < 4e-3
    assert (own - quick).abs().max() < 0.02


def test_a_take_is_cut_and_held_to_the_frames_asked_for(stage, clip):
    seen = stage.measure(clip, 5)
    assert len(seen.apertures) == len(seen.curves) == len(seen.vertices) == len(seen.bite) == 5
    assert np.array_equal(seen.vertices[2], seen.vertices[4])
    assert np.abs(seen.vertices[0]).max() < 1e-3  # rest
    assert np.isnan(stage.measure(clip, 2, lips=False).apertures).all()


def test_another_head_is_not_followed(stage, clip):
    other = knockouts.shuffled(clip.head, 0)
    stranger = replace(clip, head=other, codes=replace(clip.codes, head_hash=other.hash))
    seen = stage.measure(stranger, 3)
    assert np.isnan(seen.vertices).all() and np.isnan(seen.apertures).all() and seen.curves.shape == (3, 52)
