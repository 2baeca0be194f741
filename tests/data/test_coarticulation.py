import numpy as np
import pytest

from facetalk.arkit import ARKIT_INDEX
from facetalk.data.coarticulation import bilabials, mouth, speed_limited
from facetalk.data.segments import Part, Segment
from facetalk.data.style import Style
from facetalk.data.visemes import TARGETS, VISEMES, target, viseme
from facetalk.errors import InputError

JAW, CLOSE, PUCKER, FUNNEL = (ARKIT_INDEX[name] for name in ("jawOpen", "mouthClose", "mouthPucker", "mouthFunnel"))
PLAIN = Style()
TIMES = (np.arange(90) + 0.5) / 30


def spell(text: str, length: float = 0.1, lead: float = 0.8) -> list[Segment]:
    """Silence, the symbols, silence; stops are all closure."""
    items, time = [Segment("_", 0.0, lead)], lead
    for symbol in text:
        part = Part.CLOSURE if symbol in "ptkbd" else Part.WHOLE
        items.append(Segment(symbol, time, time + length, part=part))
        time += length
    return [*items, Segment("_", time, 3.0)]


def say(text: str, length: float = 0.1, style: Style = PLAIN, loud: float = -6.0) -> np.ndarray:
    items = spell(text, length)
    return mouth(items, np.full(len(items), loud), style, TIMES)


def during(text: str, place: int, length: float = 0.1) -> np.ndarray:
    item = spell(text, length)[place + 1]
    return (item.start <= TIMES) & (item.end > TIMES)


@pytest.mark.parametrize("consonant", "pbm")
@pytest.mark.parametrize("vowel", "aiu")
@pytest.mark.parametrize("length", [0.045, 0.08, 0.15])
def test_bilabials_close_between_all_vowels_at_all_rates(consonant, vowel, length):
    weights = say(vowel + consonant + vowel, length)
    items = spell(vowel + consonant + vowel, length)
    (held,) = bilabials(items)
    near = (held.start - 0.017 < TIMES) & (held.end + 0.017 > TIMES)
    sealed = weights[near, CLOSE] >= 0.95 * weights[near, JAW]
    assert sealed.any() and weights[near][sealed][:, FUNNEL].max() < 0.02


def test_mouth_close_never_exceeds_jaw_open_and_weights_stay_in_range():
    weights = say("mapibofuvastmewaʃibim", 0.06)
    assert (weights[:, CLOSE] <= weights[:, JAW] + 1e-12).all()
    assert weights.min() >= 0 and weights.max() <= 1


def test_open_vowels_between_bilabials_open():
    weights = say("mamamam", 0.07)
    middle = during("mamamam", 3, 0.07)
    assert (weights[middle, JAW] - weights[middle, CLOSE]).max() > 0.05


def test_jaw_opens_in_the_order_of_the_vowels():
    opening = [say(f"t{vowel}t", 0.15)[during(f"t{vowel}t", 1, 0.15), JAW].max() for vowel in "ieɛa"]
    assert opening == sorted(opening) and opening[-1] > 2 * opening[0]


def test_rounding_is_anticipated():
    round_ahead, spread_ahead = say("astu", 0.12), say("asti", 0.12)
    before = during("astu", 2, 0.12)
    assert round_ahead[before, PUCKER].mean() > spread_ahead[before, PUCKER].mean() + 0.08


def test_labiodentals_tuck_the_lower_lip_without_sealing():
    weights = say("afa", 0.12)[during("afa", 1, 0.12)]
    roll, upper = ARKIT_INDEX["mouthRollLower"], ARKIT_INDEX["mouthUpperUpLeft"]
    assert weights[:, roll].max() > 0.2 and weights[:, upper].max() > 0.1
    assert (weights[:, CLOSE] < 0.9 * weights[:, JAW]).all() and weights[:, JAW].min() < 0.1


def test_silence_is_rest():
    weights = say("mapa")
    assert not weights[TIMES < 0.6].any() and not weights[TIMES > 1.5].any()


def test_style_separates_jaw_from_lips_and_loudness_scales():
    plain, jaw, lips = say("tuta", 0.15), say("tuta", 0.15, Style(jaw=1.2)), say("tuta", 0.15, Style(lips=1.2))
    assert jaw[:, JAW].max() > 1.1 * plain[:, JAW].max() and np.allclose(jaw[:, PUCKER], plain[:, PUCKER])
    assert lips[:, PUCKER].max() > 1.1 * plain[:, PUCKER].max() and np.allclose(lips[:, JAW], plain[:, JAW])
    items = spell("tata")
    levels = np.full(len(items), -6.0)
    levels[4] = 0.0  # the last vowel is louder than the median of both
    assert mouth(items, levels, Style(), TIMES)[:, JAW].max() > 1.1 * say("tata")[:, JAW].max()


def test_uneven_faces_are_uneven():
    weights = say("ii", 0.2, Style(asymmetry=0.1))
    left, right = ARKIT_INDEX["mouthStretchLeft"], ARKIT_INDEX["mouthStretchRight"]
    assert weights[:, left].max() > 1.15 * weights[:, right].max()


def test_speed_limit_lowers_peaks_only():
    values = np.abs(np.random.default_rng(0).normal(size=200))
    limited = speed_limited(values, 0.2)
    assert (limited <= values).all() and np.abs(np.diff(limited)).max() <= 0.2 + 1e-12
    assert np.array_equal(speed_limited(limited, 0.2), limited)
    assert limited[values.argmin()] == values.min()


def test_every_viseme_is_whole():
    assert all(target(symbol).shape == (len(TARGETS),) for symbol in VISEMES)
    assert not target("_").any() and all(viseme(symbol).seal == 1 for symbol in "pbm")
    with pytest.raises(InputError, match="has no viseme"):
        viseme("X")
