import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from transformers import MoonshineConfig
from transformers.models.moonshine.modeling_moonshine import MoonshineEncoder

from facetalk.data.ridge import stacked
from facetalk.errors import InputError
from facetalk.speech import encoder
from facetalk.speech.composition import attention_bias, chunked, sliding, stretch
from facetalk.speech.configuration import TINY, TINY_ROTARY
from facetalk.speech.own import OwnBackbone
from facetalk.training import loop, speech, speech_origin, speech_readout, speech_set
from facetalk.training.augmentation import Augmentation, disturbed, faster
from facetalk.training.speech import (
    TRAINING_GROUPS,
    SpeechTask,
    SpeechTraining,
    component_weights,
    mouth_curves,
    pace,
    receptive,
)
from facetalk.training.speech_crops import crop
from facetalk.training.speech_set import IGNORED, TEACHER_STEP, Example, Readout, ShardWriter
from facetalk.types import FRAME_RATE, SAMPLE_RATE

TRAINING = SpeechTraining(encoder=TINY, steps=6, batch=2, crop_frames=15, warm_steps=2)
SYMBOLS = ["_", "a", "m"]


def example(name: str, group: str = "timed-train", frames: int = 40) -> Example:
    random = np.random.default_rng(len(name))
    sound = speech_set.compress(random.normal(0, 0.1, frames * SAMPLE_RATE // 30).astype(np.float32))
    teacher = speech_set.quantised(random.normal(size=(frames, 4)))
    origin = speech_set.quantised(random.normal(size=(frames, TINY_ROTARY.size)))
    return Example(name, group, sound, teacher, random.integers(IGNORED, 3, frames).astype(np.int8), origin)


def packed(folder: Path) -> Path:
    writer = ShardWriter(folder, {"symbols": SYMBOLS, "shares": [0.5, 0.3, 0.1, 0.1]})
    for number in range(3):
        writer.add(example(f"clip{number}"))
    writer.add(example("held", "timed-test"))
    writer.close()
    return folder


def task(folder: Path, training: SpeechTraining = TRAINING) -> SpeechTask:
    torch.manual_seed(0)
    return SpeechTask(training, speech_set.read(folder), torch.device("cpu"))


def test_mu_law_keeps_speech_within_a_few_percent():
    samples = np.linspace(-1, 1, 4001).astype(np.float32)
    back = speech_set.expand(speech_set.compress(samples))
    assert (np.abs(back - samples) <= 0.025 * np.abs(samples) + 1e-3).all()


def test_a_packed_set_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(speech_set, "SHARD_BYTES", 30_000)
    data = speech_set.read(packed(tmp_path))
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    assert data.symbols == tuple(SYMBOLS)
    for found, made in zip(data.examples, [example(f"clip{number}") for number in range(3)], strict=False):
        np.testing.assert_array_equal(found.sound, made.sound)
        np.testing.assert_array_equal(found.phones, made.phones)


def test_held_out_clips_are_never_drawn(tmp_path):
    assert {drawn.id for drawn in task(packed(tmp_path)).examples} == {"clip0", "clip1", "clip2"}


def test_a_resumed_run_equals_an_unbroken_one(tmp_path):
    data = packed(tmp_path / "data")
    whole, first, second = task(data), task(data), task(data)
    loop.run(whole, loop.Plan(4), tmp_path / "whole", {})
    loop.run(first, loop.Plan(2), tmp_path / "broken", {})
    loop.run(second, loop.Plan(4), tmp_path / "broken", {})
    for name, tensor in whole.state().items():
        assert torch.equal(tensor, second.state()[name]), name


def test_steps_learn_one_clip(tmp_path):
    writer = ShardWriter(tmp_path, {"symbols": SYMBOLS, "shares": [0.5, 0.3, 0.1, 0.1]})
    writer.add(example("only", frames=15))
    writer.close()
    still = Augmentation(speed_share=0.0, reverberation_share=0.0, band_share=0.0, noise_share=0.0, gain_db=(0.0, 0.0))
    training = dataclasses.replace(TRAINING, augmentation=still, steps=60, rate=1e-2, stream_share=0.0)
    learner = task(tmp_path, training)
    figures = [learner.step(index, torch.Generator().manual_seed(index)) for index in range(60)]
    assert float(figures[-1]["naming"]) < 0.6 * float(figures[0]["naming"])
    assert float(figures[-1]["distance"]) < 0.8 * float(figures[0]["distance"])


def test_a_run_writes_an_encoder_that_loads_and_another_can_begin_with(tmp_path):
    data, out = packed(tmp_path / "data"), tmp_path / "out"
    speech.main(speech.Run(data, out, TRAINING))
    assert encoder.load(out / "speech.safetensors").size == TINY.size
    speech.main(speech.Run(data, tmp_path / "next", TRAINING, start=out / loop.STATE_FILE, stop=1))
    lines = (tmp_path / "next" / loop.LOG_FILE).read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1]


def test_a_readout_reads_what_it_was_fitted_on_and_joins_the_loss(tmp_path):
    data = packed(tmp_path)
    with pytest.raises(InputError, match="speech_readout"):
        speech_set.read_readout(data)
    found = speech_set.read(data).examples
    reach, curves = speech_set.READOUT_REACH, np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    pairs = [
        (stacked(each.teacher * np.float32(TEACHER_STEP), reach), np.roll(each.teacher, 2, 0) @ curves)
        for each in found
    ]
    weights, offset = speech_readout.reader([(inputs[4:-4], said[4:-4]) for inputs, said in pairs], 1e-3)
    readout = Readout(weights.astype(np.float32), offset.astype(np.float32))
    said = np.concatenate([readout(each.teacher * np.float32(TEACHER_STEP))[4:-4] for each in found])
    truth = np.concatenate([curves[4:-4] for _, curves in pairs])
    np.testing.assert_allclose(said, (truth - truth.mean(0)) / truth.std(0), atol=1e-2)
    training = dataclasses.replace(TRAINING, mouth_weight=1.0)
    learner = SpeechTask(training, speech_set.read(data), torch.device("cpu"), readout)
    assert float(learner.step(0, torch.Generator().manual_seed(0))["reading"]) > 0


ROTARY = dataclasses.replace(TRAINING, encoder=TINY_ROTARY, origin_weight=1.0, teacher_weight=0.0, phone_weight=0.0,
                             spectrum_weight=0.0, stream_share=0.0)  # fmt: skip


def test_features_are_held_where_the_origin_says(tmp_path):
    moments = {"mean": [0.5] * TINY_ROTARY.size, "spread": [2.0] * TINY_ROTARY.size}
    writer = ShardWriter(tmp_path, {"symbols": SYMBOLS, "shares": [1.0], "origin": moments})
    made = example("only", frames=15)
    writer.add(dataclasses.replace(made, teacher=made.teacher[:, :1]))
    writer.close()
    still = Augmentation(speed_share=0.0, reverberation_share=0.0, band_share=0.0, noise_share=0.0, gain_db=(0.0, 0.0))
    learner = task(tmp_path, dataclasses.replace(ROTARY, augmentation=still, steps=60, rate=1e-2))
    batch = learner.draw(np.random.default_rng(0))
    assert float(learner._kept(2 * batch.origin + 0.5, batch)) == pytest.approx(0, abs=1e-9)
    assert float(learner._kept(2 * batch.origin + 2.5, batch)) == pytest.approx(1)
    figures = [learner.step(index, torch.Generator().manual_seed(index)) for index in range(60)]
    assert float(figures[-1]["keeping"]) < 0.8 * float(figures[0]["keeping"])


def test_a_batch_without_phones_teaches_the_rest(tmp_path):
    learner = task(packed(tmp_path))
    learner.examples = tuple(
        dataclasses.replace(each, phones=np.full_like(each.phones, IGNORED)) for each in learner.examples
    )
    figures = learner.step(0, torch.Generator().manual_seed(0))
    assert float(figures["naming"]) == float(figures["accuracy"]) == 0
    assert all(np.isfinite(float(figure)) for figure in figures.values())


def test_an_origin_must_be_packed(tmp_path):
    with pytest.raises(InputError, match="pack it with --origin"):
        task(packed(tmp_path), ROTARY)


def test_heads_may_learn_faster_than_the_encoder(tmp_path):
    learner = task(packed(tmp_path), dataclasses.replace(TRAINING, heads_rate=8.0))
    learner.step(1, torch.Generator().manual_seed(0))
    rates = {group["lr"] for group in learner.optimiser.param_groups}
    assert max(rates) == pytest.approx(8 * min(rates))


def test_training_begins_with_a_published_network(tmp_path):
    data, rope = packed(tmp_path / "data"), {"rope_type": "default", "rope_theta": 1e4, "partial_rotary_factor": 0.9}
    published = MoonshineEncoder(
        MoonshineConfig(
            hidden_size=80, intermediate_size=32, encoder_num_hidden_layers=1, encoder_num_attention_heads=8,
            encoder_num_key_value_heads=8, rope_parameters=rope,
        )
    )  # fmt: skip
    safetensors.torch.save_file(dict(published.state_dict()), tmp_path / "model.safetensors")
    origin = tmp_path / "origin.safetensors"
    speech_origin.main(speech_origin.Origin(tmp_path / "model.safetensors", data, origin))
    config = dataclasses.replace(TINY_ROTARY, size=80, heads=8, layers=1, turned=8)
    training = dataclasses.replace(TRAINING, encoder=config, rate=0.0)
    speech.main(speech.Run(data, tmp_path / "out", training, start=origin, stop=1))
    made = encoder.load(tmp_path / "out" / "speech.safetensors").backbone
    assert isinstance(made, OwnBackbone)
    theirs = published.state_dict()["conv3.weight"]
    torch.testing.assert_close(made.model.state_dict()["stem.convs.2.weight"], theirs, atol=1e-3, rtol=1e-3)


def test_disturbed_speech_keeps_its_time():
    click = np.zeros(8000, np.float32)
    click[3000] = 0.5
    strong = Augmentation(reverberation_share=1.0, band_share=1.0, noise_share=0.0, gain_db=(0.0, 0.0))
    for seed in range(8):
        heard = disturbed(click, strong, np.random.default_rng(seed))
        assert abs(int(np.abs(heard).argmax()) - 3000) <= 3
        assert np.abs(heard).max() <= 1


def test_speed_is_pitch():
    times = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    fast = faster(np.sin(2 * np.pi * 200 * times).astype(np.float32), 1.1, SAMPLE_RATE)
    assert abs(int(np.abs(np.fft.rfft(fast)).argmax()) - 220) <= 1


@pytest.mark.parametrize("disturbance", ["noise", "voices"])
def test_what_disturbs_lies_below_speech_by_what_was_drawn(disturbance):
    speech_like, babble = np.random.default_rng(0).normal(0, 0.1, (2, 16000)).astype(np.float32)
    quiet = dict(reverberation_share=0.0, band_share=0.0, noise_share=0.0, gain_db=(0.0, 0.0))
    levels = {"noise_share": 1.0, "snr_db": (10.0, 10.0)} if disturbance == "noise" else {"babble_db": (10.0, 10.0)}
    fixed, others = Augmentation(**{**quiet, **levels}), babble if disturbance == "voices" else None
    heard = disturbed(speech_like, fixed, np.random.default_rng(1), others)
    assert 10 * np.log10(np.mean(speech_like**2) / np.mean((heard - speech_like) ** 2)) == pytest.approx(10, abs=0.05)


def test_other_clips_talk_in_the_background(tmp_path):
    data = speech_set.read(packed(tmp_path)).group(*TRAINING_GROUPS)
    quiet = dict(speed_share=0.0, reverberation_share=0.0, band_share=0.0, noise_share=0.0, gain_db=(0.0, 0.0))
    span = stretch(range(30), FRAME_RATE, receptive(ROTARY.encoder))

    def heard(share: float, others: tuple) -> np.ndarray:
        drawn = Augmentation(babble_share=share, babble_db=(10.0, 10.0), **quiet)
        return crop(data[0], mouth_curves(data[0], None), span, drawn, np.random.default_rng(0), others)[0]

    alone = heard(0.0, data)
    assert np.array_equal(alone, heard(1.0, ()))
    difference = heard(1.0, data) - alone
    assert 10 * np.log10(np.mean(alone**2) / np.mean(difference**2)) == pytest.approx(10, abs=0.3)


def test_component_weights_share_one():
    plain, white = (component_weights([0.6, 0.3, 0.1], power) for power in (0.0, 0.5))
    torch.testing.assert_close(plain, torch.tensor([0.6, 0.3, 0.1]))
    torch.testing.assert_close(white, torch.full((3,), 1 / 3))


def test_the_rate_rises_and_falls_to_nothing():
    assert pace(0, 10, 100) < pace(5, 10, 100) < pace(10, 10, 100) == 1
    assert pace(99, 10, 100) < 0.01


def test_a_slope_prefers_what_is_near():
    bias = attention_bias(sliding(5, 2, 1), (1.0, 0.0))
    assert bias.shape == (1, 2, 5, 5)
    assert bias[0, 0, 2].tolist() == [-2, -1, 0, -1, float("-inf")]
    assert bias[0, 1, 2].tolist() == [0, 0, 0, 0, float("-inf")]
    assert chunked(4, 0, 1).equal(torch.eye(4, dtype=torch.bool))
