"""A head whose deformation saw an identity by its anatomy alone goes on as one that sees its code too."""

from dataclasses import replace

import torch
from torch import nn

from facetalk.head.field import Field
from facetalk.head.model import Head

GAIN = 0.3
"""Size of new dimensions where a person is one spread from the mean: small beside the others, which know their way."""


def detailed(head: Head, dimensions: int) -> Head:
    """The same head, its deformation given so many dimensions of the identity code; as it is if it has some.

    It moves every point as before. The new dimensions begin as the leading identity weights of the first source, as
    far as they can be read from a code, so that they tell people apart from the start.
    """
    if head.config.detail or not dimensions:
        return head
    config = head.config.deformation
    config = replace(config, condition=config.condition + dimensions)
    head.config = replace(head.config, detail=dimensions, deformation=config)
    told = GAIN * torch.linalg.pinv(head.source.detach())[:, :dimensions].T
    head.deformation_detail = nn.Linear(head.config.layout.size, dimensions, bias=False)
    head.deformation_detail.weight.data.zero_()[: len(told)] = told
    wider = Field(config)
    wider.load_state_dict(
        {
            name: _widened(old, wider.state_dict()[name], head.config.compressed)
            for name, old in head.deformation.state_dict().items()
        }
    )
    head.deformation = wider
    return head


def _widened(old: torch.Tensor, new: torch.Tensor, after: int) -> torch.Tensor:
    """A layer that takes conditions, with columns of zeros for the new dimensions; any other as it is."""
    if old.shape == new.shape:
        return old
    return torch.cat([old[:, :after], old.new_zeros(len(old), new.shape[1] - old.shape[1]), old[:, after:]], 1)
