"""Every example runs, with tiny models, and is short."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import made_sound
from facetalk.pipeline.presenter import Presentation, View
from facetalk.pipeline.roads import Surface
from facetalk.pipeline.talker import Performing
from facetalk.rig import livelink
from facetalk.types import FRAME_RATE, RigCurves

EXAMPLES = Path(__file__).parents[1] / "examples"
COARSE, QUICK = Surface(resolution=16), Performing(steps=1)


def example(number: int):
    """The main function of an example."""
    [path] = EXAMPLES.glob(f"{number:02d}_*.py")
    return runpy.run_path(str(path))["main"]


@pytest.fixture
def voice(tmp_path) -> Path:
    return made_sound.write(tmp_path / "voice.wav", made_sound.hum(0.2))


def test_speech_to_video(voice, weights, tmp_path):
    example(1)(voice, tmp_path / "a.mp4", weights=weights, show=Presentation(COARSE, View(size=32)))
    assert (tmp_path / "a.mp4").exists()


def test_takes_and_curves(voice, weights, tmp_path, capsys):
    example(2)(voice, tmp_path / "curves", weights=weights, performing=QUICK)
    assert len(list((tmp_path / "curves").iterdir())) == 2 and "browInnerUp" in capsys.readouterr().out


def test_captured_motion(weights, tmp_path):
    curves = RigCurves(np.zeros((6, 52), np.float32), FRAME_RATE)
    livelink.write(livelink.still(curves), tmp_path / "take.csv")
    example(3)(tmp_path / "take.csv", tmp_path / "a.npz", weights=weights)
    assert (tmp_path / "a-other.npz").exists()


def test_meshes_and_apertures(voice, weights, capsys):
    example(4)(voice, weights=weights, surface=COARSE, performing=QUICK)
    assert "exact" in capsys.readouterr().out


def test_any_field(tmp_path):
    example(5)(tmp_path / "ball.png", resolution=16, size=32)
    assert (tmp_path / "ball.png").exists()


def test_examples_are_short_and_all_tested():
    paths = sorted(EXAMPLES.glob("*.py"))
    assert [path.name[:2] for path in paths] == [f"{number:02d}" for number in range(1, len(paths) + 1)]
    assert all(len(path.read_text().splitlines()) <= 60 for path in paths)
