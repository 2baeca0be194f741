from fractions import Fraction

import pytest

from facetalk.speech.configuration import EncoderConfig, Receptive
from facetalk.speech.timing import frame_count, midpoint, places
from facetalk.types import FRAME_RATE, SAMPLE_RATE


@pytest.mark.parametrize(
    ("seconds", "frames"), [(Fraction(1), 30), (Fraction(1, 60), 1), (Fraction(1, 1000), 1), (Fraction(1, 20), 2)]
)
def test_frames_are_duration_times_rate_rounded_half_up(seconds: Fraction, frames: int):
    assert frame_count(seconds, FRAME_RATE) == frames


def test_places_point_back_to_midpoints_exactly():
    for rate in (FRAME_RATE, Fraction(30000, 1001)):
        before, shares = places(range(100), rate, 320, Fraction(399, 2))
        for frame, (index, share) in enumerate(zip(before, shares, strict=True)):
            centre = (index + share) * 320 + Fraction(399, 2)
            assert centre / SAMPLE_RATE == midpoint(frame, rate)
            assert 0 <= share < 1


def test_wav2vec2_sees_400_samples_every_320():
    config = EncoderConfig()
    field = Receptive.of(config.conv_kernels, config.conv_strides)
    assert (field.hop_samples, field.samples, field.first_centre) == (320, 400, Fraction(399, 2))
