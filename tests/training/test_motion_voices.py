"""What is played at another speed keeps its segments where they sound."""

from itertools import pairwise

import numpy as np
import pytest

from facetalk.data.segments import Segment
from facetalk.training.motion_voices import played
from facetalk.types import SAMPLE_RATE, Waveform

SEGMENTS = [Segment("_", 0.0, 0.5), Segment("a", 0.5, 1.0), Segment("_", 1.0, 1.5)]


@pytest.mark.parametrize("percent", [84, 93, 107, 120])
def test_segments_go_with_the_sound(percent):
    times = np.arange(int(1.5 * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.sin(900 * times) * ((times > 0.5) & (times < 1.0))
    speech, segments = played(Waveform(tone.astype(np.float32)), SEGMENTS, percent)
    assert abs(float(speech.duration) - 150 / percent) < 1e-3
    assert abs(segments[-1].end - float(speech.duration)) < 1e-9
    assert all(abs(first.end - then.start) < 1e-9 for first, then in pairwise(segments))
    loud = np.flatnonzero(np.abs(speech.samples) > 0.5) / SAMPLE_RATE
    assert abs(loud[0] - segments[1].start) < 0.005 and abs(loud[-1] - segments[1].end) < 0.005


def test_a_slower_voice_is_lower():
    tone = np.sin(2 * np.pi * 220 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    speech, _ = played(Waveform(tone), [Segment("a", 0.0, 1.0)], 88)
    spectrum = np.abs(np.fft.rfft(speech.samples))
    hertz = np.fft.rfftfreq(len(speech.samples), 1 / SAMPLE_RATE)[spectrum.argmax()]
    assert abs(hertz - 220 * 0.88) < 2
