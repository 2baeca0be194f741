"""People of several sources in one training: each source has its own map from identity weights to codes."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from facetalk.head.model import Head
from facetalk.training.head_data import HeadSet


def learn_sources(head: Head, data: HeadSet) -> None:
    """Give a head a map for every source of a set that it does not know yet."""
    for name, size in zip(data.sources, data.sizes, strict=True):
        head.sources.learn(name, size, head.config.layout.size)


def mapped_codes(head: Head, data: HeadSet, identities: Int[Tensor, " some"]) -> Float[Tensor, "some code"]:
    """Identity codes of people of a set, each by the map of its own source."""
    codes = torch.empty(len(identities), head.config.layout.size)
    for number, (name, size) in enumerate(zip(data.sources, data.sizes, strict=True)):
        here = data.source[identities] == number
        if here.any():
            weights = data.weights[identities[here], :size]
            codes = codes.masked_scatter(here[:, None], head.identity(weights, name))
    return codes
