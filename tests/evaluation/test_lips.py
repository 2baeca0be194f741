import numpy as np
import pytest

from facetalk.arkit import ARKIT_INDEX
from facetalk.evaluation import lips

RATE = 30.0
PHONES = (
    ("_", 0.0, 1.0),
    ("m", 1.0, 1.1),
    ("a", 1.1, 1.3),
    ("n", 1.3, 1.4),
    ("a", 1.4, 1.6),
    ("p", 1.6, 1.7),
    ("pʼ", 1.7, 1.73),
    ("a", 1.73, 1.9),
    ("f", 1.9, 2.0),
    ("i", 2.0, 2.2),
    ("m", 2.2, 2.3),
    ("u", 2.3, 2.5),
    ("m", 2.5, 2.6),
    ("i", 2.6, 2.8),
    ("_", 2.8, 4.0),
)
OPENING = {"_": 0.0, "m": 0.0, "p": 0.0, "pʼ": 3.0, "n": 3.0, "f": 1.5, "i": 4.0, "u": 3.5, "a": 12.0}


def spoken(opening: dict[str, float] = OPENING) -> lips.SpokenMotion:
    times = (np.arange(120) + 0.5) / RATE
    symbol = [next(name for name, start, end in PHONES if start <= time < end) for time in times]
    apertures = np.array([opening[name] for name in symbol])
    rounding = np.array([0.6 if name == "u" else 0.05 for name in symbol])
    return lips.SpokenMotion(apertures, rounding, np.zeros(120), PHONES, RATE)


def test_right_lips_pass_everything():
    report = lips.report([spoken()])
    assert report.closure_rate == 1 and report.closures == 4
    assert report.false_closure_rate == 0 and report.open_vowel_frames > 5
    assert report.stillness == 0 and report.pause_frames > 20
    assert report.in_order and report.median_mm["a"] == 12
    assert report.rounding["u"] > report.rounding["i"]
    assert all(
        pair.separation == 1 and pair.pairs > 0 for name, pair in report.minimal_pairs.items() if name != "pa/ta"
    )
    assert np.isnan(report.minimal_pairs["pa/ta"].separation)  # nobody says ta


def test_open_lips_fail_to_close_and_shut_lips_close_wrongly():
    assert lips.report([spoken(OPENING | {"m": 2.0, "p": 2.0, "_": 2.0})]).closure_rate == 0
    shut = lips.report([spoken(dict.fromkeys(OPENING, 0.0))])
    assert shut.closure_rate == 1 and shut.false_closure_rate == 1 and not shut.in_order


def test_an_unknown_aperture_is_a_failure_on_both_counts():
    unknown = lips.report([spoken(dict.fromkeys(OPENING, np.nan))])
    assert unknown.closure_rate == 0 and unknown.false_closure_rate == 1


@pytest.mark.parametrize(("outside_ms", "closes"), [(10, True), (40, False)])
def test_a_closure_counts_within_17_ms_of_its_segment(outside_ms, closes):
    apertures = np.full(60, 5.0)
    apertures[30] = 0.0  # shown at 1.0167 s
    end = (30.5 / RATE) - outside_ms / 1000
    clip = lips.SpokenMotion(apertures, np.zeros(60), np.zeros(60), (("b", end - 0.05, end),), RATE)
    assert lips.closures(clip).tolist() == [closes]


def test_restless_pauses_are_seen():
    clip = spoken()
    clip.apertures[:30] = 4 * (np.arange(30) % 2)
    assert lips.report([clip]).stillness > 0.5


def test_rounding_is_funnel_and_pucker():
    curves = np.zeros((4, 52))
    curves[:, ARKIT_INDEX["mouthFunnel"]], curves[:, ARKIT_INDEX["mouthPucker"]] = 0.2, 0.3
    assert np.allclose(lips.rounding(curves), 0.5)
