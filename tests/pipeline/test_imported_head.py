"""An imported head in the places of the bundled one: what works, and what is refused with the way out."""

from pathlib import Path

import numpy as np
import pytest
import torch

import facetalk
from facetalk.errors import CheckpointError, InputError
from facetalk.head import kinds, published
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.identity import find
from facetalk.pipeline.roads import ROADS, Surface
from facetalk.types import FRAME_RATE, ExpressionCodes, RigCurves

FILE = Path(__file__).parents[1] / "head" / "data" / "backward_nphm_tiny_reference.safetensors"


@pytest.fixture(scope="module")
def head():
    return published.read(FILE)


@pytest.fixture(scope="module")
def folder(head, tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads")
    published.save(head, folder / "head.safetensors")
    return folder


def unwritten(*_, **__):
    """A writer that is never asked."""


def clip_of(head, person="identity:0"):
    codes = ExpressionCodes(head.expressions, FRAME_RATE, head.hash)
    return Clip(codes, head, find(head, person), unwritten)


def test_either_kind_of_head_comes_through_one_door(folder, weights):
    assert type(kinds.load(folder / "head.safetensors")).__name__ == "PaperHead"
    assert type(kinds.load(weights / "head.safetensors")).__name__ == "Head"
    with pytest.raises(CheckpointError, match="head weights are needed"):
        kinds.load(weights / "motion.safetensors")


def test_the_exact_road_draws_its_zero_set(head):
    actor = Actor(head, head.identities[0])
    [mesh] = ROADS["exact"](actor, 16)(head.expressions[:1])
    assert len(mesh.faces) > 100
    distance = actor.sdf(head.expressions[0])(torch.from_numpy(mesh.vertices))
    assert float(distance.abs().quantile(0.9)) < 1e-3
    assert np.array_equal(mesh.regions[:, 0], np.ones(len(mesh.vertices), np.float32))


@pytest.mark.parametrize("road", ["fast", "tracked"])
def test_roads_that_need_a_fixed_canonical_surface_are_refused(head, road):
    with pytest.raises(InputError, match="--mesh exact"):
        next(clip_of(head).meshes(Surface(road, 16)))


def test_what_needs_a_rig_or_landmarks_is_refused(head, folder, weights):
    with pytest.raises(InputError, match="no ARKit rig"):
        clip_of(head).arkit()
    with pytest.raises(InputError, match="no landmark"):
        clip_of(head).apertures()
    talker = facetalk.load(weights, device="cpu", head=folder)
    with pytest.raises(InputError, match="no ARKit rig"):
        talker.perform(RigCurves(np.zeros((3, 52), np.float32), FRAME_RATE), identity="zero")
    with pytest.raises(CheckpointError, match=r"motion was trained for head .* retrain motion"):
        talker.weights.motion  # noqa: B018


def test_people_of_an_imported_head(head):
    assert torch.equal(find(head, "identity:0").z_id, head.identities[0])
    assert not find(head, "zero").z_id.any()
    for wanted in ("ada", "seed:3", "identity:1", "identity:x"):  # a single code has no spread to draw from
        with pytest.raises(InputError, match=r"zero, FILE\.npz, identity:0 to identity:0$"):
            find(head, wanted)


def test_several_codes_have_a_spread_to_draw_from():
    head = published.read(FILE)
    head.identities = torch.randn(5, head.config.layout.size)
    one, same, other = (find(head, name).z_id for name in ("seed:3", "seed:3", "seed:4"))
    assert torch.equal(one, same) and not torch.allclose(one, other)
    assert torch.linalg.matrix_rank(torch.cat([head.identities, one[None]])) == 5
