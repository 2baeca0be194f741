"""Whether bfloat16 products are worth taking: on a processor without them each is emulated, twenty times as slow."""

import torch


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 itself; any accelerator does."""
    if device.type != "cpu":
        return True
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
