"""Training of motion: clips, crops, packing, resuming, learning."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from facetalk.arkit import ARKIT_INDEX
from facetalk.errors import CheckpointError, InputError
from facetalk.motion import DenoiserConfig, Rig, Sampling
from facetalk.motion.temper import MOUTH
from facetalk.motion.upper_face import UpperFace, UpperFaceConfig
from facetalk.rig.lips import GAP_MM
from facetalk.training.motion import MotionTask, MotionTraining, train
from facetalk.training.motion_clips import MIRRORED, Crops, MotionClips, join, pack, read_performances, unpack
from facetalk.training.motion_figures import columns
from facetalk.training.motion_losses import Emphasis, near, sealed
from facetalk.types import SpeechFeatures

FEATURES = 4
CONFIG = MotionTraining(steps=6, batch=4, crop=16, half=False, average=0.5)


def made_clips(lengths=(30, 12, 50)) -> MotionClips:
    """Jaw opening is the first feature, the rest of the mouth follows others."""
    generator = torch.Generator().manual_seed(0)
    frames = sum(lengths)
    features = torch.rand(frames, FEATURES, generator=generator)
    weights = features @ torch.rand(FEATURES, 52, generator=generator)
    weights[:, ARKIT_INDEX["jawOpen"]] = features[:, 0]
    names = tuple(f"clip{index}" for index in range(len(lengths)))
    return MotionClips(names, torch.tensor(lengths), weights.half(), features.half())


def made_rig() -> Rig:
    generator = torch.Generator().manual_seed(1)
    return Rig(torch.randn(60, generator=generator) * 0.1, torch.linalg.qr(torch.randn(60, 52, generator=generator))[0])


def made_task(config: MotionTraining = CONFIG, hearing: int = 0) -> MotionTask:
    rig, clips = made_rig(), made_clips()
    live = MotionTask.live(clips, rig)
    return MotionTask(config, replace(DenoiserConfig.tiny(live, FEATURES), hearing=hearing), clips, rig)


def trained(folder, config=CONFIG, **stop) -> MotionTask:
    rig, clips = made_rig(), made_clips()
    return train(config, DenoiserConfig.tiny(MotionTask.live(clips, rig), FEATURES), clips, rig, folder, **stop)


def test_crops_stay_within_their_clip():
    clips = made_clips()
    numbered = replace(clips, weights=torch.arange(92.0).half()[:, None].expand(92, 52), features=clips.weights)
    numbered = replace(numbered, features=numbered.weights)
    weights, heard = Crops(numbered, frames=16, margin=3).draw(200, torch.Generator().manual_seed(0))
    first, last = weights[:, 0, 0], weights[:, -1, 0]
    assert torch.equal(last - first, torch.full((200,), 15.0))
    in_first, in_third = last < 30, first >= 42
    assert (in_first | in_third).all() and in_first.any() and in_third.any()
    assert torch.equal(heard[:, 3:-3], weights)
    assert (heard[in_first].amax() <= 29) and (heard[in_third].amin() >= 42)


def test_mirroring_twice_is_nothing_and_swaps_sides():
    mirrored = torch.tensor(MIRRORED)
    assert torch.equal(mirrored[mirrored], torch.arange(52))
    assert MIRRORED[ARKIT_INDEX["eyeLookInLeft"]] == ARKIT_INDEX["eyeLookInRight"]
    assert MIRRORED[ARKIT_INDEX["jawOpen"]] == ARKIT_INDEX["jawOpen"]


def test_packed_clips_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr("facetalk.training.motion_clips.SHARD_BYTES", 50 * 2 * 56)
    clips = made_clips()
    assert len(pack(clips, tmp_path)) == 2
    back = unpack(tmp_path)
    assert back.names == clips.names
    for name in ("lengths", "weights", "features"):
        assert torch.equal(getattr(back, name), getattr(clips, name))


def test_nothing_to_unpack_is_said(tmp_path):
    with pytest.raises(InputError, match="no shard"):
        unpack(tmp_path)


def written(folder, clips: MotionClips) -> None:
    with (folder / "index.jsonl").open("w") as index:
        for number, name in enumerate(clips.names):
            weights, features = clips.clip(number)
            np.savez(folder / f"{name}.npz", weights=weights.numpy().astype(np.float16))
            np.save(folder / f"{name}.npy", features.numpy().astype(np.float16))
            index.write(json.dumps({"id": name, "split": "test" if number == 1 else "train"}) + "\n")


def test_performances_are_read_by_split(tmp_path):
    clips = made_clips()
    written(tmp_path, clips)
    read = read_performances(tmp_path, tmp_path, ["train"])
    assert read.names == ("clip0", "clip2")
    assert torch.equal(read.clip(1)[0], clips.clip(2)[0])


def test_clips_without_fitting_features_are_refused(tmp_path):
    written(tmp_path, made_clips())
    with pytest.raises(InputError, match="no clip of split dev"):
        read_performances(tmp_path, tmp_path, ["dev"])
    np.save(tmp_path / "clip0.npy", np.zeros((3, FEATURES), np.float16))
    with pytest.raises(InputError, match="3 frames of features for 30"):
        read_performances(tmp_path, tmp_path, ["train"])
    (tmp_path / "clip0.npy").unlink()
    with pytest.raises(InputError, match="no speech features"):
        read_performances(tmp_path, tmp_path, ["train"])


def test_a_resumed_run_equals_an_unbroken_one(tmp_path):
    whole = trained(tmp_path / "whole").state()
    trained(tmp_path / "broken", stop_after=4)
    resumed = trained(tmp_path / "broken").state()
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_run_with_other_settings_is_not_resumed(tmp_path):
    trained(tmp_path, stop_after=2)
    with pytest.raises(CheckpointError, match="other settings"):
        trained(tmp_path, replace(CONFIG, rate=1e-4))


def test_a_finished_run_is_left_alone_and_logged(tmp_path):
    first = trained(tmp_path).state()
    again = trained(tmp_path).state()
    assert all(torch.equal(first[name], again[name]) for name in first)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [6] and rows[0]["l2"] > 0


def test_plain_loss_is_the_papers():
    task = made_task()
    error = torch.randn(2, 16, task.normaliser.live)
    losses = task.losses(error)
    assert torch.equal(losses["l2"], error.square().mean())
    assert losses["mouth"] == 0 and losses["velocity"] == 0


def test_training_learns_what_speech_says(tmp_path):
    config = replace(CONFIG, steps=250, batch=16, rate=5e-3, average=0.95, mirror=0.0, expression=(1.0, 1.0))
    task = trained(tmp_path, config)
    motion = task.motion("4" * 16, "5" * 16)
    weights, features = task.crops.clips.clip(2)
    codes = motion(SpeechFeatures(features, Fraction(30), "5" * 16), Sampling(steps=8)).values
    jaw = motion.rig.weights(codes)[:, ARKIT_INDEX["jawOpen"]]
    truth = weights[:, ARKIT_INDEX["jawOpen"]]
    assert torch.corrcoef(torch.stack([jaw, truth]))[0, 1] > 0.8


@pytest.mark.parametrize("hearing", [0, 2])
def test_half_precision_steps_are_finite(hearing):
    task = made_task(replace(CONFIG, half=True), hearing)
    figures = task.step(0, torch.Generator().manual_seed(0))
    assert all(torch.isfinite(torch.as_tensor(value)) for value in figures.values())


def test_weights_are_taken_over_but_listening_where_features_differ(tmp_path):
    first = trained(tmp_path)
    initial = first.motion("4" * 16, "5" * 16)
    clips = made_clips()
    same = MotionTask(CONFIG, initial.denoiser.config, clips, first.rig, initial).denoiser.state_dict()
    wide = replace(clips, features=torch.cat([clips.features, clips.features], 1))
    sizes = replace(initial.denoiser.config, features=2 * FEATURES)
    other = MotionTask(CONFIG, sizes, wide, first.rig, initial).denoiser.state_dict()
    for name, weight in initial.denoiser.state_dict().items():
        assert torch.equal(weight, same[name])
        assert name.startswith(("listening.", "speech_")) or torch.equal(weight, other[name])
    with pytest.raises(InputError, match="sizes"):
        MotionTask(CONFIG, replace(sizes, depth=1), wide, first.rig, initial)


def test_an_upper_face_stays_while_it_can_hear(tmp_path):
    first, clips = trained(tmp_path), made_clips()
    face = UpperFace(UpperFaceConfig(FEATURES, width=16, heard=4, choices=(16, 8, 16)))
    initial = replace(first.motion("4" * 16, "5" * 16), upper_face=face)
    assert MotionTask(CONFIG, initial.denoiser.config, clips, first.rig, initial).upper_face is face
    wide = replace(clips, features=torch.cat([clips.features, clips.features], 1))
    sizes = replace(initial.denoiser.config, features=2 * FEATURES)
    assert MotionTask(CONFIG, sizes, wide, first.rig, initial).upper_face is None


def test_joined_sets_hold_all_clips():
    clips = made_clips()
    both = join([clips, clips])
    assert len(both) == 2 * len(clips)
    assert all(torch.equal(*pair) for pair in zip(both.clip(4), clips.clip(1), strict=True))


def test_lips_held_shut_over_an_open_jaw_are_sealed():
    weights = torch.zeros(1, 4, 52)
    weights[0, :, ARKIT_INDEX["jawOpen"]] = torch.tensor([0.2, 0.2, 0.0, 0.2])
    weights[0, :, ARKIT_INDEX["mouthClose"]] = torch.tensor([0.2, 0.05, 0.0, 0.0])
    assert sealed(weights).flatten().tolist() == [1, 0, 0, 0]


def test_sealed_frames_weigh_more_only_when_asked():
    plain, weighed = (
        made_task(replace(CONFIG, emphasis=Emphasis(seal=extra))).draw(torch.Generator().manual_seed(0))[2]
        for extra in (0.0, 3.0)
    )
    assert (plain == 1).all()
    assert set(weighed.unique().tolist()) <= {1.0, 4.0}


def test_frames_beside_sealed_ones_weigh_as_much_within_the_span():
    mask = torch.tensor([0, 0, 0, 1, 0, 0, 0, 0, 1.0]).reshape(1, 9, 1)
    assert torch.equal(near(mask, 0), mask)
    assert near(mask, 2).flatten().tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 1]


def test_life_is_the_error_of_all_but_the_mouth_and_of_its_steps():
    task = made_task(replace(CONFIG, emphasis=Emphasis(life=1.0)))
    weights = made_clips().weights.float()
    live = task.normaliser.normalise(task.rig.codes(weights[:2]))
    error = (live[1] - live[0]).expand(1, 2, -1)
    spread = weights.std(0)[~torch.tensor(MOUTH)]
    step = (weights[1] - weights[0])[~torch.tensor(MOUTH)] / spread.clamp(min=0.1 * float(spread.max()))
    expected = float(step.square().mean())
    assert float(task.losses(error)["life"]) == pytest.approx(expected, rel=0.05)
    swung = torch.cat([error[:, :1], -error[:, 1:]], dim=1)
    assert float(task.losses(swung)["life"]) == pytest.approx(5 * expected, rel=0.05)
    assert float(made_task().losses(error)["life"]) == 0


def test_the_gap_is_weighed_as_jaw_and_lips_together():
    task = made_task(replace(CONFIG, emphasis=Emphasis(gap=1.0)))
    gap = columns(GAP_MM)
    weights = made_clips().weights.float()
    spread = (weights @ gap).std()
    live = task.normaliser.normalise(task.rig.codes(weights[:2]))
    error = (live[1] - live[0])[None, None]
    expected = ((weights[1] - weights[0]) @ gap / spread) ** 2
    assert float(task.losses(error)["gap"]) == pytest.approx(float(expected), rel=0.05)
    assert float(made_task().losses(error)["gap"]) == 0
