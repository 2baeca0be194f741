"""Made hair: a shell of one thickness all over, so that everything about it is known exactly."""

import torch

from facetalk.geometry import UNIT_MM
from facetalk.head.field import NetworkSize
from facetalk.head.hair import SHELL_SCALE, HairConfig, HairField, HairFieldConfig, HairModel

THICKNESS_MM = 12.0
FIELD = HairFieldConfig(NetworkSize(8, 2, (0.8,)), 4, 4)
NAMES, BEARDS, VARIANTS = ("long", "crop"), ("beard",), 2


def config(shape_hash: str) -> HairConfig:
    return HairConfig(shape_hash, NAMES, BEARDS, VARIANTS, FIELD, FIELD)


@torch.no_grad()
def shell(field: HairField, thickness_mm: float) -> None:
    """Thickness everywhere, nothing loose, hanging straight down."""
    for parameter in field.network.parameters():
        parameter.zero_()
    bias = field.network.trunk[-1].bias
    bias[-5:] = torch.tensor([thickness_mm / UNIT_MM / SHELL_SCALE, 40.0, 0.0, -1.0, 0.0])
    field.codes.copy_(torch.randn(field.codes.shape, generator=torch.Generator().manual_seed(0)))


def made_hair(shape_hash: str, thickness_mm: float = THICKNESS_MM) -> HairModel:
    model = HairModel(config(shape_hash))
    shell(model.scalp, thickness_mm)
    shell(model.beard, thickness_mm)
    return model.eval().requires_grad_(False)
