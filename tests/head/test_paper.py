from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from facetalk.head.anatomy import ANCHORS, mirrored
from facetalk.head.paper import GLOBAL_DISTANCE, PaperConfig, PaperHead, blend
from facetalk.head.published import published

REFERENCE = load_file(Path(__file__).parent / "data" / "backward_nphm_tiny_reference.safetensors")
"""Random weights, inputs and outputs of the public backward NPHM at a small size (float32, CPU)."""


@pytest.fixture(scope="module")
def head() -> PaperHead:
    return published(REFERENCE)


def test_every_output_of_the_public_implementation_is_reproduced(head):
    state = head.identify(REFERENCE["z_id"])
    moved = head.deform(state, REFERENCE["queries"], REFERENCE["z_exp"])
    sdf = head.posed(state, REFERENCE["z_exp"])(REFERENCE["queries"])
    for ours, theirs in [
        (state.anchors, REFERENCE["anchors"]),
        (moved.offsets, REFERENCE["offsets"]),
        (moved.ambient, REFERENCE["hyper"]),
        (sdf, REFERENCE["sdf"]),
    ]:
        assert torch.allclose(ours, theirs, atol=2e-6, rtol=1e-5)


def test_the_paper_preset_has_the_papers_sizes():
    with torch.device("meta"):
        head = PaperHead(PaperConfig())
    assert head.config.layout.size == 1344
    assert head.deformation[3].weight.shape == (512, 747)
    assert head.members[0][0].weight.shape == (200, 101)


def test_weights_of_the_blend_sum_to_one_and_fall_with_distance():
    weights = blend(torch.tensor([[0.1, 0.2, 0.3, 0.4, 0.75]]))
    assert torch.allclose(weights.sum(1), torch.ones(1), atol=1e-6)
    assert (weights.diff() < 0).all()


def test_folded_and_sparse_is_whole_and_dense(head):
    """Every member at every point, codes concatenated as the paper writes it, all but the nearest given no weight."""
    z_id, z_exp, points = REFERENCE["z_id"], REFERENCE["z_exp"], REFERENCE["queries"]
    state = head.identify(z_id)
    moved = head.deform(state, points, z_exp)
    canonical = points + moved.offsets
    z_global, z_local = head.config.layout.split(z_id[None])
    distances = (canonical[:, None] - state.anchors).norm(dim=-1)
    limit = distances.topk(head.config.neighbours, largest=False).values[:, -1:]
    spread = limit / 4
    weights = torch.where(distances <= limit, (-((distances / spread) ** 2) / 2).exp(), 0.0)
    weights = torch.cat([weights, (-((GLOBAL_DISTANCE / spread) ** 2) / 2).exp()], 1)
    total = torch.zeros(len(points))
    for member in range(ANCHORS + 1):
        local = canonical if member == ANCHORS else canonical - state.anchors[member]
        if member < ANCHORS and mirrored(member):
            local = local * torch.tensor([-1.0, 1.0, 1.0])
        code = torch.cat([z_global[0], z_local[0, member]]).expand(len(points), -1)
        hidden = torch.cat([code, local, moved.ambient], 1)
        for number, layer in enumerate(head._layers_of(member)):
            hidden = layer(hidden if number == 0 else torch.nn.functional.softplus(hidden, 100))
        total += weights[:, member] * hidden[:, 0]
    dense = total / (weights.sum(1) + 1e-8)
    assert torch.allclose(head.posed(state, z_exp)(points), dense, atol=1e-4)
