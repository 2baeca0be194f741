import dataclasses
import json
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2Model

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint
from facetalk.errors import CheckpointError
from facetalk.speech import encoder
from facetalk.speech.composition import at_frames, attention_bias, chunked, convolved, sliding, stretch, transformed
from facetalk.speech.configuration import TINY, TINY_ROTARY, EncoderConfig, Receptive, RotaryConfig
from facetalk.speech.encoder import Encoder
from facetalk.speech.network import SmallWav2Vec2
from facetalk.speech.own import Config, OwnBackbone, config_of, packed, unpacked
from facetalk.speech.rotary import RotaryEncoder
from facetalk.training.student import Student
from facetalk.types import FRAME_RATE, SAMPLE_RATE, Waveform


@pytest.fixture(scope="module", params=[TINY, TINY_ROTARY], ids=["wav2vec2", "rotary"])
def config(request: pytest.FixtureRequest) -> Config:
    return request.param


@pytest.fixture(scope="module")
def student(config: Config) -> Student:
    return made(config)


@pytest.fixture(scope="module")
def weights(student: Student) -> Checkpoint:
    return whole(student)


def made(config: Config) -> Student:
    torch.manual_seed(0)
    return Student(config).eval()


def whole(student: Student) -> Checkpoint:
    """As it is, in single precision."""
    tensors = {name: tensor.detach() for name, tensor in student.network.state_dict().items()}
    return dataclasses.replace(student.checkpoint(), tensors=tensors)


def speech(seconds: float, seed: int = 0) -> Waveform:
    random = np.random.default_rng(seed)
    return Waveform(random.normal(0, 0.05, round(seconds * SAMPLE_RATE)).astype(np.float32))


def published() -> Wav2Vec2Model:
    """Of the library, as large as `TINY`."""
    return Wav2Vec2Model(
        Wav2Vec2Config(
            hidden_size=TINY.size, num_hidden_layers=TINY.layers, num_attention_heads=TINY.heads,
            intermediate_size=TINY.inner, feat_extract_norm="layer", conv_dim=TINY.conv_channels,
            conv_kernel=TINY.conv_kernels, conv_stride=TINY.conv_strides, conv_bias=True,
            num_conv_pos_embeddings=TINY.position_kernel, num_conv_pos_embedding_groups=TINY.position_groups,
            do_stable_layer_norm=True, mask_time_prob=0.0, mask_feature_prob=0.0, attn_implementation="sdpa",
        )
    ).eval()  # fmt: skip


def test_one_of_the_networks_is_wav2vec2():
    student = made(TINY)
    weights = whole(student)
    span = stretch(range(20), FRAME_RATE, Receptive.of(TINY.conv_kernels, TINY.conv_strides))
    samples, theirs = torch.randn(2, span.last_sample - span.first_sample) * 0.05, published()
    theirs.load_state_dict(weights.tensors, strict=True)
    bias = attention_bias(sliding(20, TINY.left, TINY.right), TINY.slopes)
    with torch.no_grad():
        wanted = transformed(theirs, at_frames(convolved(theirs, samples * TINY.gain), span), bias)
        torch.testing.assert_close(student(samples, span, bias), wanted, atol=2e-5, rtol=1e-4)
        torch.testing.assert_close(OwnBackbone(weights)(samples * TINY.gain, span), wanted, atol=2e-5, rtol=1e-4)


def test_loading_leaves_random_numbers_alone(weights: Checkpoint):
    before = torch.get_rng_state()
    OwnBackbone(weights)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_bundled_encoder_needs_no_transformers():
    script = "import sys; from facetalk.speech import encoder; encoder.load(); print('transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_windows_change_nothing(weights: Checkpoint):
    sound = speech(7.3)
    whole = Encoder(OwnBackbone(weights), window_frames=1000)(sound).values
    windowed = Encoder(OwnBackbone(weights), window_frames=31)(sound).values
    torch.testing.assert_close(windowed, whole, atol=2e-5, rtol=1e-4)


def test_silence_in_front_moves_features(config: Config, weights: Checkpoint):
    """By eighteen frames, which are whole steps of both networks."""
    sound = speech(3)
    later = Waveform(np.concatenate([np.zeros(SAMPLE_RATE * 3 // 5, np.float32), sound.samples]))
    model = Encoder(OwnBackbone(weights))
    settled = config.halo[0]
    torch.testing.assert_close(model(later).values[18 + settled :], model(sound).values[settled:], atol=2e-5, rtol=1e-4)


def test_features_reach_no_further_than_the_halo(config: Config, weights: Checkpoint):
    sound = speech(4)
    changed = Waveform(sound.samples.copy())
    changed.samples[2 * SAMPLE_RATE : 2 * SAMPLE_RATE + 500] += 0.3
    model = Encoder(OwnBackbone(weights))
    moved = (model(sound).values - model(changed).values).abs().amax(1) > 1e-5
    left, right = config.halo
    assert moved[60]
    assert not moved[: 59 - right].any()
    assert not moved[62 + left :].any()


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(25), Fraction(30000, 1001), Fraction(60)])
def test_one_feature_a_frame(weights: Checkpoint, rate: Fraction):
    features = Encoder(OwnBackbone(weights))(speech(1.37), rate)
    assert len(features) == int(Fraction(137, 100) * rate + Fraction(1, 2))
    assert features.rate == rate
    assert features.encoder_hash == weights.hash


def test_the_shortest_sound_gives_one_frame(weights: Checkpoint):
    assert len(Encoder(OwnBackbone(weights))(speech(0.001))) == 1


def test_a_chunk_sees_to_its_end_and_no_further():
    allowed = chunked(12, left=3, chunk=4)
    assert allowed[4].nonzero().flatten().tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert allowed[7].nonzero().flatten().tolist() == [4, 5, 6, 7]


def test_files_of_other_weights_are_refused(tmp_path, weights: Checkpoint):
    with pytest.raises(CheckpointError, match="no such speech weights"):
        encoder.load(tmp_path / "none.safetensors")
    checkpoint.save(Checkpoint("head", weights.config, weights.tensors), tmp_path / "head.safetensors")
    with pytest.raises(CheckpointError, match="holds head weights"):
        encoder.load(tmp_path / "head.safetensors")
    some = dict(list(weights.tensors.items())[:-1])
    checkpoint.save(Checkpoint("speech", weights.config, some), tmp_path / "part.safetensors")
    with pytest.raises(CheckpointError, match="do not fit"):
        encoder.load(tmp_path / "part.safetensors")


def test_weights_from_a_file_have_the_hash_of_their_content(tmp_path, config: Config, weights: Checkpoint):
    checkpoint.save(weights, tmp_path / "speech.safetensors")
    model = encoder.load(tmp_path / "speech.safetensors")
    assert model.hash == weights.hash
    assert model.size == config.size


def test_a_configuration_survives_its_checkpoint(config: Config, student: Student):
    assert config_of(json.loads(json.dumps(student.checkpoint().config))) == config


def test_packed_weights_say_nearly_the_same(student: Student, weights: Checkpoint):
    sound, packed_weights = speech(2), student.checkpoint()
    exact, small = (Encoder(OwnBackbone(each))(sound).values for each in (weights, packed_weights))
    torch.testing.assert_close(small, exact, atol=0.05, rtol=0.05)
    assert not torch.equal(small, exact)


def test_eight_bit_rows_are_off_by_half_a_step_at_most():
    matrix = torch.randn(5, 30) * torch.logspace(-3, 1, 5)[:, None]
    small = packed({"some": matrix}, TINY_ROTARY)
    assert small["some"].dtype == torch.int8
    allowed = 0.51 * matrix.abs().amax(1, keepdim=True) / 127 + 1e-6
    assert ((unpacked(small)["some"] - matrix).abs() <= allowed).all()


@pytest.mark.parametrize(("config", "network"), [(EncoderConfig(), SmallWav2Vec2), (RotaryConfig(), RotaryEncoder)])
def test_both_sizes_keep_their_bounds(config: Config, network: type):
    small = packed(network(config).state_dict(), config)
    assert sum(tensor.numel() * tensor.element_size() for tensor in small.values()) <= 12e6


def test_hops():
    assert EncoderConfig().hop_samples == 320
    assert RotaryConfig().hop_samples == 384
