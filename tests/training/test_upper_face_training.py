"""Training of lids, gaze and brows: resuming, learning, and the file that is written."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from facetalk.arkit import ARKIT_INDEX
from facetalk.errors import InputError
from facetalk.motion import DenoiserConfig, Motion, Normaliser, Rig
from facetalk.motion.networks import build
from facetalk.motion.upper_face import UpperFaceConfig
from facetalk.training.loop import Plan, run
from facetalk.training.motion_clips import MotionClips
from facetalk.training.upper_face import UpperFaceTask, UpperFaceTraining, all_steps, followed
from facetalk.training.upper_face_job import Job, main

CONFIG = UpperFaceTraining(steps=6, batch=4, crop=12, average=0.5)
FEATURES = 4


def made_clips(frames: int = 200) -> MotionClips:
    """Lids that shut for three frames now and then; eyes and brows that drift."""
    generator = torch.Generator().manual_seed(0)
    weights = 0.05 * torch.rand(frames, 52, generator=generator)
    lids = [ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]
    weights[:, lids] = 0
    for first in range(10, frames - 3, 25):
        weights[first : first + 3, lids] = 1
    features = torch.rand(frames, FEATURES, generator=generator)
    return MotionClips(("one",), torch.tensor([frames]), weights.half(), features.half())


def made_task(config: UpperFaceTraining = CONFIG) -> UpperFaceTask:
    clips = made_clips()
    return UpperFaceTask(config, UpperFaceConfig(FEATURES, width=16, heard=4, choices=(16, 8, 16)), clips)


def test_a_resumed_run_repeats_an_unbroken_one(tmp_path):
    whole, broken = made_task(), made_task()
    run(whole, Plan(6), tmp_path / "whole", {})
    run(broken, Plan(6, stop_after=3), tmp_path / "broken", {})
    again = made_task()
    run(again, Plan(6), tmp_path / "broken", {})
    for one, other in zip(whole.averaged.parameters(), again.averaged.parameters(), strict=True):
        assert torch.equal(one, other)


def test_it_learns_how_a_blink_goes_on():
    task = made_task(replace(CONFIG, steps=150, batch=8, crop=24, rate=1e-2))
    losses = [float(task.step(index, torch.Generator().manual_seed(index))["lids"]) for index in range(150)]
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:5])


def test_the_truth_is_followed_in_steps_of_the_books():
    task = made_task()
    truth, _ = task.draw(torch.Generator().manual_seed(0))
    places, chosen = followed(task.model, truth[:, 0], truth[:, 1:])
    assert chosen.shape == (4, 12, 3)
    assert float((places - truth).square().mean().sqrt()) < 0.04  # lids leap by 1, and errors do not add up
    assert task.model.nearest(places[:, 5], places[:, 5]).eq(0).all()  # who is there stands still
    still = task.model.moved(places[:, 5], torch.zeros(4, 3, dtype=torch.long))
    assert torch.equal(still, places[:, 5])


def test_steps_do_not_leap_from_clip_to_clip():
    clips = made_clips()
    two = replace(clips, lengths=torch.tensor([100, 100]), names=("one", "two"))
    apart = clips.weights.clone()
    apart[100:, ARKIT_INDEX["browInnerUp"]] += 0.9
    assert (
        float(all_steps(replace(two, weights=apart))[:, 8].abs().max())
        < 0.1
        < float(all_steps(replace(clips, weights=apart))[:, 8].abs().max())
    )


def test_it_begins_with_another_and_hears_anew_what_another_encoder_says():
    clips, sizes = made_clips(), UpperFaceConfig(FEATURES, width=16, heard=4, choices=(16, 8, 16))
    first = made_task()
    first.step(0, torch.Generator().manual_seed(0))
    wider = replace(clips, features=torch.cat([clips.features, clips.features + 1], 1))
    same, other = (
        UpperFaceTask(CONFIG, replace(sizes, features=each.features.shape[1]), each, first.averaged).model
        for each in (clips, wider)
    )
    for name, value in first.averaged.state_dict().items():
        assert torch.equal(same.state_dict()[name], value)
        if not name.startswith(("listening", "speech")):
            assert torch.equal(other.state_dict()[name], value)
    assert other.listening.in_channels == 2 * FEATURES
    assert torch.equal(other.speech_mean[FEATURES:], clips.features.float().add(1).half().float().mean(0))
    with pytest.raises(InputError, match="sizes"):
        UpperFaceTask(CONFIG, replace(sizes, width=8), clips, first.averaged)


def test_the_job_completes_a_motion(tmp_path):
    clips = made_clips()
    rig = Rig(torch.zeros(60), torch.linalg.qr(torch.randn(60, 52))[0])
    normaliser = Normaliser.fit(rig.codes(clips.weights.float()))
    denoiser = build(replace(DenoiserConfig.tiny(normaliser.live, FEATURES), hearing=1))
    Motion(denoiser, normaliser, rig, "4" * 16, "5" * 16).save(tmp_path / "motion.safetensors")
    np.savez(tmp_path / "one.npz", weights=clips.weights.numpy())
    np.save(tmp_path / "one.npy", clips.features.numpy())
    (tmp_path / "index.jsonl").write_text(json.dumps({"id": "one", "split": "train"}))
    motion, out = tmp_path / "motion.safetensors", tmp_path / "lively.safetensors"
    job = Job((tmp_path,), (tmp_path,), motion, out, tmp_path / "run", replace(CONFIG, steps=2))
    main(job)
    read = Motion.load(out)
    assert read.upper_face is not None and asdict(read.upper_face.config)["hearing"] == 1
    with pytest.raises(InputError, match="no upper face to begin with"):
        main(replace(job, initial=motion))
    with pytest.raises(InputError, match="one for each set"):
        main(replace(job, features=()))
