"""From folders to weights: trained, read back, and stamped for a head with the same rig only."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint
from facetalk.errors import CheckpointError, InputError
from facetalk.head import model as head_model
from facetalk.head.rig import RigConfig
from facetalk.motion import Motion
from facetalk.training.motion import MotionTraining
from facetalk.training.motion_job import NO_HEAD, Make, Stamp, make, stamp

TRAINING = MotionTraining(steps=2, batch=2, crop=16, half=False)


@pytest.fixture
def job(tmp_path) -> Make:
    random = np.random.default_rng(0)
    with (tmp_path / "index.jsonl").open("w") as index:
        for name in ("one", "two"):
            np.savez(tmp_path / f"{name}.npz", weights=random.random((40, 52)).astype(np.float16))
            np.save(tmp_path / f"{name}.npy", random.random((40, 6)).astype(np.float16))
            index.write(json.dumps({"id": name, "split": "train"}) + "\n")
    speech = tmp_path / "speech.safetensors"
    checkpoint.save(Checkpoint("speech", {}, {"weight": torch.ones(2)}), speech)
    out, run = tmp_path / "motion.safetensors", tmp_path / "run"
    return Make((tmp_path,), (tmp_path,), out, run, speech, size="tiny", training=TRAINING)


def saved_head(folder, rig: RigConfig):
    path = folder / "head.safetensors"
    head_model.save(head_model.Head(replace(head_model.tiny(), rig=rig)), path)
    return path


def test_folders_become_weights_that_know_their_speech(job):
    assert make(job)["frames"] == 80
    motion = Motion.load(job.out)
    assert motion.speech_hash == checkpoint.load(job.speech, "speech").hash
    assert motion.head_hash == NO_HEAD
    assert motion.denoiser.config.hearing == job.hearing


def test_features_name_their_encoder(job, tmp_path):
    with pytest.raises(InputError, match="give --speech the weights of the encoder"):
        make(replace(job, speech=None))
    hash_ = checkpoint.load(job.speech, "speech").hash
    (tmp_path / "encoder.json").write_text(json.dumps({"hash": hash_, "size": 6, "rate": 30}))
    make(replace(job, speech=None))
    assert Motion.load(job.out).speech_hash == hash_
    (tmp_path / "encoder.json").write_text(json.dumps({"hash": "0" * 16, "size": 6, "rate": 30}))
    with pytest.raises(InputError, match="features of encoder 0000"):
        make(job)


def test_sets_and_features_come_in_pairs(job):
    with pytest.raises(InputError, match="1 sets and 0 feature folders"):
        make(replace(job, features=()))


def test_a_head_with_the_same_rig_is_stamped_and_another_refused(job, tmp_path):
    make(job)
    head = saved_head(tmp_path, RigConfig())
    stamped = stamp(Stamp(job.out, head))
    assert Motion.load(job.out).head_hash == stamped["head_hash"] == head_model.load(head).hash
    with pytest.raises(CheckpointError, match="retrain motion"):
        stamp(Stamp(job.out, saved_head(tmp_path, RigConfig(seed=1))))
