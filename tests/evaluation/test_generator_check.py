"""The comparison of generated and captured motion: spans and co-movement of made tracks, and a picture."""

import numpy as np
import pytest

from facetalk.evaluation import generator
from facetalk.evaluation.calibration import Track
from facetalk.evaluation.generator import Tracks


def made(width: int, seed: int = 0) -> Track:
    """White noise held for `width` frames each: it resembles itself by half after half as many."""
    values = np.repeat(np.random.default_rng(seed).random(1200 // width), width)
    return Track(values, np.ones(len(values), bool))


def test_a_held_position_lasts_half_as_long_as_it_is_held():
    assert generator.span_ms([made(8)], 30.0) == pytest.approx(1000 * 4 / 30, rel=0.15)
    assert generator.span_ms([made(16)], 30.0) == pytest.approx(1000 * 8 / 30, rel=0.25)


def test_two_channels_that_are_one_go_together():
    report = generator.compare(Tracks([made(8)], [made(4)]), Tracks([made(8)], [made(4, seed=5)]))
    ours, theirs = report.together
    assert ours == pytest.approx(1) and abs(theirs) < 0.3
    assert report.span_ms["jaw"][0] > report.span_ms["jaw"][1]
    assert report.power["jaw"][0] > 1 > report.power["jaw"][2]  # longer held is slower


def test_it_is_drawn(tmp_path):
    tracks = {"jawOpen": Tracks([made(8)], [made(4)])}
    generator.draw(tracks, {"jawOpen": 1.0}).savefig(tmp_path / "generator.png", dpi=30)
    assert (tmp_path / "generator.png").stat().st_size > 1000


def test_short_stretches_of_speech_have_no_spectrum():
    track = made(4)
    spoken = np.zeros(len(track.values), bool)
    spoken[100:200] = True
    hertz, power = generator.spoken_spectrum([Track(track.values, spoken)], 30.0)
    assert hertz[-1] == 15 and power[1:].min() > 0
    assert not generator.spoken_spectrum([Track(track.values, spoken & (np.arange(len(spoken)) < 130))], 30.0)[1].any()
