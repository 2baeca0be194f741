"""Pauses are put in without moving what is said."""

from itertools import pairwise

import numpy as np

from facetalk.data.segments import Segment
from facetalk.training.motion_pauses import PauseSet, put_pause, room_tone
from facetalk.types import SAMPLE_RATE, Waveform

SEGMENTS = [Segment("_", 0.0, 0.5), Segment("a", 0.5, 1.0), Segment("_", 1.0, 1.5)]


def made_speech() -> Waveform:
    times = np.arange(int(1.5 * SAMPLE_RATE)) / SAMPLE_RATE
    return Waveform((np.sin(900 * times) * ((times > 0.5) & (times < 1.0))).astype(np.float32))


def test_room_tone_has_its_level():
    for seed in range(20):
        tone = room_tone(SAMPLE_RATE, np.random.default_rng(seed), (-50.0, -50.0))
        level = 20 * np.log10(tone.std() + 1e-12)
        assert abs(level + 50) < 0.1 or not tone.any()


def test_a_pause_lengthens_speech_and_segments_alike(tmp_path):
    config = PauseSet(tmp_path, tmp_path, tone_db=(-90.0, -90.0))
    for seed in range(8):
        speech, segments = put_pause(made_speech(), SEGMENTS, np.random.default_rng(seed), config)
        assert len(segments) == 4
        assert abs(segments[-1].end - float(speech.duration)) < 1e-9
        assert all(abs(first.end - then.start) < 1e-9 for first, then in pairwise(segments))
        vowel = next(item for item in segments if item.symbol == "a")
        inside = speech.samples[round(vowel.start * SAMPLE_RATE) + 200 : round(vowel.end * SAMPLE_RATE) - 200]
        assert np.abs(inside).max() > 0.9
        pause = max(segments, key=lambda item: item.end - item.start if item.is_silent else 0)
        quiet = speech.samples[round(pause.start * SAMPLE_RATE) + 200 : round(pause.end * SAMPLE_RATE) - 200]
        assert np.abs(quiet).max() < 1e-3
