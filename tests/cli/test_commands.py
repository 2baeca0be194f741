"""The command line: what users type, end to end, with tiny models."""

import json
import subprocess
import sys

import numpy as np
import pytest

import made_sound
from facetalk.cli import main as entry
from facetalk.cli.main import COMMANDS, INTERRUPTED, UNREAD, main

SMALL = ("--size", "32", "--resolution", "16", "--steps", "1")


@pytest.fixture
def voice(tmp_path):
    return made_sound.write(tmp_path / "voice.wav", made_sound.hum(0.3))


@pytest.fixture
def facetalk(weights, capsys):
    """Run a command that must succeed; what it prints comes back."""

    def run(*words: object) -> str:
        assert main([*map(str, words), "--weights", str(weights)]) == 0
        return capsys.readouterr().out

    return run


def test_animate_makes_a_video_and_says_so(facetalk, voice, tmp_path):
    report = json.loads(facetalk("animate", voice, "-o", tmp_path / "a.mp4", *SMALL, "--json"))
    [output] = report["outputs"]
    assert output["frames"] == 9 and output["seconds"] == 0.3 and (tmp_path / "a.mp4").stat().st_size > 500
    assert set(report["stages_s"]) == {"load", "read", "move", "show"}


def test_render_shows_saved_codes_with_their_own_settings(facetalk, voice, tmp_path):
    facetalk("animate", voice, "-o", tmp_path / "a.npz", *SMALL, "--no-sway", "--fps", "15", "--identity", "seed:9")
    plain = json.loads(facetalk("render", tmp_path / "a.npz", "-o", tmp_path / "a.mp4", "--json"))["outputs"][0]
    assert plain["frames"] == 5 and plain["identity"] == "seed:9"  # 4.5 frames round half up
    other = facetalk("render", tmp_path / "a.npz", "-o", tmp_path / "b.mp4", "--identity", "ben", "--sway", "--json")
    assert json.loads(other)["outputs"][0]["identity"] == "ben"


def test_takes_and_several_recordings_get_names(facetalk, voice, tmp_path):
    second = made_sound.write(tmp_path / "second.wav", made_sound.hum(0.2))
    facetalk("animate", voice, second, "-o", tmp_path / "t.npz", "--takes", "2", *SMALL)
    names = {path.name for path in tmp_path.glob("t*.npz")}
    assert names == {"t-voice-1.npz", "t-voice-2.npz", "t-second-1.npz", "t-second-2.npz"}
    one, two = (np.load(tmp_path / f"t-voice-{n}.npz")["codes"] for n in (1, 2))
    assert not np.array_equal(one, two)


def test_a_part_of_the_recording(facetalk, voice, tmp_path):
    out = facetalk("animate", voice, "-o", tmp_path / "a.npz", "--start", 0.1, "--duration", 0.1, *SMALL, "--json")
    assert json.loads(out)["outputs"][0]["frames"] == 3


def test_a_captured_take_drives_the_head(facetalk, voice, tmp_path):
    facetalk("animate", voice, "-o", tmp_path / "a.csv", *SMALL)
    out = facetalk("animate", tmp_path / "a.csv", "--sound", voice, "-o", tmp_path / "b.mp4", *SMALL, "--json")
    assert json.loads(out)["outputs"][0]["frames"] == 9
    out = facetalk("animate", tmp_path / "a.csv", "-o", tmp_path / "c.npz", "--start", 0.1, *SMALL, "--json")
    assert json.loads(out)["outputs"][0]["frames"] == 6


def test_preview_is_small_and_quick(facetalk, voice, tmp_path):
    out = facetalk("animate", voice, "-o", tmp_path / "a.mp4", *SMALL, "--preview", "--json")
    assert json.loads(out)["outputs"][0]["frames"] == 5


def test_identities_are_listed_and_drawn(facetalk, tmp_path):
    found = json.loads(facetalk("identities", "--json"))
    assert len(found["identities"]) >= 6 and found["default"] in found["identities"]
    facetalk("identities", "-o", tmp_path / "heads.png", "--size", "32", "--resolution", "16")
    assert (tmp_path / "heads.png").stat().st_size > 500


def test_doctor_finds_the_models(facetalk):
    findings = {row["name"]: row for row in json.loads(facetalk("doctor", "--json"))["findings"]}
    assert all(findings[name]["fine"] for name in ("codecs", "head", "speech", "motion", "device"))
    assert findings["head"]["found"].split()[0] in findings["head"]["found"]


def test_doctor_says_what_is_missing(capsys, tmp_path):
    assert main(["doctor", "--weights", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("missing") >= 3


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*name.split(), "--help"])
    assert stopped.value.code == 0
    assert f"facetalk {name}" in capsys.readouterr().out


def test_the_overview_names_every_command(capsys):
    assert main([]) == main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)
    assert main(["head"]) == 0 and "head train" in capsys.readouterr().out


def test_ctrl_c_ends_quietly(monkeypatch, capsys):
    def stop(words: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "run", stop)
    assert main(["demo"]) == INTERRUPTED
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--help"], ["identities", "--help"]])
def test_a_reader_that_goes_away_ends_quietly(words):
    program = [sys.executable, "-c", f"import sys; from facetalk.cli.main import main; sys.exit(main({words}))"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == UNREAD


def test_a_missing_extra_is_named(monkeypatch, capsys, tmp_path):
    for module in [name for name in sys.modules if name.startswith(("facetalk.cli.data", "facetalk.data", "igl"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "igl", None)
    assert main(["data", "heads", "--ict", str(tmp_path), "--out", str(tmp_path / "x")]) == 2
    assert "facetalk[train]" in capsys.readouterr().err
