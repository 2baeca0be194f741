"""Features that come in pieces are heard as if they were all there, and let go."""

from fractions import Fraction

import pytest
import torch

from facetalk.motion.earshot import Earshot
from facetalk.types import SpeechFeatures, SpeechStream

FRAMES = 50
WHOLE = SpeechFeatures(torch.arange(FRAMES * 2.0).reshape(FRAMES, 2), Fraction(30), "ears")


def pieces(size: int) -> SpeechStream:
    return SpeechStream(iter(WHOLE.values.split(size)), FRAMES, WHOLE.rate, WHOLE.encoder_hash)


@pytest.mark.parametrize("piece", [1, 7, 50])
@pytest.mark.parametrize("window", [1, 6, 50])
@pytest.mark.parametrize("reach", [0, 3, 60])
def test_pieces_change_nothing(piece, window, reach):
    earshot = Earshot(pieces(piece), reach)
    for first in range(0, FRAMES, window):
        wanted = range(first, min(first + window, FRAMES))
        rows = torch.arange(wanted.start - reach, wanted.stop + reach).clamp(0, FRAMES - 1)
        assert torch.equal(earshot(wanted), WHOLE.values[rows])


def test_no_piece_is_asked_for_before_it_is_heard():
    asked = []

    def made():
        for piece in WHOLE.values.split(10):
            asked.append(len(piece))
            yield piece

    earshot = Earshot(SpeechStream(made(), FRAMES, WHOLE.rate, "ears"), reach=2)
    earshot(range(8))
    assert len(asked) == 1
    earshot(range(8, 16))
    assert len(asked) == 2
