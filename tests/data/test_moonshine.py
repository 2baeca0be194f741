from dataclasses import replace
from fractions import Fraction

import pytest
import safetensors.torch
import torch
from transformers import MoonshineConfig
from transformers.models.moonshine.modeling_moonshine import MoonshineEncoder

from facetalk.data import moonshine
from facetalk.errors import InputError
from facetalk.speech.composition import Stretch
from facetalk.speech.configuration import TINY_ROTARY
from facetalk.speech.own import network_of

HEADS, FEATURES = 2, 20
SAMPLES = 384 * FEATURES + 895


@pytest.fixture(scope="module")
def published() -> MoonshineEncoder:
    """Of the library, as large as `TINY_ROTARY`, with norms that are not ones."""
    torch.manual_seed(0)
    rope = {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.75}  # six of eight
    made = MoonshineEncoder(
        MoonshineConfig(
            hidden_size=TINY_ROTARY.size, intermediate_size=TINY_ROTARY.inner, rope_parameters=rope,
            encoder_num_hidden_layers=TINY_ROTARY.layers, encoder_num_attention_heads=HEADS,
            encoder_num_key_value_heads=HEADS, pad_head_dim_to_multiple_of=None, attn_implementation="sdpa",
        )
    ).eval()  # fmt: skip
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return made.requires_grad_(False)


def test_the_rotary_network_is_moonshine_with_fixed_moments(published: MoonshineEncoder):
    """At the rate of the convolutions, everybody attending to everybody."""
    tensors = dict(published.state_dict())
    config = moonshine.config_of(tensors, HEADS)
    assert config == replace(TINY_ROTARY, turned=6, left=config.left, right=config.right)
    samples = 0.3 * torch.randn(1, SAMPLES)
    moments = moonshine.first_moments(tensors, iter([samples[0].numpy()]))
    ours = network_of(config)
    ours.load_state_dict(moonshine.renamed(tensors, *moments), strict=True)
    last = (*range(FEATURES), FEATURES - 1), (*[Fraction(0)] * FEATURES, Fraction(1))
    with torch.no_grad():
        found = ours(samples, Stretch(0, SAMPLES, *last), torch.zeros(1, 1, FEATURES + 1, FEATURES + 1))
    torch.testing.assert_close(found, published(samples).last_hidden_state, atol=2e-5, rtol=1e-4)


def test_moments_are_those_of_the_median_clip(published: MoonshineEncoder):
    tensors, loud = dict(published.state_dict()), torch.randn(SAMPLES).numpy()
    low, middle, high = (moonshine.first_moments(tensors, iter([scale * loud]))[1] for scale in (0.01, 0.1, 0.5))
    assert low < middle < high
    assert moonshine.first_moments(tensors, iter([0.5 * loud, 0.01 * loud, 0.1 * loud]))[1] == middle


def test_published_names_are_found_behind_any_prefix(tmp_path, published: MoonshineEncoder):
    tensors = {f"model.encoder.{name}": tensor for name, tensor in published.state_dict().items()}
    others = {"model.decoder.norm.weight": torch.ones(3)}
    safetensors.torch.save_file(tensors | others, tmp_path / "model.safetensors")
    found = moonshine.read(tmp_path / "model.safetensors")
    assert found.keys() == dict(published.state_dict()).keys()


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        moonshine.read(tmp_path / "none.ort")
    (tmp_path / "some.ort").write_bytes(b"no model at all, only text" * 10)
    with pytest.raises(InputError, match="not the encoder of a Moonshine model"):
        moonshine.read(tmp_path / "some.ort")
    safetensors.torch.save_file({"layers.0.some": torch.ones(2)}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="no weights of a Moonshine encoder"):
        moonshine.config_of(moonshine.read(tmp_path / "model.safetensors"))
