"""A deformation that sees the identity code: what it is given, and how an older head comes to have it."""

from dataclasses import replace

import pytest
import torch

from facetalk.head import model
from facetalk.head.model import CODE_SPREAD, Head, tiny
from facetalk.training.detailing import GAIN, detailed


@pytest.fixture
def plain() -> Head:
    """A head whose deformation sees the anatomy alone, as heads were made before."""
    torch.manual_seed(3)
    config = tiny()
    narrower = replace(config.deformation, condition=config.deformation.condition - config.detail)
    return Head(replace(config, detail=0, deformation=narrower)).eval().requires_grad_(False)


def offsets(head: Head, z_id: torch.Tensor) -> torch.Tensor:
    """Where a smiling person's points go."""
    state = head.identify(z_id)
    points = 0.3 * torch.randn(200, 3, generator=torch.Generator().manual_seed(1))
    return head.deform(state, points, head.rig(torch.full((1, 52), 0.3))[0]).offsets.detach()


def test_a_head_without_detail_keeps_its_file(plain, tmp_path):
    model.save(plain, tmp_path / "head.safetensors")
    assert "detail" not in plain.to_checkpoint().config
    again = model.load(tmp_path / "head.safetensors")
    assert again.hash == plain.hash and again.config.detail == 0


def test_detail_begins_by_moving_nothing_and_as_the_identity_weights(plain):
    weights = torch.randn(4, model.SOURCE_SIZE)
    z_id = plain.identity(weights)
    before, shape = offsets(plain, z_id[0]), plain.shape_hash
    head = detailed(plain, 4)
    assert torch.allclose(offsets(head, z_id[0]), before, atol=1e-6)
    assert head.deformation_detail is not None
    assert torch.allclose(head.deformation_detail(z_id / CODE_SPREAD), GAIN * weights[:, :4], atol=1e-4)
    assert head.shape_hash == shape  # hair grown on it stays
    assert detailed(head, 4) is head


def test_people_alike_in_anatomy_move_apart_where_their_codes_differ(plain):
    head = detailed(plain, 4)
    z_id = plain.identity(torch.randn(2, model.SOURCE_SIZE))
    anatomy = head.anatomies(z_id[:1])
    points, codes = 0.3 * torch.randn(1, 100, 3), head.rig(torch.full((1, 52), 0.3))

    def moved(one: torch.Tensor) -> torch.Tensor:
        return head.deformation(head.deformation.fold(head.condition(anatomy, one[None], codes)), anatomy, points)

    assert torch.equal(moved(z_id[0]), moved(z_id[1]))
    assert head.deformation_detail is not None
    trained = [*head.deformation.parameters(), *head.deformation_detail.parameters()]
    optimiser = torch.optim.Adam([parameter.requires_grad_(True) for parameter in trained], 1e-2)
    for _ in range(20):
        optimiser.zero_grad()
        (moved(z_id[0]) - moved(z_id[1]) - 0.1).square().mean().backward()
        optimiser.step()
    assert (moved(z_id[0]) - moved(z_id[1]))[..., :3].mean() > 0.01


def test_a_detailed_head_comes_back_from_its_file(plain, tmp_path):
    head = detailed(plain, 4)
    model.save(head, tmp_path / "head.safetensors")
    again = model.load(tmp_path / "head.safetensors")
    assert again.hash == head.hash and again.config == head.config
