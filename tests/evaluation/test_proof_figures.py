"""Figures of the motion table: right about made motion whose answer is known."""

import numpy as np
import pytest

from facetalk.arkit import ARKIT_INDEX
from facetalk.evaluation import blinks, frechet, interval, timing, vertices

RANDOM = np.random.default_rng(0)
SMOOTH = np.convolve(RANDOM.normal(size=400), np.hanning(9), "valid")


def test_a_quotient_of_sums_with_an_interval_that_holds_it():
    shares = [(float(RANDOM.random() < 0.8), 1.0) for _ in range(200)]
    found = interval.ratio(shares)
    assert found.value == pytest.approx(sum(a for a, _ in shares) / 200)
    assert found.low < found.value < found.high and found.high - found.low == pytest.approx(0.11, abs=0.03)
    assert interval.ratio([(3.0, 4.0)] * 5) == interval.Interval(0.75, 0.75, 0.75)
    assert str(interval.ratio([(0.0, 0.0)])) == "–"


def test_large_clips_weigh_more():
    assert interval.ratio([(9.0, 10.0), (0.0, 1.0)]).value == pytest.approx(9 / 11)


def moved(offset: float) -> np.ndarray:
    """Five vertices that move by turns; the last one is off by `offset`."""
    places = np.repeat(np.sin(np.arange(50) / 3)[:, None, None], 5, 1) * np.array([1.0, 0, 0])
    places[:, -1, 1] += offset
    return places


def test_lip_error_is_the_worst_vertex_and_mean_error_all_of_them():
    total, frames = vertices.lip_error(moved(2.0), moved(0.0))
    assert total / frames == pytest.approx(2.0) and frames == 50
    total, frames = vertices.mean_error(moved(2.0), moved(0.0))
    assert total / frames == pytest.approx(0.4)


def test_a_still_upper_face_moves_too_little():
    assert vertices.dynamics_deviation(np.zeros((50, 5, 3)), moved(0.0))[0] > 0.2
    assert vertices.dynamics_deviation(moved(0.0), moved(0.0))[0] == 0


def test_takes_differ_by_their_distance_and_the_best_is_found():
    takes = [moved(0.0), moved(3.0), moved(1.0)]
    assert vertices.diversity(takes)[0] == pytest.approx((3 + 1 + 2) / 3 / 5)
    assert vertices.diversity(takes[:1]) == interval.NOTHING
    assert vertices.best_lip_error(takes[1:], moved(0.0))[0] == pytest.approx(50)


@pytest.mark.parametrize("late", [-1.5, 0.0, 0.4, 2.25])
def test_offsets_are_found_within_a_frame(late):
    times = np.arange(200.0)
    curve = sum(np.sin(times / period) for period in (1.7, 3.1, 5.3))
    shifted = sum(np.sin((times - late) / period) for period in (1.7, 3.1, 5.3))
    found, weight = timing.offset_ms(shifted, curve, 30.0)
    assert weight == 1 and found == pytest.approx(1000 * late / 30, abs=3)


def test_lips_that_stand_still_have_no_offset():
    assert timing.offset_ms(np.zeros(50), SMOOTH[:50], 30.0) == interval.NOTHING


def test_half_the_motion_has_a_quarter_of_variance_and_power():
    assert interval.ratio([timing.variance(SMOOTH / 2, SMOOTH)]).value == pytest.approx(0.25)
    assert interval.ratio([timing.squared_speed(SMOOTH / 2, SMOOTH)], np.sqrt).value == pytest.approx(0.5)
    for share in timing.band_powers(SMOOTH / 2, SMOOTH, 30.0):
        assert share[0] / share[1] == pytest.approx(0.25)
    assert timing.band_powers(SMOOTH[:20], SMOOTH[:20], 30.0)[0] == interval.NOTHING


def test_blinks_are_counted_and_timed():
    curves = np.zeros((300, 52))
    for start in (0, 100, 200):
        shape = np.interp(np.arange(8), [0, 3, 7], [0.1 if start else 1.0, 1.0, 0.0])
        for side in ("Left", "Right"):
            curves[start : start + 8, ARKIT_INDEX[f"eyeBlink{side}"]] = shape
    curves[140:170, ARKIT_INDEX["eyeBlinkLeft"]] = 0.4  # looking down is no blink
    assert len(blinks.blinks(curves, 30.0)) == 3
    assert blinks.blink_rate(curves, 30.0) == (3.0, pytest.approx(1 / 6))
    total, count = blinks.blink_seconds(curves, 30.0)
    assert 0.1 < total / count < 0.25


def test_frechet_of_normal_distributions_is_known():
    mean, spread = np.array([1.0, 0.0]), np.diag([4.0, 1.0])
    assert frechet.frechet(mean, spread, mean, spread) == pytest.approx(0, abs=1e-9)
    assert frechet.frechet(mean, spread, mean + 2, spread) == pytest.approx(8)
    assert frechet.frechet(mean, spread, mean, np.diag([1.0, 1.0])) == pytest.approx(1)


def test_other_motion_is_farther_than_the_same_kind():
    def clips(seed: int, pace: float) -> list[np.ndarray]:
        random = np.random.default_rng(seed)
        shape = np.hanning(max(3, int(9 / pace)))
        draws = [random.normal(size=(120 + len(shape), 3)) for _ in range(6)]
        return [np.stack([np.convolve(c, shape / np.linalg.norm(shape), "valid") for c in d.T], 1) for d in draws]

    like, faster = frechet.distance(clips(1, 1), clips(2, 1)), frechet.distance(clips(1, 3), clips(2, 1))
    assert like.value < 0.2 * faster.value and faster.low > like.value
