import pytest
import torch
from made_heads import anchor_directions, landmark_directions

from facetalk.errors import CheckpointError
from facetalk.geometry import MIRROR
from facetalk.head import model
from facetalk.head.anatomy import ANCHORS, PAIRS
from facetalk.head.model import Head, tiny


@pytest.fixture(scope="module")
def head() -> Head:
    """Random weights on a round head."""
    torch.manual_seed(0)
    head = Head(tiny())
    anchors, landmarks = (torch.tensor(0.3 * d).float() for d in (anchor_directions(), landmark_directions()))
    head.anatomy.mean.copy_(torch.cat([anchors.flatten(), landmarks.flatten(), torch.full((2,), 0.05)]))
    head.ensemble.fit_windows(anchors)
    head.ensemble.local.last.data *= 50
    head.ensemble.whole.last.data *= 50
    return head.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def state(head):
    return head.identify(head.identity(torch.randn(1, 100))[0])


def points(count: int) -> torch.Tensor:
    return 0.3 * torch.randn(count, 3, generator=torch.Generator().manual_seed(1))


def test_the_field_is_smooth_where_windows_end(head, state):
    """Along a line the difference quotient has no jump: no seams."""
    line = torch.linspace(-0.5, 0.5, 4001)[:, None] * torch.tensor([[0.6, 0.5, 0.62]]) + 0.01
    slope = head.canonical(state, line.double().float()).diff() * 4000
    assert slope.diff().abs().max() < 0.05 * slope.abs().max()


def test_many_points_give_what_each_gives_alone(head, state):
    several = points(50)
    alone = torch.cat([head.canonical(state, point[None]) for point in several])
    assert torch.allclose(head.canonical(state, several), alone, atol=1e-6)


def test_batched_training_path_equals_the_folded_one(head):
    z_id = head.identity(torch.randn(3, 100))
    queries = points(60).view(3, 20, 3)
    together = head.ensemble(head.anatomies(z_id), head.fold(z_id), queries)
    for row in range(3):
        assert torch.allclose(together[row], head.canonical(head.identify(z_id[row]), queries[row]), atol=1e-6)


def test_pairs_of_anchors_see_mirrored_heads(head):
    """With mirrored anchors and equal codes at both sides of every pair, the ensemble's local part is mirrored."""
    z_id = torch.zeros(head.config.layout.size)
    state = head.identify(z_id)
    near = state.anchors[:2] + 0.01 * torch.randn(2, 3)
    near[1] = near[0] * torch.from_numpy(MIRROR)
    windows = head.ensemble.windows(state.anatomy.anchors, near[None])[0]
    swapped = [anchor ^ 1 if anchor < 2 * PAIRS else anchor for anchor in range(ANCHORS)]
    assert torch.allclose(windows[0], windows[1, swapped], atol=1e-5)


def test_posed_field_is_canonical_field_at_the_carried_point_plus_level(head, state):
    code, queries = head.rig(torch.rand(1, 52))[0], points(40)
    moved = head.deform(state, queries, code)
    expected = head.canonical(state, queries + moved.offsets) + moved.level
    assert torch.allclose(head.posed(state, code)(queries), expected, atol=1e-6)


def test_level_is_zero_away_from_mouth_and_eyes(head, state):
    behind = torch.tensor([[0.0, 0.1, -0.3], [0.2, 0.0, -0.3]])
    moved = head.deform(state, behind, head.rig(torch.rand(1, 52))[0])
    assert torch.equal(moved.level, torch.zeros(2))


def test_regions_are_shares(head, state):
    shares = head.regions(state, points(30))
    assert shares.shape == (30, 8)
    assert torch.allclose(shares.sum(1), torch.ones(30), atol=1e-5)


def test_a_saved_head_is_the_same_head(head, state, tmp_path):
    path = tmp_path / "head.safetensors"
    model.save(head, path)
    loaded = model.load(path)
    assert loaded.hash == head.hash == model.load(path).hash
    again = loaded.canonical(loaded.identify(state.z_id), points(30))
    assert torch.allclose(again, head.canonical(state, points(30)), atol=5e-3)
    assert torch.equal(loaded.rest, head.rest)


def test_another_version_of_the_config_is_refused(head, tmp_path):
    saved = head.to_checkpoint()
    del saved.config["compressed"]
    model.checkpoint.save(saved, tmp_path / "old.safetensors")
    with pytest.raises(CheckpointError, match="compressed"):
        model.load(tmp_path / "old.safetensors")
    with pytest.raises(CheckpointError, match="no such head weights"):
        model.load(tmp_path / "missing.safetensors")


def test_the_compact_head_fits_its_budget():
    saved = Head(model.compact()).to_checkpoint()
    assert sum(tensor.numel() * tensor.element_size() for tensor in saved.tensors.values()) < 5e6


def test_the_global_baseline_is_as_large_and_comes_back_from_its_file(tmp_path):
    ours, theirs = (sum(part.numel() for part in Head(sizes()).parameters()) for sizes in (model.compact, model.npm))
    assert abs(theirs / ours - 1) < 0.1
    head = Head(model.npm()).eval()
    model.save(head, tmp_path / "npm.safetensors")
    again = model.load(tmp_path / "npm.safetensors")
    assert again.config == head.config and again.hash == head.hash
    state, points = again.identify(torch.randn(again.config.layout.size) * 0.03), torch.rand(50, 3) - 0.5
    together = again.posed(state, again.rest)(points)
    assert torch.allclose(together[:7], again.posed(state, again.rest)(points[:7]), atol=1e-6)
    assert not torch.allclose(together, again.posed(again.identify(0 * state.z_id), again.rest)(points), atol=1e-6)
