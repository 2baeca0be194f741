"""`facetalk head import`, and the imported head on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest

import made_sound
from facetalk.cli.main import main

FILE = Path(__file__).parents[1] / "head" / "data" / "backward_nphm_tiny_reference.safetensors"


@pytest.fixture
def folder(tmp_path, capsys):
    assert main(["head", "import", str(FILE), "-o", str(tmp_path / "nphm"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["identities"], found["expressions"], found["expression_size"]) == (1, 1, 20)
    return tmp_path / "nphm"


def refusal(capsys, *words: object) -> str:
    assert main([*map(str, words)]) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    return line


def test_motion_of_another_head_is_refused_and_says_what_to_do(folder, weights, tmp_path, capsys):
    voice = made_sound.write(tmp_path / "voice.wav", made_sound.hum(0.3))
    words = "--identity", "zero", "--head", folder, "--weights", weights
    line = refusal(capsys, "animate", voice, "-o", tmp_path / "a.mp4", *words)
    assert "motion was trained for head" in line and "retrain" in line


def test_saved_codes_of_another_head_are_refused(folder, weights, tmp_path, capsys):
    voice = made_sound.write(tmp_path / "voice.wav", made_sound.hum(0.1))
    words = "--weights", str(weights), "--steps", "1"
    assert main(["animate", str(voice), "-o", str(tmp_path / "a.npz"), *words]) == 0
    capsys.readouterr()
    line = refusal(capsys, "render", tmp_path / "a.npz", "-o", tmp_path / "a.mp4", "--head", folder)
    assert "use the head they were made for" in line


def test_it_is_not_written_over_by_accident(folder, capsys):
    assert "--overwrite" in refusal(capsys, "head", "import", FILE, "-o", folder)


def test_anchors_are_checked(tmp_path, capsys):
    np.save(tmp_path / "few.npy", np.zeros((5, 3)))
    words = "head", "import", FILE, "-o", tmp_path / "x", "--anchors"
    assert "39 points" in refusal(capsys, *words, tmp_path / "few.npy")
    assert "not a readable" in refusal(capsys, *words, tmp_path / "none.npy")


def test_a_missing_head_is_named(tmp_path, capsys):
    assert "nowhere" in refusal(capsys, "head", "show", "-o", tmp_path / "a.png", "--head", tmp_path / "nowhere")


def test_it_is_shown_by_the_codes_that_came_with_it(folder, tmp_path, capsys):
    words = "head", "show", "--head", folder, "--identity", "identity:0", "--resolution", "16", "--size", "32"
    assert "--mesh exact" in refusal(capsys, *words, "-o", tmp_path / "a.png")
    assert main([*map(str, words), "-o", str(tmp_path / "a.png"), "--mesh", "exact"]) == 0
    assert (tmp_path / "a.png").stat().st_size > 200
