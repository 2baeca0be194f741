"""Made trackings, sets and weights for following landmarks."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

import made_faces
from facetalk import checkpoint
from facetalk.arkit import ARKIT_INDEX
from facetalk.data import performance_files
from facetalk.data.performance_files import Entry, Performance
from facetalk.landmarks.points import LIP_PAIRS
from facetalk.motion import Rig, Sampling
from facetalk.pipeline.follower import Follower
from facetalk.training.landmark_figures import errors, follow, shortened
from facetalk.training.landmark_job import AS_SEEN, MakeFollower, make
from facetalk.training.landmark_set import LandmarkSet, main, varied
from facetalk.training.landmark_views import View, apart, draw_view, lose, rotations, track
from facetalk.training.motion_clips import MotionClips

FACE = made_faces.face_map()
WEIGHTS = made_faces.performance(60)


def test_lips_that_overlap_are_drawn_to_their_middle():
    shape = FACE.neutral.numpy().astype(np.float64)[None].repeat(2, 0)
    shape[1, 66, 1] = shape[1, 62, 1] + 0.02
    kept = apart(shape)
    np.testing.assert_array_equal(kept[0], shape[0])
    assert kept[1, 62, 1] == pytest.approx(kept[1, 66, 1]) == pytest.approx(shape[1, 62, 1] + 0.01)
    assert all((kept[:, upper, 1] >= kept[:, lower, 1] - 1e-12).all() for upper, lower in LIP_PAIRS)


def test_turns_are_rigid_and_yaw_turns_to_the_left():
    turns = rotations(np.random.default_rng(0).uniform(-1, 1, (5, 3)))
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.eye(3)[None].repeat(5, 0), atol=1e-12)
    nose = rotations(np.array([[0.0, 0.3, 0.0]]))[0] @ [0, 0, 1.0]
    assert nose[0] > 0


def test_points_and_frames_are_lost_as_told():
    random = np.random.default_rng(0)
    places = np.zeros((400, 70, 2))
    lost = np.isnan(lose(places, View(lost=0.3, pupils=False), random)).all(-1)
    assert lost[:, :68].mean() == pytest.approx(0.3, abs=0.02) and lost[:, 68:].all()
    frames = np.isnan(lose(places, View(lost_frames=0.2), random)).all((1, 2))
    assert 0.1 < frames.mean() < 0.25


def test_any_view_gives_a_tracking():
    for seed in range(8):
        random = np.random.default_rng(seed)
        view = draw_view(random)
        landmarks = track(FACE, WEIGHTS, view, random)
        assert landmarks.places.shape == (60, 70, view.axes) and landmarks.rate == view.rate


def test_varied_lines_stay_in_range_and_keep_their_blinks():
    weights = np.zeros((50, 52), np.float32)
    weights[20:24, [ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]] = 1.0
    for seed in range(6):
        made = varied(weights, np.random.default_rng(seed))
        assert made.min() >= 0 and made.max() <= 1
        assert (made[20:24, ARKIT_INDEX["eyeBlinkLeft"]] == 1).all()


@pytest.fixture(scope="module")
def landmark_set(tmp_path_factory) -> LandmarkSet:
    folder = tmp_path_factory.mktemp("landmarks")
    checkpoint.save(FACE.checkpoint, folder / "map.safetensors")
    source, entries = folder / "performances", []
    source.mkdir()
    for name, split in (("one", "train"), ("two", "test")):
        performance = Performance(WEIGHTS, np.zeros(60, np.float32), (("a", 0.0, 1.0),))
        performance_files.write(performance, source, name)
        entries.append(Entry(name, "generated", "", "", "", split, 60, 0, "", performance.sha256))
    performance_files.write_index(entries, source)
    config = LandmarkSet(folder / "map.safetensors", source, folder / "set", clips=3)
    main(config)
    return config


def test_a_set_holds_training_clips_with_features_of_what_they_do(landmark_set):
    rows = [json.loads(line) for line in (landmark_set.out / "index.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["0000_one", "0001_one", "0002_one"]
    for row in rows:
        features = np.load(landmark_set.out / f"{row['id']}.npy")
        weights = performance_files.read(landmark_set.out, row["id"]).weights
        assert len(features) == len(weights) == row["frames"] and np.isfinite(features).all()


def test_a_set_becomes_weights_that_know_their_map(landmark_set, tmp_path):
    training = replace(AS_SEEN, steps=2, batch=2, crop=16)
    out = tmp_path / "landmarks.safetensors"
    done = make(MakeFollower((landmark_set.out,), landmark_set.map, out, tmp_path / "run", training=training))
    assert done["clips"] == 3
    follower = Follower.load(out)
    assert follower.encoder.hash == FACE.hash == follower.motion.speech_hash
    assert torch.equal(follower.encoder.face.neutral, FACE.neutral)


def test_figures_follow_each_clip_and_are_nothing_where_it_is_met():
    rig = Rig(torch.zeros(60), torch.linalg.qr(torch.randn(60, 52, generator=torch.Generator().manual_seed(0)))[0])
    weights = torch.from_numpy(WEIGHTS)
    clips = MotionClips(("a", "b"), torch.tensor([60, 60]), weights.repeat(2, 1).half(), torch.zeros(120, 1).half())
    clips = shortened(clips, 20)
    view = View(rate=Fraction(25))
    takes = follow(made_faces.follower(rig, "4" * 16), clips, [(), ()], view, Sampling(steps=1, guidance=1.0))
    assert [len(take.made) for take in takes] == [20, 20]
    assert torch.equal(takes[1].truth, clips.clip(1)[0])
    assert all(value > 0 for value in errors(takes).values())
    assert set(errors([replace(take, made=take.truth) for take in takes]).values()) == {0.0}
