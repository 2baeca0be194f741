"""Speech to clips: seeds, guidance, takes, models that do not match."""

import shutil
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

import facetalk
import made_models
import made_sound
from facetalk.arkit import ARKIT_INDEX
from facetalk.errors import CheckpointError, InputError
from facetalk.head import model as head_model
from facetalk.pipeline.talker import Performing, Talker
from facetalk.types import FRAME_RATE, RigCurves

SPEECH = made_sound.speech(0.7)
QUICK = Performing(steps=2)


@pytest.fixture(scope="module")
def talker(weights) -> Talker:
    return facetalk.load(weights, device="cpu")


def test_a_clip_has_a_frame_for_every_moment_of_speech(talker):
    clip = talker.animate(SPEECH, performing=QUICK)
    assert len(clip) == 21 and clip.duration == SPEECH.duration and clip.codes.rate == FRAME_RATE
    np.testing.assert_allclose(clip.times[:2], [1 / 60, 3 / 60])


def test_a_file_is_as_good_as_a_waveform(talker, tmp_path):
    path = made_sound.write(tmp_path / "a.wav", SPEECH.samples, subtype="FLOAT")
    assert torch.equal(
        talker.animate(path, performing=QUICK).codes.values, talker.animate(SPEECH, performing=QUICK).codes.values
    )


def test_the_seed_decides(talker):
    one, again, other = (talker.animate(SPEECH, seed=seed, performing=QUICK).codes.values for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_guidance_zero_ignores_the_sound(talker):
    deaf = Performing(guidance=0.0, steps=2)
    other = replace(SPEECH, samples=SPEECH.samples[::-1].copy())
    assert torch.equal(
        talker.animate(SPEECH, performing=deaf).codes.values, talker.animate(other, performing=deaf).codes.values
    )


def test_no_expressiveness_is_rest(talker):
    clip = talker.animate(SPEECH, performing=replace(QUICK, expressiveness=0.0))
    torch.testing.assert_close(clip.codes.values, talker.weights.head.rest.expand(len(clip), -1))
    assert clip.arkit().weights.max() < 1e-5


def test_captured_curves_come_back_from_their_codes(talker):
    weights = np.zeros((60, 52), np.float32)
    weights[:, ARKIT_INDEX["jawOpen"]] = np.linspace(0, 1, 60)
    clip = talker.perform(RigCurves(weights, Fraction(60)))
    assert len(clip) == 30
    jaw = clip.arkit().weights[:, ARKIT_INDEX["jawOpen"]]
    np.testing.assert_allclose(
        jaw, np.interp(clip.times, (np.arange(60) + 0.5) / 60, weights[:, ARKIT_INDEX["jawOpen"]]), atol=1e-3
    )


def test_progress_ends_at_the_last_frame(talker):
    told = []
    talker.animate(SPEECH, performing=QUICK, watch=lambda done, total: told.append((done, total)))
    assert told[-1] == (21, 21)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"steps": 1001}, {"guidance": float("nan")}, {"expressiveness": -1.0}])
def test_settings_out_of_range_are_refused(talker, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        talker.animate(SPEECH, performing=Performing(**wrong))


def test_another_head_is_refused(weights, tmp_path):
    folder = shutil.copytree(weights, tmp_path / "other")
    head = made_models.ball_head()
    head.ensemble.whole.last_bias.add_(0.05)
    head_model.save(head, folder / "head.safetensors")
    with pytest.raises(CheckpointError, match="trained for head"):
        facetalk.load(folder, device="cpu").animate(SPEECH, performing=QUICK)


def test_another_encoder_is_refused(weights, tmp_path):
    folder = shutil.copytree(weights, tmp_path / "other")
    made_models.write_encoder(folder / "speech.safetensors", seed=9)
    with pytest.raises(CheckpointError, match="speech encoder"):
        facetalk.load(folder, device="cpu").animate(SPEECH, performing=QUICK)


def test_motion_is_given_the_encoder_it_was_trained_on(tmp_path):
    folder = made_models.write_models(tmp_path / "weights")
    heard = facetalk.load(folder, device="cpu").animate(SPEECH).codes.values
    theirs = tmp_path / "theirs.safetensors"
    (folder / "speech.safetensors").rename(theirs)
    assert torch.equal(facetalk.load(folder, device="cpu", encoder=str(theirs)).animate(SPEECH).codes.values, heard)
    made_models.write_encoder(theirs, seed=9)
    with pytest.raises(CheckpointError, match="speech encoder"):
        facetalk.load(folder, device="cpu", encoder=str(theirs)).animate(SPEECH)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"head\.safetensors"):
        facetalk.load(tmp_path, device="cpu").identity("ada")


def test_identities_differ_and_can_be_asked_again(talker, tmp_path):
    one, other = talker.identity("seed:3"), talker.identity("seed:4")
    assert torch.equal(one.z_id, talker.identity("seed:3").z_id) and not torch.equal(one.z_id, other.z_id)
    np.savez(tmp_path / "me.npz", z_id=one.z_id.numpy())
    assert torch.equal(talker.identity(str(tmp_path / "me.npz")).z_id, one.z_id)


@pytest.mark.parametrize("wanted", ["nobody", "seed:x", "missing.npz"])
def test_unknown_identities_are_refused(talker, wanted):
    with pytest.raises(InputError, match="identity"):
        talker.identity(wanted)
