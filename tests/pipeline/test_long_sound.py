"""However long the sound, what is held beside it and the codes made of it does not grow."""

import gc
import tracemalloc

import numpy as np
import pytest
import torch
from numpy.lib import tracemalloc_domain

import facetalk
import made_sound
from facetalk.pipeline.talker import Performing, Talker
from facetalk.types import FRAME_RATE, SAMPLE_RATE, Waveform

SHORT, LONG = 40, 80
"""Seconds: whole windows of the encoder, and some of motion."""
SOUND = SAMPLE_RATE * np.dtype(np.float32).itemsize
"""Bytes of one second of sound."""


@pytest.fixture(scope="module")
def talker(weights) -> Talker:
    return facetalk.load(weights, device="cpu")


def tensors() -> dict[int, int]:
    """Bytes of every tensor's memory that Python can reach, by where it lies."""
    found = (thing for thing in gc.get_objects() if issubclass(type(thing), torch.Tensor))
    stores = (tensor.untyped_storage() for tensor in found)
    return {store.data_ptr(): store.nbytes() for store in stores}


def arrays() -> int:
    """Bytes of the arrays made since tracing began."""
    kept = tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, tracemalloc_domain)])
    return sum(trace.size for trace in kept.traces)


def held(talker: Talker, seconds: int) -> int:
    """The most bytes of arrays and tensors that were held while a clip was made, but for its sound."""
    speech, most = Waveform(np.resize(made_sound.hum(7.3), seconds * SAMPLE_RATE)), []
    before = tensors()
    tracemalloc.start()

    def watch(done: int, total: int) -> None:
        most.append(sum(size for place, size in tensors().items() if place not in before) + arrays())

    try:
        clip = talker.animate(speech, performing=Performing(steps=1), watch=watch)
    finally:
        tracemalloc.stop()
    assert len(clip) == seconds * FRAME_RATE and len(most) >= 5
    return max(most)


def test_only_codes_grow_with_the_sound(talker):
    talker.animate(made_sound.speech(1.0), performing=Performing(steps=1))
    short, long = held(talker, SHORT), held(talker, LONG)
    codes = int(FRAME_RATE) * talker.weights.head.rest.nbytes
    assert short > SHORT * codes
    assert (long - short) / (LONG - SHORT) == pytest.approx(codes, rel=0.02)
    assert codes < SOUND
