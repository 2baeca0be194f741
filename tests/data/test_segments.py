from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from facetalk.data.loudness import STEP_S, Loudness
from facetalk.data.segments import LABEL_LAG_S, Part, segment
from facetalk.data.timed_speech import Phone

LOUD, CLOSED, QUIET = -5.0, -30.0, -70.0


def labels(*items: tuple[str, float]) -> tuple[Phone, ...]:
    """Phones of given lengths, trailing the sound as the set's labels do."""
    ends = np.cumsum([length for _, length in items])
    ends[:-1] += LABEL_LAG_S
    starts = [0.0, *ends[:-1]]
    exact = [Fraction(float(value)).limit_denominator(10_000) for value in (*starts, ends[-1])]
    return tuple(Phone(symbol, exact[k], exact[k + 1]) for k, (symbol, _) in enumerate(items))


def sound(*spans: tuple[float, float]) -> Loudness:
    """Levels as (length in seconds, dB)."""
    level = np.concatenate([np.full(round(length / STEP_S), value) for length, value in spans])
    return Loudness(level, level, level)


WORD = (("_", 0.3), ("a", 0.2), ("p", 0.1), ("a", 0.2), ("_", 0.3))
WORD_SOUND = sound((0.3, QUIET), (0.2, LOUD), (0.07, QUIET), (0.23, LOUD), (0.3, QUIET))


def test_segments_cover_the_clip_without_gaps():
    found = segment(labels(*WORD), WORD_SOUND)
    assert found[0].start == 0 and found[-1].end == pytest.approx(1.1)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert [item.label for item in found] == ["_", "a", "p", "pʼ", "a", "_"]


def test_late_labels_are_brought_to_the_sound():
    found = {item.label: item for item in segment(labels(*WORD), WORD_SOUND)}
    assert found["p"].start == pytest.approx(0.5, abs=0.012)
    assert found["p"].end == pytest.approx(0.57, abs=0.012)
    assert found["p"].part is Part.CLOSURE and found["pʼ"].part is Part.BURST


def test_a_pause_swallowed_by_a_phone_is_given_back():
    phones = labels(("_", 0.2), ("a", 0.2), ("m", 0.8), ("a", 0.2), ("_", 0.2))
    heard = sound((0.2, QUIET), (0.2, LOUD), (0.1, CLOSED), (0.7, QUIET), (0.2, LOUD), (0.2, QUIET))
    found = segment(phones, heard)
    assert [item.label for item in found] == ["_", "a", "m", "_", "a", "_"]
    assert found[2].end - found[2].start < 0.2 and found[3].end - found[3].start > 0.6


def test_audible_word_boundaries_go_to_their_neighbours_and_silent_ones_are_pauses():
    phones = labels(("_", 0.2), ("a", 0.2), (" ", 0.1), ("i", 0.2), (" ", 0.4), ("u", 0.2), ("_", 0.2))
    heard = sound((0.2, QUIET), (0.5, LOUD), (0.4, QUIET), (0.2, LOUD), (0.2, QUIET))
    found = segment(phones, heard)
    assert [item.label for item in found] == ["_", "a", "i", "_", "u", "_"]
    assert found[1].end == pytest.approx(0.45, abs=0.02)
    assert found[3].end - found[3].start == pytest.approx(0.4, abs=0.02)


def test_silence_alone_is_one_segment():
    found = segment(labels(("_", 0.5), ("a", 0.1), ("_", 0.4)), sound((1.0, QUIET)))
    assert [item.label for item in found] == ["_"]
