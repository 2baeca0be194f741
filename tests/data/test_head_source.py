"""Parts of the head source that need no checkout."""

import numpy as np
import pytest

pytest.importorskip("igl")

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.data import expressions, eyeballs, head_sampling, ict, posing, source
from facetalk.errors import InputError
from facetalk.geometry import PAPER_BOX


def test_every_arkit_name_but_the_tongue_has_a_source_shape():
    without = [name for name in ARKIT_NAMES if not ict._source_names(name)]
    assert without == ["tongueOut"]
    assert ict._source_names("mouthLeft") == ("mouthLeft",)
    assert ict._source_names("mouthSmileLeft") == ("mouthSmile_L",)
    assert ict._source_names("browInnerUp") == ("browInnerUp_L", "browInnerUp_R")


def test_missing_checkout_is_named(tmp_path):
    with pytest.raises(InputError, match="ICT-FaceKit checkout"):
        ict.read(tmp_path)


def test_cap_closes_a_loop():
    fan = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [0, 4, 1]])
    (loop,) = source.boundary_loops(fan)
    closed = np.concatenate([fan, source.fan(loop)])
    edges = [(int(f[i]), int(f[(i + 1) % 3])) for f in closed for i in range(3)]
    assert len(edges) == len(set(edges))
    assert all((b, a) in edges for a, b in edges)


def test_sphere_is_fitted_exactly():
    random = np.random.default_rng(0)
    arms = random.normal(size=(50, 3))
    points = [1.0, 2.0, 3.0] + 0.7 * arms / np.linalg.norm(arms, axis=1, keepdims=True)
    ball = eyeballs.fit_sphere(points)
    assert np.allclose(ball.centre, [1, 2, 3]) and np.isclose(ball.radius, 0.7)
    assert np.allclose(ball.unchart(ball.chart(points)), points)


def test_gaze_turns_both_eyes_the_same_way():
    weights = posing.rig_weights(eyeLookOutLeft=0.5, eyeLookInRight=0.5, eyeLookUpLeft=1.0, eyeLookUpRight=1.0)
    left, right = eyeballs.gaze(weights, "left"), eyeballs.gaze(weights, "right")
    assert left == pytest.approx(right) and left[0] > 0 and left[1] > 0
    forward = eyeballs.rotation(*left) @ np.array([0.0, 0.0, 1.0])
    assert forward[0] > 0 and forward[1] > 0


def test_expressions_stay_possible():
    random = np.random.default_rng(3)
    drawn = np.stack([expressions.draw(random) for _ in range(300)])
    assert drawn.min() >= 0 and drawn.max() <= 1
    for one, other in expressions.EXCLUSIVE:
        assert not (drawn[:, ARKIT_INDEX[one]] * drawn[:, ARKIT_INDEX[other]]).any()
    tongue = drawn[:, ARKIT_INDEX["tongueOut"]]
    assert (drawn[:, ARKIT_INDEX["jawOpen"]] >= expressions.TONGUE_JAW * tongue).all()
    closed = drawn[:, ARKIT_INDEX["mouthClose"]] > drawn[:, ARKIT_INDEX["jawOpen"]] + 1e-9
    assert not closed.any()


def test_a_tongue_comes_out_now_and_then_and_never_through_shut_lips():
    random = np.random.default_rng(6)
    shown = expressions.with_tongue(expressions.draw)
    drawn = np.stack([shown(random) for _ in range(600)])
    out = drawn[:, ARKIT_INDEX["tongueOut"]]
    assert 0.5 * expressions.TONGUES < (out > 0).mean() < 2 * expressions.TONGUES
    jaw, closed = drawn[out > 0][:, [ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]]].T
    assert (jaw >= expressions.TONGUE_JAW * out[out > 0]).all() and not closed.any()


def test_expressions_hold_what_speech_mixes():
    random = np.random.default_rng(4)
    drawn = np.stack([expressions.draw(random) for _ in range(400)])
    of = {name: drawn[:, ARKIT_INDEX[name]] for name in ("mouthFunnel", "mouthPucker", "jawOpen", "mouthClose")}
    assert ((of["mouthFunnel"] > 0.1) & (of["mouthPucker"] > 0.1)).mean() > 0.04
    assert ((of["jawOpen"] > 0.02) & (of["mouthClose"] > 0.9 * of["jawOpen"])).mean() > 0.1


def test_wide_mouths_are_wide_and_possible():
    random = np.random.default_rng(5)
    drawn = np.stack([expressions.wide(random) for _ in range(300)])
    jaw, closed = drawn[:, ARKIT_INDEX["jawOpen"]], drawn[:, ARKIT_INDEX["mouthClose"]]
    assert jaw.min() >= expressions.WIDE_JAW[0] and jaw.max() <= 1 and drawn.min() >= 0 and drawn.max() <= 1
    assert np.histogram(jaw, 4, expressions.WIDE_JAW)[0].min() > 40
    assert (closed <= jaw).all() and 0.1 < (closed > 0).mean() < 0.3
    mouth = [index for name, index in ARKIT_INDEX.items() if name.startswith(("mouth", "jaw")) and name != "jawOpen"]
    assert 0.2 < (drawn[:, mouth] == 0).all(axis=1).mean() < 0.5
    for one, other in expressions.EXCLUSIVE:
        assert not (drawn[:, ARKIT_INDEX[one]] * drawn[:, ARKIT_INDEX[other]]).any()


def test_small_mouths_are_a_little_open_and_possible():
    random = np.random.default_rng(0)
    drawn = np.stack([expressions.small(random) for _ in range(300)])
    jaw, pucker = (drawn[:, ARKIT_INDEX[name]] for name in ("jawOpen", "mouthPucker"))
    assert ((drawn >= 0) & (drawn <= 1)).all() and jaw.max() <= 0.5
    assert (jaw[pucker == 0] < 0.25).mean() > 0.8
    blinks = drawn[:, ARKIT_INDEX["eyeBlinkLeft"]]
    assert 0.4 < ((blinks > 0.1) & (blinks < 0.95)).mean() < 0.9
    assert (drawn[:, ARKIT_INDEX["mouthClose"]] == 0).all()


def test_quantised_positions_keep_hundredths_of_a_millimetre():
    random = np.random.default_rng(0)
    points = random.uniform(PAPER_BOX.lower, PAPER_BOX.upper, (100, 3))
    coded = head_sampling.quantise(points).astype(np.float64)
    back = np.array(PAPER_BOX.lower) + (coded + 32768) / 65535 * PAPER_BOX.size
    assert np.abs(back - points).max() * 250 < 0.005
