import json

import numpy as np
import pytest
from PIL import Image

import made_sound
from facetalk.cli.main import main
from made_models import PLACES, RADIUS


@pytest.fixture
def ball(tmp_path):
    """A scan of the made head, which is nearly a ball, in centimetres."""
    raw = np.random.default_rng(0).normal(size=(1500, 3))
    normals = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    path = tmp_path / "scan.npz"
    np.savez(path, points=25 * RADIUS * normals, normals=normals)
    return path


def fit(path, weights, *words):
    return main(["head", "fit", str(path), "-o", str(path.with_name("head.npz")), "--weights", str(weights),
                 "--steps", "6", *words])  # fmt: skip


def mark(path, *names):
    path.write_text(json.dumps({name: (25 * np.array(PLACES[name])).tolist() for name in names}))


def test_a_fitted_head_speaks(ball, weights, tmp_path, capsys):
    picture, head = tmp_path / "residual.png", tmp_path / "head.npz"
    assert fit(ball, weights, "--picture", str(picture), "--size", "64", "--json") == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["unit"] == "cm" and figures["normals_used"]
    assert figures["residual_mean_mm"] < 3 and figures["inliers"] > 0.9 and figures["face_covered"] > 0.9
    with Image.open(picture) as image:
        assert image.width > 3 * 64
    with np.load(head) as saved:
        z_id, T_head_scan = saved["z_id"], saved["T_head_scan"]
    assert np.allclose(np.linalg.det(T_head_scan[:3, :3]), 25.0**-3, rtol=1e-3)
    voice = made_sound.write(tmp_path / "voice.wav", made_sound.hum(0.2))
    words = ["animate", str(voice), "-o", str(tmp_path / "talk.npz"), "--identity", str(head)]
    assert main([*words, "--weights", str(weights), "--steps", "1"]) == 0
    with np.load(tmp_path / "talk.npz") as talk:
        assert np.array_equal(talk["z_id"], z_id) and str(talk["identity"]) == "head"


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        (lambda points: points, ("--unit", "mm"), "try --unit cm"),
        (lambda points: points * 1e6, (), "no head in m, cm or mm"),
        (lambda points: points[points[:, 2] < -4], ("--landmarks",), "face is in view"),
        (lambda points: points[:3], (), "too few"),
        (lambda points: points[:0], (), "too few"),
        (lambda points: points * np.nan, (), "not finite"),
    ],
)
def test_scans_without_a_head_end_in_one_line(ball, weights, capsys, change, words, said):
    with np.load(ball) as file:
        points = file["points"]
    np.savez(ball, points=change(points))
    if words == ("--landmarks",):
        marks = ball.with_name("marks.json")
        marks.write_text(
            json.dumps({name: (25 * np.array(PLACES[name])).tolist() for name in ("crown", "chin", "ear_left")})
        )
        words = ("--landmarks", str(marks))
    assert fit(ball, weights, *words) == 2
    printed = capsys.readouterr()
    assert said in printed.err and len(printed.err.strip().splitlines()) == 1
    assert not ball.with_name("head.npz").exists()
