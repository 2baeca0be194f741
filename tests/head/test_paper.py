from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from facetalk.errors import CheckpointError
from facetalk.head.paper import PaperConfig, PaperHead, blend, read_published

REFERENCE = load_file(Path(__file__).parent / "data" / "backward_nphm_tiny_reference.safetensors")
"""Random weights, inputs and outputs of the public backward NPHM at a small size (float32, CPU)."""


@pytest.fixture(scope="module")
def head() -> PaperHead:
    return read_published(REFERENCE, REFERENCE["anchors_mean"])


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


def test_other_tensors_are_refused():
    with pytest.raises(CheckpointError, match="public layout"):
        read_published({"weights.id_model.mlp_pos.0.weight": torch.zeros(4, 4)}, torch.zeros(39, 3))
