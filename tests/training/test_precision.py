"""bfloat16 only where a device multiplies it itself."""

import torch

from facetalk.training.precision import has_bfloat16


def test_accelerators_have_it_and_a_processor_says_whether_it_does(monkeypatch):
    assert has_bfloat16(torch.device("cuda", 0))
    for wide, tiles in [(False, False), (True, False), (False, True)]:
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda wide=wide: wide)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda tiles=tiles: tiles)
        assert has_bfloat16(torch.device("cpu")) == (wide or tiles)
