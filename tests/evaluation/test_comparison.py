"""The table end to end on made performances and made models: resumed without measuring again, written as files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

import facetalk
from facetalk.arkit import ARKIT_INDEX
from facetalk.data import performance_files
from facetalk.data.performance_files import Entry, Performance
from facetalk.errors import InputError
from facetalk.evaluation import comparison, pages, proof
from facetalk.evaluation.proof import Proof, Sweep
from facetalk.evaluation.stage import Places, Seen
from facetalk.judge.network import JudgeConfig, SyncJudge
from facetalk.pipeline.talker import Performing
from facetalk.types import SAMPLE_RATE
from made_sound import speech

FRAMES = 70


@pytest.fixture(scope="module")
def performances(tmp_path_factory) -> Path:
    """Two training and two test clips whose jaw goes up and down."""
    folder = tmp_path_factory.mktemp("performances")
    entries = []
    for number, split in enumerate(("train", "train", "test", "test")):
        name = f"clip{number}"
        soundfile.write(folder / f"{name}.wav", speech(FRAMES / 30).samples, SAMPLE_RATE)
        weights = np.zeros((FRAMES, 52), np.float32)
        weights[:, ARKIT_INDEX["jawOpen"]] = 0.2 + 0.2 * np.sin(np.arange(FRAMES) / (2 + number))
        phones = (("_", 0.0, 0.6), ("m", 0.6, 0.8), ("a", 0.8, 1.2), ("f", 1.2, 1.4), ("i", 1.4, FRAMES / 30))
        made = Performance(weights, np.full(FRAMES, -10.0, np.float32), phones)
        performance_files.write(made, folder, name)
        entries.append(Entry(name, "generated", "v", "en", "", split, FRAMES, 0, f"{name}.wav", made.sha256))
    performance_files.write_index(entries, folder)
    return folder


class Board:
    """A stage on which the lips are as far apart as the jaw is open, and six vertices go with them."""

    measured = 0

    def __init__(self, actor) -> None:
        self.places = Places.of(2, 2)

    def measure(self, clip, frames, *, lips=True) -> Seen:
        Board.measured += 1
        kept = np.minimum(np.arange(frames), len(clip) - 1)
        curves = clip.arkit().weights[kept].astype(np.float64)
        jaw = 30 * curves[:, ARKIT_INDEX["jawOpen"]]
        apertures = jaw if lips else np.full(frames, np.nan)
        return Seen(apertures, curves, np.repeat(jaw[:, None, None], 6, 1).repeat(3, 2).astype(np.float32), jaw)


@pytest.fixture
def board(monkeypatch):
    monkeypatch.setattr(comparison, "Stage", Board)
    Board.measured = 0
    return Board


def asked(performances: Path, **changes) -> Proof:
    return replace(Proof(performances, performing=Performing(steps=1), references=2), **changes)


def test_every_row_is_measured_once_and_never_again(performances, weights, board, tmp_path):
    talker = facetalk.load(weights, device="cpu")
    test = asked(performances, takes=2, rivals={"twin": weights / "motion.safetensors"})
    told = []
    first = proof.prove(talker, test, tmp_path, lambda done, of: told.append((done, of)))
    assert list(first.rows)[:3] == ["truth", "ours", "twin"] and "nearest neighbour" in first.rows
    assert told[-1][0] == told[-1][1] == len(told)
    assert first.rows["truth"].figures["LVE, mm"].value == 0
    assert first.rows["truth"].figures["p b m closed"].value in (0, 1)
    assert first.rows["ours"].figures["LVE, mm"] == first.rows["twin"].figures["LVE, mm"]
    assert first.rows["ours"].figures["diversity of lips, mm"].value > 0
    before = board.measured
    again = proof.prove(talker, test, tmp_path)
    assert board.measured == before
    assert again.rows["ours"].figures["LVE, mm"] == first.rows["ours"].figures["LVE, mm"]
    proof.prove(talker, replace(test, performing=Performing(steps=2), rows=("ours",)), tmp_path)
    assert board.measured == before + 4


def test_the_report_is_files(performances, weights, board, tmp_path):
    talker = facetalk.load(weights, device="cpu")
    SyncJudge(JudgeConfig()).save(tmp_path / "judge.safetensors")
    test = asked(performances, rows=("ours", "mean motion"), judge=tmp_path / "judge.safetensors")
    compared = proof.prove(talker, test, None)
    assert 0 < compared.rows["ours"].figures["LSE-D"].value < 2
    files = pages.write(compared, tmp_path / "out")
    assert all(path.stat().st_size > 0 for path in files)
    told = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [row["name"] for row in told["rows"]] == ["truth", "ours", "mean motion"]
    assert set(told["figures"]["ours"]["LVE, mm"]) == {"value", "low", "high"}
    assert told["phonemes"]["ours"]["a"]["frames"] > 0
    assert "| LVE, mm |" in (tmp_path / "out" / "report.md").read_text()


def test_settings_are_swept(performances, weights, board):
    talker = facetalk.load(weights, device="cpu")
    swept = proof.sweep(talker, Sweep(performances, guidances=(0.0, 1.0), step_counts=(1, 2)), None)
    assert list(swept.rows) == ["truth", "guidance 0", "guidance 1", "steps 1", "steps 2"]
    assert all(comparison.COST in row.figures for name, row in swept.rows.items() if name != "truth")


def test_a_row_that_there_is_none_of_is_refused(performances, weights, board):
    with pytest.raises(InputError, match="'hours' is none of: ours"):
        proof.prove(facetalk.load(weights, device="cpu"), asked(performances, rows=("hours",)), None)
