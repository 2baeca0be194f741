"""The sync judge: windows know nothing but themselves, verdicts are where the truth is."""

import numpy as np
import pytest
import torch

from facetalk.errors import CheckpointError, InputError
from facetalk.judge.network import STEPS_PER_FRAME, WINDOW, JudgeConfig, SyncJudge
from facetalk.judge.scores import REACH, SHIFTS, distances, verdict

CONFIG = JudgeConfig(shapes=5, bands=8, width=8, size=6)


@pytest.fixture(scope="module")
def judge() -> SyncJudge:
    torch.manual_seed(0)
    return SyncJudge(CONFIG).eval()


def test_a_window_knows_nothing_but_itself(judge):
    shapes, mel = torch.rand(1, 40, 5), torch.rand(1, 40 * STEPS_PER_FRAME, 8)
    lips, sound = judge.lips(shapes), judge.sound(mel)
    assert lips.shape == sound.shape == (1, 40 - WINDOW + 1, 6)
    cut = judge.lips(shapes[:, 10 : 10 + WINDOW]), judge.sound(mel[:, 40 : 40 + WINDOW * STEPS_PER_FRAME])
    assert torch.allclose(cut[0][0, 0], lips[0, 10], atol=1e-5)
    assert torch.allclose(cut[1][0, 0], sound[0, 10], atol=1e-5)
    assert torch.allclose(lips.norm(dim=-1), torch.ones(1, 26), atol=1e-5)


def test_saved_weights_come_back_and_others_are_refused(judge, tmp_path):
    judge.save(tmp_path / "judge.safetensors")
    back = SyncJudge.load(tmp_path / "judge.safetensors")
    assert torch.allclose(back.lips(torch.ones(1, 20, 5)), judge.lips(torch.ones(1, 20, 5)), atol=1e-2)
    with pytest.raises(CheckpointError, match="no such judge weights"):
        SyncJudge.load(tmp_path / "none.safetensors")


class Echo(SyncJudge):
    """Lips and sound that carry the same random vectors are at distance zero."""

    def lips(self, shapes):
        return shapes[:, : shapes.shape[1] - WINDOW + 1]

    def sound(self, mel):
        return self.lips(mel[:, ::STEPS_PER_FRAME])


@pytest.mark.parametrize("late", [0, 4, -7])
def test_late_lips_are_found_late(late):
    vectors = np.random.default_rng(0).normal(size=(120, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = distances(Echo(CONFIG), np.roll(vectors, late, 0), np.repeat(vectors, STEPS_PER_FRAME, 0))
    found = verdict(table)
    assert found.offset == late and found.distance < 0.2 and found.confidence > 0.5
    assert np.isnan(table[0, SHIFTS > 0]).all() and np.isfinite(table[REACH:-REACH]).all()


def test_too_short_a_clip_is_refused(judge):
    with pytest.raises(InputError, match="14 frames are too few"):
        distances(judge, np.zeros((14, 5)), np.zeros((200, 8)))
