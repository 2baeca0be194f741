"""Hair as a member of the identity: laws of its field, its names and its file."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facetalk.errors import CheckpointError, InputError
from facetalk.geometry import UNIT_MM
from facetalk.head import hair
from facetalk.head.anatomy import Anatomy, unflatten
from facetalk.head.hair import BALD, Hair, smooth_union
from facetalk.head.model import Head, tiny
from facetalk.head.warping import STIFFNESS, Warp, fixed_points
from made_hair import THICKNESS_MM, made_hair


def anatomy(seed: int) -> Anatomy:
    draw = torch.Generator().manual_seed(seed)
    return unflatten(0.3 * torch.randn(1, 167, generator=draw))


@pytest.fixture(scope="module")
def head() -> Head:
    torch.manual_seed(0)
    head = Head(tiny()).eval().requires_grad_(False)
    head.anatomy.mean.copy_(anatomy(0).flat()[0])
    return head


def test_a_shell_of_one_thickness_is_the_skin_moved_out() -> None:
    field = made_hair("x").scalp
    skin = torch.linspace(-0.05, 0.1, 50)[None]
    found = field(field.fold(field.codes[0, :1]), torch.rand(1, 50, 3), skin)
    assert torch.allclose(found.distance, skin - THICKNESS_MM / UNIT_MM, atol=1e-5)
    assert torch.allclose(found.way, torch.tensor([0.0, -1.0, 0.0]).expand(1, 50, 3))


def test_a_union_is_never_farther_than_its_parts_and_is_one_of_them_where_they_are_apart() -> None:
    first, second = torch.randn(2, 1000) * 0.1
    union = smooth_union(first, second)
    assert (union <= torch.minimum(first, second) + 1e-6).all()
    apart = (first - second).abs() > hair.JOIN
    assert torch.allclose(union[apart], torch.minimum(first, second)[apart], atol=1e-6)
    assert torch.allclose(union, smooth_union(second, first), atol=1e-6)


def test_a_warp_carries_the_fixed_points_of_a_person_to_those_of_the_mean() -> None:
    warp = Warp()
    warp.mean.copy_(fixed_points(anatomy(1))[0])
    person = anatomy(2)
    miss = (warp.to_mean(person)(fixed_points(person)[0]) - warp.mean).norm(dim=1)
    assert miss.max() < 100 * STIFFNESS


def test_a_warp_of_a_moved_and_stretched_head_undoes_just_that() -> None:
    warp, mean = Warp(), anatomy(3)
    warp.mean.copy_(fixed_points(mean)[0])
    stretch, move = torch.tensor([1.1, 0.9, 1.05]), torch.tensor([0.1, -0.05, 0.02])
    person = Anatomy(mean.anchors * stretch + move, mean.landmarks * stretch + move, mean.eye_radius)
    points = torch.randn(40, 3)
    assert torch.allclose(warp.to_mean(person)(points * stretch + move), points, atol=1e-3)


def test_hair_is_no_part_of_the_hash_of_a_head(head: Head) -> None:
    bald = head.hash
    head.hair = made_hair(bald)
    try:
        assert head.hash == bald
        assert not any(name.startswith("hair.") for name in head.to_checkpoint().tensors)
    finally:
        head.hair = None


def test_hair_stays_when_only_expressions_are_trained_on(head: Head) -> None:
    other = copy.deepcopy(head)
    next(other.deformation.parameters()).data.add_(0.1)
    assert other.hash != head.hash and other.shape_hash == head.shape_hash
    next(other.ensemble.parameters()).data.add_(0.1)
    assert other.shape_hash != head.shape_hash


def test_a_bald_person_has_no_hair_and_a_code_gives_some(head: Head) -> None:
    state = head.identify(torch.zeros(head.config.layout.size))
    head.hair = made_hair(head.shape_hash)
    try:
        assert head.grown(state, BALD) == {}
        points = torch.randn(400, 3) * 0.3
        found = head.grown(state, head.hair.named("long"))["scalp"](points).distance
        skin = head.canonical(state, points)
        above = skin > -hair.DEEP
        assert 20 < above.sum() < 380
        shell = skin.clamp(max=hair.FARTHEST) - THICKNESS_MM / UNIT_MM
        assert torch.allclose(found[above], shell[above], atol=1e-5)
        # Deep in the head nothing of hair is seen, and the network is not asked.
        assert torch.allclose(found[~above], skin[~above] + hair.BARE) and (found[~above] < 0).all()
    finally:
        head.hair = None


def test_styles_are_found_by_name() -> None:
    model = made_hair("x")
    assert not model.named("none")
    both = model.named("crop+beard")
    assert both.scalp is not None and both.beard is not None
    assert torch.equal(both.scalp, model.scalp.codes[1, 0])
    assert model.named("beard").scalp is None


@pytest.mark.parametrize("wanted", ["mohawk", "long+crop", "beard+beard", ""])
def test_an_unknown_style_is_refused_with_those_that_there_are(wanted: str) -> None:
    with pytest.raises(InputError, match=r"long, crop.*beard"):
        made_hair("x").named(wanted)


def test_hair_comes_back_from_its_file_and_is_refused_by_another_head(tmp_path: Path) -> None:
    model = made_hair("mine")
    hair.save(model, tmp_path / "hair.safetensors")
    again = hair.load(tmp_path / "hair.safetensors", "mine")
    assert again.hash == model.hash
    assert again.config == replace(model.config)
    with pytest.raises(CheckpointError, match="mine"):
        hair.load(tmp_path / "hair.safetensors", "another")


def test_a_hair_is_something_and_baldness_is_nothing() -> None:
    assert not Hair()
    assert Hair(beard=torch.zeros(4))
