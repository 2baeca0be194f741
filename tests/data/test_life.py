import numpy as np
import pytest

from facetalk.arkit import ARKIT_INDEX
from facetalk.data import life, style
from facetalk.data.life import LifeConfig
from facetalk.data.segments import Segment
from facetalk.data.style import Style

CONFIG = LifeConfig()
PLAIN = Style()
TIMES = (np.arange(3600) + 0.5) / 30
MOUTH = [index for name, index in ARKIT_INDEX.items() if name.startswith(("jaw", "mouth")) and "Smile" not in name]


def lived(seed: int, manner: Style = PLAIN) -> np.ndarray:
    return life.live((), np.arange(1.0, 119.0, 2.0), manner, TIMES, np.random.default_rng(seed))


def test_a_blink_falls_fast_rises_slowly_and_shows_a_shut_frame():
    time = np.arange(0, 0.5, 0.001)
    shut = life.blink(time, CONFIG)
    half = np.flatnonzero(shut > 0.5) * 0.001
    assert shut.max() == 1 and shut[0] == 0 and shut[-1] == 0
    assert half[0] < 0.06 and half[-1] - CONFIG.blink_closing - CONFIG.blink_shut > half[0]
    assert (shut > 0.999).sum() * 0.001 > 1 / 30


@pytest.mark.parametrize("rate", [12.0, 18.0, 25.0])
def test_blinks_come_at_their_rate_and_not_too_near(rate):
    pauses = np.zeros(0)
    starts = life.blink_times(pauses, 1200.0, Style(blinks_per_minute=rate), np.random.default_rng(0), CONFIG)
    assert 0.7 * rate < len(starts) / 20 < 1.2 * rate
    assert np.diff(starts).min() > CONFIG.blink_rest


def test_pauses_draw_blinks():
    pauses = np.arange(5.0, 600.0, 10.0)
    starts = life.blink_times(pauses, 600.0, Style(), np.random.default_rng(0), CONFIG)
    after = ((starts[:, None] - pauses >= 0) & (starts[:, None] - pauses < 0.2)).any(0).mean()
    assert after > 0.2


def test_saccades_take_as_long_as_the_main_sequence_says():
    time = np.arange(0, 1, 0.001)
    moved = life.gaze(np.array([-1.0, 0.5]), np.array([[0.0, 0.0], [10.0, 0.0]]), time)[:, 0]
    under_way = (moved > 0.001) & (moved < 9.999)
    assert under_way.sum() * 0.001 == pytest.approx(0.021 + 0.022, abs=0.004)
    assert moved[-1] == pytest.approx(10)


def test_both_eyes_look_the_same_way():
    weights = lived(0)
    out_left, in_right = ARKIT_INDEX["eyeLookOutLeft"], ARKIT_INDEX["eyeLookInRight"]
    assert np.allclose(weights[:, out_left], weights[:, in_right]) and weights[:, out_left].max() > 0.05
    assert not (weights[:, out_left] * weights[:, ARKIT_INDEX["eyeLookInLeft"]]).any()


def test_life_parts_no_lips():
    weights = lived(1, Style(expressiveness=1.5))
    frown = [ARKIT_INDEX["mouthFrownLeft"], ARKIT_INDEX["mouthFrownRight"]]
    assert not weights[:, [index for index in MOUTH if index not in frown]].any()


def test_chance_is_the_seeds():
    assert np.array_equal(lived(3), lived(3))
    assert np.abs(lived(3) - lived(4)).max() > 0.5


def test_expressive_people_raise_their_brows_more():
    brow = ARKIT_INDEX["browInnerUp"]
    calm, lively = lived(5, Style(expressiveness=0.5)), lived(5, Style(expressiveness=1.5))
    assert lively[:, brow].mean() > 1.5 * calm[:, brow].mean()


def test_accents_are_stressed_vowels_of_high_pitch():
    segments = [Segment("a", k * 0.2, (k + 1) * 0.2, stress=2 * (k % 2)) for k in range(10)]
    times = np.arange(0, 2, 0.01)
    octaves = np.where((times >= 0.6) & (times < 0.8) | (times >= 0.8) & (times < 1.0), 7.5, 7.0)
    assert life.accents(times, octaves, segments) == pytest.approx([0.7])
    assert not len(life.accents(times, np.full(200, np.nan), segments))


def test_affect_moves_slowly():
    valence = life.affect(TIMES, np.random.default_rng(0), CONFIG)
    assert 0.4 < valence.std() < 1.6 and np.abs(np.diff(valence)).max() < 0.1


def test_styles_are_drawn_round_the_calibrated_mean():
    drawn = [style.draw(np.random.default_rng(seed)) for seed in range(200)]
    assert np.mean([manner.articulation for manner in drawn]) == pytest.approx(1, abs=0.03)
    assert np.mean([manner.jaw for manner in drawn]) == pytest.approx(1, abs=0.03)
    assert all(manner.jaw + manner.lips == pytest.approx(2) for manner in drawn)
