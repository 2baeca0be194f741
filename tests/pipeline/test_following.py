"""Landmarks to clips, alone and together with speech."""

import shutil
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

import facetalk
import made_faces
import made_sound
from facetalk.arkit import ARKIT_INDEX
from facetalk.errors import CheckpointError
from facetalk.head import model as head_model
from facetalk.head.model import Head
from facetalk.head.rig import RigConfig
from facetalk.landmarks.points import GROUPS, Landmarks
from facetalk.motion import Rig
from facetalk.pipeline.filling import REACH, carried, filled
from facetalk.pipeline.follower import Follower
from facetalk.pipeline.talker import Performing, Talker
from facetalk.training.motion_job import Stamp, stamp

SPEECH = made_sound.speech(1.0)
PLACES = made_faces.places(made_faces.performance(30))
QUICK = Performing(steps=2)


@pytest.fixture(scope="module")
def folder(weights, tmp_path_factory):
    return made_faces.write_follower(shutil.copytree(weights, tmp_path_factory.mktemp("follow") / "weights"))


@pytest.fixture(scope="module")
def talker(folder) -> Talker:
    return facetalk.load(folder, device="cpu")


def test_a_clip_follows_landmarks_for_as_long_as_they_last(talker):
    clip = talker.follow(Landmarks(PLACES, Fraction(15)), performing=QUICK)
    assert len(clip) == 60 and clip.speech is None
    again = talker.follow(Landmarks(PLACES * 2 - 5, Fraction(15)), performing=QUICK)
    torch.testing.assert_close(again.codes.values, clip.codes.values, atol=5e-3, rtol=0)
    still = talker.follow(Landmarks(PLACES[:1].repeat(30, 0), Fraction(15)), performing=QUICK)
    assert not torch.allclose(still.codes.values, clip.codes.values, atol=5e-3)


def test_expressiveness_and_sound_go_with_it(talker):
    calm = replace(QUICK, expressiveness=0.0)
    clip = talker.follow(Landmarks(PLACES, Fraction(30)), performing=calm, speech=SPEECH)
    torch.testing.assert_close(clip.codes.values, talker.weights.head.rest.expand(30, -1))
    assert clip.speech is SPEECH and clip.origin.speech_hash == talker.weights.follower.encoder.hash


def test_seen_throughout_landmarks_lead_and_unseen_speech_does(talker):
    heard = talker.animate(SPEECH, performing=QUICK).codes.values
    followed = talker.follow(Landmarks(PLACES, Fraction(30)), performing=QUICK).codes.values
    both = talker.animate(SPEECH, performing=QUICK, landmarks=Landmarks(PLACES, Fraction(30))).codes.values
    rig = talker.weights.motion.rig
    torch.testing.assert_close(rig.weights(both), rig.weights(followed), atol=1e-4, rtol=0)
    short = Landmarks(PLACES[:8], Fraction(30))
    late = talker.animate(SPEECH, performing=QUICK, landmarks=short).codes.values
    torch.testing.assert_close(late[8 + REACH :], heard[8 + REACH :])


def test_no_weight_leaves_its_range(talker):
    codes = talker.follow(Landmarks(PLACES, Fraction(30)), performing=QUICK).codes.values
    weights = talker.weights.follower.motion.rig.weights(codes)
    assert weights.min() > -1e-4 and weights.max() < 1 + 1e-4


def test_guidance_is_about_speech(talker):
    landmarks = Landmarks(PLACES, Fraction(30))
    plain, guided = (talker.follow(landmarks, performing=replace(QUICK, guidance=w)) for w in (1.0, 4.0))
    assert torch.equal(plain.codes.values, guided.codes.values) and guided.origin.guidance == 1.0


def seen(frames: int, hidden: dict[str, slice]) -> torch.Tensor:
    known = torch.ones(frames, len(GROUPS))
    for name, gap in hidden.items():
        known[gap, list(GROUPS).index(name)] = 0
    return known


def test_hidden_lips_are_heard_while_brows_are_followed():
    matrix = torch.linalg.qr(torch.randn(60, 52, generator=torch.Generator().manual_seed(0)))[0]
    rig = Rig(torch.zeros(60), matrix)
    followed, heard = rig.codes(torch.ones(60, 52)), rig.codes(torch.zeros(60, 52))
    gap = slice(20, 40)
    parts = seen(60, {"outer lips": gap, "inner lips": gap})
    weights = rig.weights(filled(followed, heard, parts, matrix))
    jaw, brow = weights[:, ARKIT_INDEX["jawOpen"]], weights[:, ARKIT_INDEX["browInnerUp"]]
    torch.testing.assert_close(brow, torch.ones(60), atol=1e-4, rtol=0)
    assert jaw[20 + REACH : 40 - REACH].abs().max() < 1e-4
    assert (jaw[:20] > 0.999).all() and (jaw[40:] > 0.999).all()
    assert jaw.diff().abs().max() < 1 / REACH + 1e-3


@pytest.mark.parametrize("length", range(1, REACH))
def test_what_was_followed_beside_a_short_gap_is_carried_across_it(length):
    line, known = torch.linspace(0, 1, 20)[:, None], torch.ones(20, dtype=torch.bool)
    known[8 : 8 + length] = False
    gapped = torch.where(known[:, None], line, 9.0)
    torch.testing.assert_close(carried(gapped, known), line)


def test_beyond_the_ends_what_was_followed_fades_away():
    known = torch.zeros(30, dtype=torch.bool)
    known[12] = True
    found = carried(torch.ones(30, 1), known)[:, 0]
    assert found[12] == 1 and (found[: 12 - REACH] == 0).all() and (found[13 + REACH :] == 0).all()
    assert found.diff().abs().max() <= 1 / REACH + 1e-6
    assert (carried(torch.ones(30, 1), known & False) == 0).all()


def test_weights_come_back_as_they_were_kept(folder, tmp_path):
    kept = Follower.load(folder / "landmarks.safetensors")
    kept.save(tmp_path / "again.safetensors")
    assert Follower.load(tmp_path / "again.safetensors").checkpoint.hash == kept.checkpoint.hash


def test_motion_of_another_map_is_refused(talker):
    follower = talker.weights.follower
    face = replace(follower.encoder.face, neutral=follower.encoder.face.neutral * 1.1)
    with pytest.raises(CheckpointError, match="landmark map"):
        replace(follower, encoder=type(follower.encoder)(face))


def test_landmark_weights_are_stamped_for_a_head_with_the_same_codes(folder, tmp_path):
    other = shutil.copytree(folder, tmp_path / "other")
    head = head_model.load(other / "head.safetensors")
    head.anatomy.mean.add_(0.001)
    head_model.save(head, other / "head.safetensors")
    with pytest.raises(CheckpointError, match="trained for head"):
        facetalk.load(other, device="cpu").follow(Landmarks(PLACES, Fraction(30)), performing=QUICK)
    model = other / "landmarks.safetensors"
    stamp(Stamp(model, other / "head.safetensors"))
    assert Follower.load(model).motion.head_hash == head_model.load(other / "head.safetensors").hash
    head_model.save(Head(replace(head_model.tiny(), rig=RigConfig(seed=1))), other / "head.safetensors")
    with pytest.raises(CheckpointError, match="other codes"):
        stamp(Stamp(model, other / "head.safetensors"))


def test_no_landmark_weights_are_named(weights):
    with pytest.raises(CheckpointError, match=r"landmarks\.safetensors"):
        facetalk.load(weights, device="cpu").follow(Landmarks(np.zeros((3, 70, 2)), Fraction(30)))
