"""People of several sources in one training: each source has its own map from identity weights to codes."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from facetalk.arkit import ARKIT_INDEX
from facetalk.head.model import SOURCE_SIZE, Head
from facetalk.head.sources import FIRST_SOURCE
from facetalk.training.head_data import HeadSet

SURVEYED = 600
"""People of the first source that are looked at to learn how anatomies follow their weights."""
ALIKE = 0.1
"""How exactly anatomies of people that are taken for each other agree, in spreads of an anatomy."""
RIDGE = 1e-2
"""Share of a person that keeps a map from few people finite."""
TONGUE = ARKIT_INDEX["tongueOut"]


def learn_sources(head: Head, data: HeadSet) -> None:
    """Give a head a map for every source of a set that it does not know yet.

    It starts at people of the first source that are alike in anatomy, so that a head that goes on from such people
    need not unlearn them while it finds out where the new ones are.
    """
    for number, (name, size) in enumerate(zip(data.sources, data.sizes, strict=True)):
        known = set(head.sources)
        head.sources.learn(name, size, head.config.layout.size)
        if name in set(head.sources) - known:
            people = data.train[data.source[data.train] == number]
            head.sources[name].data.copy_(_map_of_alike(head, data, people, size))


def mapped_codes(head: Head, data: HeadSet, identities: Int[Tensor, " some"]) -> Float[Tensor, "some code"]:
    """Identity codes of people of a set, each by the map of its own source."""
    codes = torch.empty(len(identities), head.config.layout.size)
    for number, (name, size) in enumerate(zip(data.sources, data.sizes, strict=True)):
        here = data.source[identities] == number
        if here.any():
            weights = data.weights[identities[here], :size]
            codes = codes.masked_scatter(here[:, None], head.identity(weights, name))
    return codes


def telling(data: HeadSet, scans: Int[Tensor, " scan"]) -> Int[Tensor, " told"]:
    """Those of `scans` whose source has what their weights ask for: the first one's tongue stays in the mouth."""
    whose = data.source[data.scans["identity"][scans].long()]
    first = torch.tensor([name == FIRST_SOURCE for name in data.sources])[whose]
    return scans[~(first & (data.scans["weights"][scans, TONGUE] > 0))]


@torch.no_grad()
def _map_of_alike(head: Head, data: HeadSet, people: Int[Tensor, " some"], size: int) -> Float[Tensor, "row code"]:
    """A linear map from weights of some people to standard codes of the first source's people most like them."""
    generator = torch.Generator().manual_seed(1)
    strangers = torch.randn(SURVEYED, SOURCE_SIZE, generator=generator)
    deviations = head.anatomy.deviations
    follow = torch.linalg.lstsq(_with_one(strangers), deviations(head.anatomies(head.identity(strangers)))).solution
    slope, wanted = follow[1:], deviations(data.anatomy_of(people)) - follow[0]
    # The most likely weights: people are N(0, 1), and alike within ALIKE.
    alike = torch.linalg.solve(slope @ slope.T + ALIKE**2 * torch.eye(SOURCE_SIZE), slope @ wanted.T).T
    own = _with_one(data.weights[people, :size])
    weights = torch.linalg.solve(own.T @ own + RIDGE * len(people) * torch.eye(size + 1), own.T @ alike)
    return weights @ head.source


def _with_one(weights: Float[Tensor, "row mode"]) -> Float[Tensor, "row column"]:
    """Weights with a one before them, for a map's first row."""
    return torch.cat([torch.ones(len(weights), 1), weights], 1)
