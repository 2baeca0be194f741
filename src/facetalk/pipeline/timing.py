"""Codes at another frame rate, a stretch at a time. Frame i covers [i/rate, (i+1)/rate) and shows its midpoint."""

from fractions import Fraction

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.rig.curves import at_times
from facetalk.types import ExpressionCodes

NEIGHBOURS = 3
"""Frames beyond a stretch that its monotone cubics depend on."""
HIGHEST_RATE = 240
"""Frames a second beyond which no player follows."""


def rate_of(text: str) -> Fraction:
    """A frame rate from "25", "29.97" or "30000/1001".

    Raises:
        InputError: it is no number, not positive, or beyond `HIGHEST_RATE`.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f"--fps {text} is no frame rate; write for example 25 or 30000/1001") from error
    if not 1 <= rate <= HIGHEST_RATE:
        raise InputError(f"--fps {text} cannot be played; use 1 to {HIGHEST_RATE}, for example 30")
    return rate


def codes_at(codes: ExpressionCodes, rate: Fraction, frames: range) -> Float[Tensor, "frame code"]:
    """Codes of the frames numbered `frames` at `rate`; as they are where it is their own rate."""
    if rate == codes.rate:
        return codes.values[frames.start : frames.stop]
    wanted = (np.arange(frames.start, frames.stop) + 0.5) / float(rate)
    places = wanted * float(codes.rate) - 0.5
    first = int(np.clip(np.floor(places[0]) - NEIGHBOURS, 0, len(codes) - 1))
    last = int(np.clip(np.ceil(places[-1]) + NEIGHBOURS, first, len(codes) - 1))
    known = (np.arange(first, last + 1) + 0.5) / float(codes.rate)
    return torch.from_numpy(at_times(codes.values[first : last + 1].double().numpy(), known, wanted)).float()
