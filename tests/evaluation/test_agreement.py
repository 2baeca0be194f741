import numpy as np
import pytest

from facetalk.evaluation import agreement


def noise(seed: int, frames: int = 400) -> np.ndarray:
    return np.convolve(np.random.default_rng(seed).normal(size=frames + 8), np.hanning(9), "valid")


@pytest.mark.parametrize("lag", [-4, -1, 0, 2, 5])
def test_a_delayed_curve_is_found_to_trail_by_its_delay(lag):
    curve = noise(0)
    assert agreement.best_lag(np.roll(curve, lag), curve) == lag


def test_correlation_does_not_mind_scale_nor_gaps_and_is_zero_for_stillness():
    curve = noise(1)
    other = 3 * curve - 2
    other[5:9] = np.nan
    assert agreement.correlation(curve, other) == pytest.approx(1)
    assert agreement.correlation(curve, np.ones(400)) == 0


def test_what_loudness_explains_is_taken_out():
    loudness, own = noise(2), noise(3)
    delayed = np.roll(loudness, 2)
    assert agreement.correlation(delayed + 0.1 * own, delayed) > 0.9
    assert abs(agreement.partial_correlation(delayed + 0.1 * noise(4), delayed + 0.1 * noise(5), loudness)) < 0.3
    assert agreement.partial_correlation(delayed + own, loudness + own, loudness) > 0.95


def test_a_straight_path_has_no_jitter():
    path = np.linspace(0, 1, 50)[:, None] * np.arange(3.0)
    assert agreement.jitter(path, 30.0) < 1e-6
    assert agreement.jitter(path + 0.1 * noise(6, 150).reshape(50, 3), 30.0) > 1
    assert agreement.jitter(path[:3], 30.0) == 0


def test_velocity_is_per_second():
    assert np.allclose(agreement.velocity(np.arange(5.0), 30.0), 30)
    assert agreement.root_mean_square(np.array([3.0, np.nan, -3.0])) == 3
    assert agreement.root_mean_square(np.zeros(0)) == 0
