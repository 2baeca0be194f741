from fractions import Fraction

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, PchipInterpolator

from facetalk.errors import InputError
from facetalk.rig import curves
from facetalk.types import RigCurves


def wave(frames: int, rate: Fraction) -> RigCurves:
    times = curves.midpoints(frames, rate)
    phase = np.linspace(0, 2, 52)
    return RigCurves(0.5 + 0.5 * np.sin(4 * times[:, None] + phase), rate)


@pytest.mark.parametrize(("duration", "frames"), [("0.01", 1), ("0.5", 15), ("0.05", 2), ("0.0166", 1), ("10", 300)])
def test_frames_are_rounded_half_up_and_never_none(duration, frames):
    assert curves.frame_count(Fraction(duration), Fraction(30)) == frames


def test_own_rate_changes_nothing():
    original = wave(20, Fraction(30))
    assert curves.resample(original, Fraction(30)) is original


@pytest.mark.parametrize("rate", [Fraction(60), Fraction(25), Fraction(30000, 1001)])
def test_another_rate_is_the_same_movement(rate):
    original = wave(90, Fraction(30))
    moved = curves.resample(original, rate)
    truth = wave(len(moved), rate)
    assert moved.rate == rate
    assert np.abs(moved.weights - truth.weights)[2:-2].max() < 0.01


def test_no_weight_leaves_the_range_of_its_neighbours():
    steps = RigCurves(np.repeat(np.array([0.0, 1.0, 1.0, 0.0, 0.0])[:, None], 52, 1), Fraction(30))
    moved = curves.resample(steps, Fraction(240)).weights
    assert moved.min() >= 0 and moved.max() <= 1


def test_one_frame_is_held():
    single = RigCurves(np.full((1, 52), 0.3), Fraction(30))
    assert np.allclose(curves.resample(single, Fraction(60)).weights, 0.3)


@pytest.mark.parametrize("bad", [RigCurves(np.zeros((0, 52)), Fraction(30)), None])
def test_nothing_to_resample_is_refused(bad):
    with pytest.raises(InputError):
        curves.resample(bad or wave(3, Fraction(30)), Fraction(60) if bad else Fraction(0))


def test_recorded_movement_keeps_its_turns_between_frames():
    """Six swings a second seen 24 times: splines find the turns, interpolation within its neighbours cuts them off."""
    known, wanted = curves.midpoints(73, Fraction(73, 3)), curves.midpoints(90, Fraction(30))[6:-6]
    seen, true = (np.sin(2 * np.pi * 6 * times)[:, None] for times in (known, wanted))
    turned, within = (
        np.abs(curves.at_times(seen, known, wanted, way) - true).mean() for way in (CubicSpline, PchipInterpolator)
    )
    assert turned < 0.6 * within
    held = curves.at_times(seen[:1], known[:1], wanted, CubicSpline)
    assert np.array_equal(held, np.repeat(seen[:1], len(wanted), axis=0))
