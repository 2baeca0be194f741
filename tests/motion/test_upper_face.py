"""Lids, gaze and brows: what they say, how they go on, and that they leave the mouth alone."""

from dataclasses import replace

import pytest
import torch

from facetalk.arkit import ARKIT_INDEX
from facetalk.motion import Denoiser, DenoiserConfig, Motion, Normaliser, Rig, Sampling
from facetalk.motion.calm import AS_DRAWN
from facetalk.motion.temper import MOUTH
from facetalk.motion.upper_face import (
    DOWN,
    GESTURES,
    GROUPS,
    LIDS,
    NEARLY,
    UPPER_FACE,
    Performance,
    UpperFace,
    UpperFaceConfig,
    curves,
    drawn,
    gestures,
    met,
    possible,
)
from facetalk.types import FRAME_RATE, SpeechFeatures

FEATURES, HEARING, CHOICES = 6, 2, (12, 8, 10)


@pytest.fixture(scope="module")
def upper_face() -> UpperFace:
    torch.manual_seed(0)
    model = UpperFace(UpperFaceConfig(FEATURES, width=16, heard=4, hearing=HEARING, choices=CHOICES)).eval()
    for weight in model.requires_grad_(False).parameters():
        weight += 0.3 * torch.randn(weight.shape)
    for book in model.books:
        book[1:] = 0.2 * torch.randn(book[1:].shape)
    return model


@pytest.fixture(scope="module")
def motion(upper_face) -> Motion:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.linalg.qr(torch.randn(60, 52, generator=generator))[0]
    rig = Rig(torch.randn(60, generator=generator), matrix.contiguous())
    normaliser = Normaliser.fit(rig.codes(torch.rand(500, 52, generator=generator)))
    torch.manual_seed(1)
    denoiser = Denoiser(replace(DenoiserConfig.tiny(normaliser.live, FEATURES), hearing=HEARING)).eval()
    for weight in denoiser.requires_grad_(False).parameters():
        weight += 0.1 * torch.randn(weight.shape)
    return Motion(denoiser, normaliser, rig, "4" * 16, "5" * 16, upper_face=upper_face)


def speech(frames: int) -> SpeechFeatures:
    values = torch.randn(frames, FEATURES, generator=torch.Generator().manual_seed(0))
    return SpeechFeatures(values, FRAME_RATE, "5" * 16)


def test_a_blink_is_whole_and_what_is_no_blink_stays():
    made = possible(torch.randn(400, GESTURES, generator=torch.Generator().manual_seed(1)))
    lids, shut = made[:, LIDS], met(made)[:, LIDS]
    assert torch.equal(shut[lids <= NEARLY], lids[lids <= NEARLY])
    assert (shut[lids >= DOWN + 1e-6] == 1).all() and (lids >= DOWN).sum() > 100
    order = lids.flatten().argsort()
    assert (shut.flatten()[order].diff() >= 0).all() and (shut <= 1).all()
    rest = [column for column in range(GESTURES) if column not in range(GESTURES)[LIDS]]
    assert torch.equal(met(made)[:, rest], made[:, rest])


def test_gestures_say_what_curves_show():
    made = possible(torch.randn(40, GESTURES, generator=torch.Generator().manual_seed(0)))
    assert torch.allclose(gestures(curves(made)), made, atol=1e-6)
    said = curves(made)
    assert float(said.min()) >= 0 and float(said.max()) <= 1
    assert not said[:, ~torch.tensor(UPPER_FACE)].any()
    left = torch.zeros(GESTURES)
    left[0] = 0.5
    assert (
        float(curves(left)[ARKIT_INDEX["eyeLookOutLeft"]]) == float(curves(left)[ARKIT_INDEX["eyeLookInRight"]]) == 0.5
    )


def test_choices_are_drawn_as_often_as_they_are_probable():
    logits = torch.tensor([0.5, 0.3, 0.2]).log().expand(1000, 3)
    found = drawn(logits, (torch.arange(1000) + 0.5) / 1000).bincount(minlength=3)
    assert found.tolist() == [500, 300, 200]
    assert drawn(logits[:2], torch.tensor([0.0, 1.0])).tolist() == [0, 2]


def test_frames_go_on_where_the_last_ones_ended(upper_face):
    heard = torch.randn(30, 4, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(30, len(GROUPS), generator=torch.Generator().manual_seed(2))
    whole = Performance(upper_face)(heard, noise)
    parts = Performance(upper_face)
    pieces = [parts(heard[a:b], noise[a:b]) for a, b in ((0, 1), (1, 12), (12, 30))]
    assert torch.allclose(torch.cat(pieces), whole, atol=1e-6)
    assert float(whole.std(0).min()) > 0


@pytest.mark.parametrize("window", [1, 7, 32])
def test_windows_equal_one_pass(motion, window):
    drawn = [motion(speech(50), Sampling(steps=2, window=size)).values for size in (50, window)]
    assert torch.allclose(*drawn, atol=1e-4)


def test_the_mouth_moves_as_without_it(motion):
    with_it, without = (
        each.rig.weights(each(speech(40), Sampling(steps=3)).values)
        for each in (motion, replace(motion, upper_face=None))
    )
    mouth, upper = torch.tensor(MOUTH), torch.tensor(UPPER_FACE)
    assert torch.allclose(with_it[:, mouth], without[:, mouth], atol=1e-4)
    assert not torch.allclose(with_it[:, upper], without[:, upper], atol=1e-2)


def test_speech_from_a_frame_on_leaves_earlier_frames_alone(motion):
    other = speech(60)
    other.values[33:] += 1
    before, after = (motion(heard, Sampling(steps=2, calm=AS_DRAWN)).values for heard in (speech(60), other))
    assert torch.equal(before[: 33 - HEARING], after[: 33 - HEARING])
    assert not torch.allclose(before[33:], after[33:], atol=1e-3)


def test_seeds_draw_other_faces_and_nothing_is_heard_without_guidance(motion):
    deaf = [motion(replace(speech(30), values=s * speech(30).values), Sampling(steps=2, guidance=0.0)) for s in (1, 2)]
    assert torch.equal(deaf[0].values, deaf[1].values)
    takes = [motion(speech(30), Sampling(steps=2, seed=seed)).values for seed in (0, 0, 1)]
    assert torch.equal(takes[0], takes[1]) and not torch.allclose(takes[0], takes[2], atol=1e-2)


def test_a_file_keeps_it(motion, tmp_path):
    motion.save(tmp_path / "motion.safetensors")
    read = Motion.load(tmp_path / "motion.safetensors")
    assert read.upper_face is not None and read.upper_face.config == motion.upper_face.config
    assert torch.allclose(read(speech(20)).values, motion(speech(20)).values, atol=2e-2)
    replace(motion, upper_face=None).save(tmp_path / "alone.safetensors")
    assert Motion.load(tmp_path / "alone.safetensors").upper_face is None
