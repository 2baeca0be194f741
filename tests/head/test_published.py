"""Published checkpoints: read whole in every dress, refused by the name of what does not fit, kept as our own."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from facetalk.errors import CheckpointError
from facetalk.head import published
from facetalk.head.paper import PaperHead

FILE = Path(__file__).parent / "data" / "backward_nphm_tiny_reference.safetensors"
REFERENCE = load_file(FILE)
NETWORK = {name.removeprefix("weights."): value for name, value in REFERENCE.items() if name.startswith("weights.")}
LIN = "ex_model.defDeepSDF.lin2.weight"


def value(head: PaperHead) -> torch.Tensor:
    return head.posed(head.identify(REFERENCE["z_id"]), REFERENCE["z_exp"])(REFERENCE["queries"])


def test_a_safetensors_file_is_read_with_its_codes():
    head = published.read(FILE)
    assert torch.allclose(value(head), REFERENCE["sdf"], atol=1e-5)
    assert torch.equal(head.identities, REFERENCE["z_id"][None])
    assert torch.equal(head.expressions, REFERENCE["z_exp"][None])


def test_a_file_that_torch_saved_is_read_wherever_the_network_lies(tmp_path):
    codes = torch.randn(3, len(REFERENCE["z_id"]))
    saved = {
        "epoch": 7,
        "decoder_state_dict": {f"module.{name}": tensor for name, tensor in NETWORK.items()},
        "latent_codes_state_dict": {"weight": codes},
        "latent_codes_val_state_dict": {"weight": -codes},
    }
    torch.save(saved, tmp_path / "epoch.tar")
    head = published.read(tmp_path / "epoch.tar", REFERENCE["anchors_mean"])
    assert torch.allclose(value(head), REFERENCE["sdf"], atol=1e-5)
    assert torch.equal(head.identities, codes) and len(head.expressions) == 0


def test_what_is_imported_is_kept_exactly(tmp_path):
    head = published.read(FILE)
    published.save(head, tmp_path / "head.safetensors")
    again = published.load(tmp_path / "head.safetensors")
    assert again.hash == head.hash
    assert torch.allclose(value(again), value(head), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({LIN: None}, f"{LIN} is missing"),
        ({LIN: torch.zeros(48, 47)}, rf"{LIN} has shape \(48, 47\), \(48, 48\) was expected"),
        ({"ex_model.defDeepSDF.lin9x.weight": torch.zeros(2, 2)}, "lin9x"),
        ({"id_model.mystery.weight": torch.zeros(2, 2)}, "id_model.mystery.weight has no place"),
        ({"id_model.mlp_pos.0.weight": None}, "id_model.mlp_pos.0.weight is missing"),
        ({"ex_model.compressor.0.weight": torch.zeros(8, 450)}, "takes 450 numbers"),
        ({"ex_model.defDeepSDF.lin6.weight": torch.zeros(4, 48)}, "gives 4 numbers"),
    ],
)
def test_what_does_not_fit_is_named(change, message):
    tensors = {name: tensor for name, tensor in {**NETWORK, **change}.items() if tensor is not None}
    with pytest.raises(CheckpointError, match=message):
        published.published(tensors, REFERENCE["anchors_mean"])


def test_missing_anchors_are_asked_for():
    with pytest.raises(CheckpointError, match="--anchors"):
        published.published(NETWORK)


class Code:
    """What pickles may hold and weights do not."""


def test_other_files_are_refused_in_one_line(tmp_path):
    (tmp_path / "text.pt").write_text("no weights")
    save_file({"a": torch.zeros(2)}, tmp_path / "other.safetensors")
    torch.save(torch.zeros(2), tmp_path / "bare.pt")
    torch.save({"model": Code()}, tmp_path / "code.pt")
    (tmp_path / "cut.safetensors").write_bytes(FILE.read_bytes()[:5000])
    for name in ("text.pt", "other.safetensors", "bare.pt", "code.pt", "cut.safetensors", "nowhere.pt"):
        with pytest.raises(CheckpointError, match=name) as caught:
            published.read(tmp_path / name)
        assert "\n" not in str(caught.value)
