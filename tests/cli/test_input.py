"""Odd recordings work; bad ones end in one line, exit code 2 and nothing half-written."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import made_sound
from facetalk.cli.main import main

SMALL = ("--size", "32", "--resolution", "16", "--steps", "1")


def write_odd(name: str, path: Path) -> Path:
    hum = made_sound.hum
    makers = {
        "8 kHz": lambda: made_sound.write(path, hum(0.4, 8000), 8000),
        "96 kHz stereo": lambda: made_sound.write(path, np.stack([hum(0.4, 96000)] * 2, 1), 96000),
        "24 bit": lambda: made_sound.write(path, hum(0.4), subtype="PCM_24"),
        "clipped": lambda: made_sound.write(path, np.clip(hum(0.4, loudness=9), -1, 1)),
        "very quiet": lambda: made_sound.write(path, hum(0.4, loudness=1e-4), subtype="FLOAT"),
        "10 s of silence": lambda: made_sound.write(path, np.zeros(160_000)),
    }
    return makers[name]()


@pytest.mark.parametrize("name", ["8 kHz", "96 kHz stereo", "24 bit", "clipped", "very quiet", "10 s of silence"])
def test_odd_recordings_work(name, weights, tmp_path, capsys):
    path = write_odd(name, tmp_path / "odd.wav")
    out = tmp_path / "odd.npz"
    assert main(["animate", str(path), "-o", str(out), "--weights", str(weights), *SMALL, "--json"]) == 0
    [output] = json.loads(capsys.readouterr().out)["outputs"]
    assert output["frames"] == (300 if name == "10 s of silence" else 12)
    assert np.isfinite(np.load(out)["codes"]).all()


def write_silent_video(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(30))
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for _ in range(8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def write_bad(name: str, folder: Path) -> Path:
    path = folder / "bad.wav"
    if name == "missing file":
        return path
    if name == "a folder":
        path.mkdir()
        return path
    if name == "empty file":
        path.touch()
        return path
    if name == "text renamed .wav":
        path.write_text("To be, or not to be, that is the question.\n" * 20)
        return path
    if name == "a video without sound":
        return write_silent_video(folder / "bad.mp4")
    seconds = {"0 s": 0.0, "20 ms": 0.02, "NaN samples": 0.5}[name]
    samples = made_sound.hum(seconds)
    if name == "NaN samples":
        samples[1000] = np.nan
    return made_sound.write(path, samples, subtype="FLOAT")


def check_refused(words: list[str], capsys, names: str) -> None:
    """Exit code 2, and one line that names the trouble."""
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1 and "Traceback" not in printed.err
    assert names in printed.err


@pytest.mark.parametrize(
    "name",
    ["missing file", "a folder", "empty file", "text renamed .wav", "0 s", "20 ms", "NaN samples",
     "a video without sound"],
)  # fmt: skip
def test_bad_recordings_are_refused(name, weights, tmp_path, capsys):
    path = write_bad(name, tmp_path)
    out = tmp_path / "out" / "x.mp4"
    words = ["animate", str(path), "-o", str(out), "--weights", str(weights), *SMALL]
    check_refused(words, capsys, path.name)
    assert not out.parent.exists() or list(out.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "names"),
    [
        (("-o", "{}/x.gif"), ".gif"),
        (("-o", "{}/voice.wav/x.mp4"), "voice.wav"),
        (("-o", "/proc/facetalk/x.mp4"), "/proc"),
        (("--identity", "nobody"), "nobody"),
        (("--identity", "missing.npz"), "missing.npz"),
        (("--resolution", "0"), "--resolution 0"),
        (("--steps", "0"), "--steps 0"),
        (("--size", "0"), "--size 0"),
        (("--fps", "0"), "--fps 0"),
        (("--camera", "moon"), "moon"),
        (("--background", "sky blue"), "sky blue"),
        (("--device", "abacus"), "abacus"),
        (("--guidance", "nan"), "--guidance"),
        (("--expressiveness", "-1"), "--expressiveness"),
        (("--start", "99"), "start earlier"),
        (("--start", "-1"), "start"),
        (("--duration", "0"), "duration"),
        (("--takes", "0"), "take"),
        (("--weights", "{}/none"), "head.safetensors"),
    ],
)
def test_bad_options_are_refused(wrong, names, weights, tmp_path, capsys):
    path = made_sound.write(tmp_path / "voice.wav", made_sound.hum(0.3))
    words = ["animate", str(path), "-o", str(tmp_path / "x.mp4"), "--weights", str(weights), *SMALL]
    words += [word.format(tmp_path) for word in wrong]
    check_refused(words, capsys, names)
    assert [entry.name for entry in tmp_path.iterdir()] == ["voice.wav"]


def test_what_is_there_is_not_replaced(weights, tmp_path, capsys):
    path = made_sound.write(tmp_path / "voice.wav", made_sound.hum(0.3))
    out = tmp_path / "x.npz"
    out.write_text("mine")
    check_refused(["animate", str(path), "-o", str(out), "--weights", str(weights)], capsys, "--overwrite")
    assert out.read_text() == "mine"


def test_two_recordings_of_one_name_are_refused(weights, tmp_path, capsys):
    (tmp_path / "b").mkdir()
    paths = [made_sound.write(folder / "voice.wav", made_sound.hum(0.3)) for folder in (tmp_path, tmp_path / "b")]
    check_refused(["animate", *map(str, paths), "-o", str(tmp_path / "x.npz")], capsys, "'voice'")


@pytest.mark.parametrize("words", [["sing"], ["head", "sing"], ["render", "none.npz", "-o", "x.mp4"]])
def test_what_does_not_exist_is_refused(words, weights, capsys):
    check_refused(words, capsys, words[1] if words[0] == "render" else "sing")
