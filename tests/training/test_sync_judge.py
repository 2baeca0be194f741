"""The judge learns what belongs together, resumes exactly, and its test of pairs is right about made judges."""

import numpy as np
import torch

from facetalk.data.performance_files import Entry
from facetalk.judge.network import STEPS_PER_FRAME, WINDOW, JudgeConfig, SyncJudge
from facetalk.judge.scores import SHIFTS
from facetalk.training.loop import Plan, run
from facetalk.training.sync_judge import JudgedClip, JudgeTask, JudgeTraining, learnt_from, matching
from facetalk.training.sync_pairs import pair_report

TRAINING = JudgeTraining(steps=30, batch=4, frames=30, rate=1e-2, noise=0.0, gain=0.0)
SIZES = JudgeConfig(shapes=2, bands=3, width=12, size=8)


def made_clips(count: int = 3, frames: int = 150) -> list[JudgedClip]:
    """The sound is what the lips do, four times as densely."""
    random = np.random.default_rng(0)
    clips = []
    for _ in range(count):
        shapes = np.stack([np.convolve(random.normal(size=frames + 4), np.ones(5), "valid") for _ in range(2)], 1)
        mel = np.repeat(shapes, STEPS_PER_FRAME, 0) @ np.array([[1.0, 0.0, 0.5], [0.0, 1.0, -0.5]])
        clips.append(JudgedClip(shapes.astype(np.float32), mel.astype(np.float32)))
    return clips


def test_it_learns_which_sound_belongs_to_which_lips(tmp_path):
    task = JudgeTask(TRAINING, SIZES, made_clips())
    first = task.step(0, torch.Generator().manual_seed(0))
    for index in range(1, TRAINING.steps):
        last = task.step(index, torch.Generator().manual_seed(index))
    assert last["loss"] < 0.7 * first["loss"]


def test_a_resumed_judge_equals_an_unbroken_one(tmp_path):
    tasks = [JudgeTask(TRAINING, SIZES, made_clips()) for _ in range(3)]
    run(tasks[0], Plan(4), tmp_path / "whole", {})
    run(tasks[1], Plan(4, stop_after=2), tmp_path / "broken", {})
    run(tasks[2], Plan(4), tmp_path / "broken", {})
    whole, resumed = tasks[0].state(), tasks[2].state()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_equal_vectors_are_matched_and_neighbours_are_no_candidates():
    vectors = torch.nn.functional.normalize(torch.randn(2, 6, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert matching(vectors, vectors, torch.tensor(50.0))[1] == 1
    moved = torch.cat([vectors[:, 1:], vectors[:, :1]], 1)
    loss, _ = matching(vectors, moved, torch.tensor(50.0))
    assert torch.isfinite(loss)


class Knowing(SyncJudge):
    """Vectors are the lips' own first frame: true pairs coincide."""

    def lips(self, shapes):
        return shapes[:, : shapes.shape[1] - WINDOW + 1]

    def sound(self, mel):
        return self.lips(mel[:, ::STEPS_PER_FRAME])


class Deaf(Knowing):
    """Sound says nothing."""

    def sound(self, mel):
        return torch.randn(self.lips(mel[:, ::STEPS_PER_FRAME]).shape, generator=torch.Generator().manual_seed(1))


def made_pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    random = np.random.default_rng(3)
    shapes = [random.normal(size=(220, 4)) for _ in range(8)]
    return [(each, np.repeat(each, STEPS_PER_FRAME, 0)) for each in shapes]


def test_a_knowing_judge_is_always_right_and_a_deaf_one_guesses():
    best, worst = (pair_report(judge(SIZES), made_pairs()).lengths[1] for judge in (Knowing, Deaf))
    assert best.shifted == best.shuffled == best.named_shifted == best.named_shuffled == best.offset == 1
    assert 0.2 < worst.shifted < 0.8 and worst.offset < 0.5 and 0.2 < worst.named_shifted < 0.8
    assert len(SHIFTS) == 31 and best.pairs > 8


def test_test_voices_are_never_learnt_from():
    def entry(voice: str, split: str) -> Entry:
        return Entry(f"{voice}{split}", "generated", voice, "en", "", split, 60, 0, "", "")

    voices = [chr(97 + index) for index in range(8)]
    entries = [entry(v, s) for v in voices for s in ("train", "validation")] + [entry("z", "test")]
    chosen = learnt_from(entries)
    assert {e.voice for e in chosen if e.split == "train"} == {"a", "e"}
    assert not [e for e in chosen if e.split == "test"] and sum(e.split == "validation" for e in chosen) == 8
