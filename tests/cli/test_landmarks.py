"""facetalk animate --landmarks: what it makes, and bad landmarks in one line with exit code 2."""

import json
import shutil
import sys

import numpy as np
import pytest

import made_faces
import made_sound
from facetalk.cli.main import main

PLACES = made_faces.places(made_faces.performance(30), axes=2)[:, :68]
SMALL = ("--size", "32", "--resolution", "16", "--steps", "1")


@pytest.fixture(scope="module")
def folder(weights, tmp_path_factory):
    return made_faces.write_follower(shutil.copytree(weights, tmp_path_factory.mktemp("cli") / "weights"))


def animate(folder, *words) -> int:
    return main(["animate", *map(str, words), "--weights", str(folder), *SMALL])


def test_landmarks_become_codes(folder, tmp_path, capsys):
    np.save(tmp_path / "face.npy", PLACES)
    out = tmp_path / "talk.npz"
    assert animate(folder, "--landmarks", tmp_path / "face.npy", "--landmarks-fps", 15, "-o", out, "--json") == 0
    [output] = json.loads(capsys.readouterr().out)["outputs"]
    assert output["frames"] == 60 and np.isfinite(np.load(out)["codes"]).all()


def test_with_a_recording_the_recording_decides_how_long(folder, tmp_path, capsys):
    places = PLACES.copy()
    places[5:] = np.nan
    np.save(tmp_path / "face.npy", places)
    voice = made_sound.write(tmp_path / "voice.wav", made_sound.hum(1.2))
    words = ("--landmarks", tmp_path / "face.npy", "-o", tmp_path / "talk.npz", "--json")
    assert animate(folder, voice, *words) == 0
    assert json.loads(capsys.readouterr().out)["outputs"][0]["frames"] == 36


def write_bad(name: str, folder) -> tuple:
    path = folder / "face.npy"
    lost = np.tile(PLACES, (3, 1, 1))
    lost[20:60] = np.nan
    arrays = {
        "67 points": PLACES[:, :67],
        "only NaN": np.full_like(PLACES, np.nan),
        "a long run of NaN": lost,
        "no frames": PLACES[:0],
        "another rate": np.tile(PLACES, (3, 1, 1)),
        "no rate": PLACES,
        "two recordings": PLACES,
        "shares": PLACES / [1600, 900],
    }
    extra = {
        "another rate": ("--sound", made_sound.write(folder / "a.wav", made_sound.hum(1.0))),
        "no rate": ("--landmarks-fps", "0"),
        "two recordings": ("a.wav", "b.wav"),
    }
    np.save(path, arrays[name])
    return (*extra.get(name, ()), "--landmarks", path)


BAD = {
    "67 points": "67 points a frame",
    "only NaN": "no landmark in any of 30 frames",
    "a long run of NaN": "frames 20 to 59",
    "no frames": "no frames",
    "another rate": "--landmarks-fps, for example 120",
    "no rate": "--landmarks-fps 0",
    "two recordings": "2 recordings",
    "shares": "--landmarks-aspect",
}


@pytest.mark.parametrize("name", BAD)
def test_bad_landmarks_end_in_one_line(name, folder, tmp_path, capsys):
    out = tmp_path / "out" / "talk.npz"
    out.parent.mkdir()
    assert animate(folder, *write_bad(name, tmp_path), "-o", out) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and said[0].startswith("facetalk: ") and BAD[name] in said[0]
    assert not list(out.parent.iterdir())


def test_a_video_without_mediapipe_names_the_extra(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    (tmp_path / "face.mp4").touch()
    assert animate(folder, "--landmarks", tmp_path / "face.mp4", "-o", tmp_path / "talk.npz") == 2
    assert "facetalk[landmarks]" in capsys.readouterr().err.strip().splitlines()[-1]
