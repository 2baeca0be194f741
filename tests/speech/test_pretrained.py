import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertConfig, HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model, WavLMConfig, WavLMModel

from facetalk.errors import CheckpointError
from facetalk.speech import encoder
from facetalk.speech.published import moments
from facetalk.speech.waveform import BLOCK_SAMPLES
from facetalk.types import SAMPLE_RATE, Waveform

PUBLISHED = {"conv_kernel": (10, 3, 3, 3, 3, 2, 2), "conv_stride": (5, 2, 2, 2, 2, 2, 2), "conv_dim": (8,) * 7}


SMALL = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4,
}  # fmt: skip
KINDS = {
    "wav2vec2": (Wav2Vec2Config, Wav2Vec2Model),
    "hubert": (HubertConfig, HubertModel),
    "wavlm": (WavLMConfig, WavLMModel),
}


def published(path: Path, kind: str) -> Path:
    """A model laid out like the published ones, very small: group-norm front end, layer norms behind."""
    torch.manual_seed(0)
    config, model = KINDS[kind]
    model(config(**PUBLISHED, **SMALL)).eval().save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return published(tmp_path_factory.mktemp("wav2vec2"), "wav2vec2")


def speech(seconds: float) -> Waveform:
    random = np.random.default_rng(0)
    return Waveform(random.normal(0.01, 0.05, round(seconds * SAMPLE_RATE)).astype(np.float32))


@pytest.mark.parametrize("kind", KINDS)
def test_composed_at_its_own_rate_it_is_the_published_model(kind: str, tmp_path: Path):
    """At 50 frames a second, sound that comes 39.5 samples later would have its frames on the model's own windows.

    39 and 40 samples lie on either side of that, so the model's own output lies between the two.
    """
    model, sound = encoder.load(published(tmp_path, kind)), speech(2)
    own = KINDS[kind][1].from_pretrained(tmp_path).eval()
    normal = (sound.samples - sound.samples.mean()) / sound.samples.std()
    with torch.inference_mode():
        truth = own(torch.from_numpy(normal)[None]).last_hidden_state[0]
    composed = model(sound, Fraction(50)).values
    assert len(composed) == 100
    inner = slice(10, 90)
    match = torch.nn.functional.cosine_similarity(composed[inner], truth[inner])
    assert match.mean() > 0.9


def test_a_files_level_does_not_matter_where_the_model_normalises(folder: Path):
    model, sound = encoder.load(folder), speech(1)
    louder = Waveform(sound.samples * 5 + 0.1)
    torch.testing.assert_close(model(louder).values, model(sound).values, atol=1e-3, rtol=1e-3)


def test_a_model_that_was_trained_without_normalising_is_given_the_sound_as_it_is(folder: Path, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"do_normalize": False}))
    assert encoder.load(tmp_path).backbone.prepared(speech(1).samples) == (0.0, 1.0)


def test_what_is_no_model_is_told_in_one_line(tmp_path):
    with pytest.raises(CheckpointError, match="no speech encoder could be loaded") as caught:
        encoder.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_what_is_another_kind_of_model_is_named(tmp_path):
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(
        CheckpointError, match="is a bert; speech encoders that can be used are wav2vec2, hubert, wavlm"
    ):
        encoder.load(tmp_path)


def test_a_model_with_missing_weights_is_refused(folder: Path, tmp_path):
    from safetensors.torch import load_file, save_file

    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    dropped = {name: tensor for name, tensor in tensors.items() if "layers.1" not in name}
    save_file(dropped, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match="is no whole wav2vec2 model"):
        encoder.load(tmp_path)


def test_long_sound_has_the_mean_and_variance_of_the_whole():
    samples = np.random.default_rng(1).normal(0.3, 0.05, 2 * BLOCK_SAMPLES + 77).astype(np.float32)
    mean, variance = moments(samples)
    assert mean == pytest.approx(samples.mean(dtype=np.float64), rel=1e-12)
    assert variance == pytest.approx(samples.var(dtype=np.float64), rel=1e-9)
