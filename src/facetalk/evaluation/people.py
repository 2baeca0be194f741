"""People drawn from the prior: whether they are whole, shut lips and lids, differ from each other, and are new.

Wholeness is read as drawn and as users get them, kept whole. Likeness is measured between places in correspondence:
anchors, landmarks, and where rays in fixed directions meet the canonical surface. Knows no files.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.evaluation.head import SHUT_MM, shutting
from facetalk.geometry import UNIT_MM
from facetalk.head import traits
from facetalk.head.character import TRAIT_SOURCE, Character
from facetalk.head.model import Head
from facetalk.head.prior import drawn
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.people import FIRST_SEED, SPREAD, Casting, cast
from facetalk.pipeline.roads import Surface
from facetalk.pipeline.wholeness import POSES, Kept, Wholeness, kept_whole, looked_at

RAY_CENTRE, RAY_START, RAY_STEPS = (0.0, 0.06, -0.12), 0.8, 24
RAYS = 160
LOWEST_RAY = -0.55
"""Rays that point lower, as sine, would meet the neck."""
Watch = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class PeopleTest:
    """How people are tested."""

    count: int = 200
    first: int = FIRST_SEED
    """Seed of the first; the others follow."""
    spread: float = SPREAD
    """How far people are from the mean; the source's own spread is 1."""
    surface: Surface = field(default_factory=Surface)
    aged: int = 20
    """How many people of the source that knows ages, and how many of those drawn, moved in age, sex and build, have
    their lips and lids looked at too; of a head that knows none, nobody."""


def evaluate(
    head: Head, test: PeopleTest, trained: Float[Tensor, "trained code"], watch: Watch = lambda done, of: None
) -> dict[str, dict]:
    """Wholeness, openings, variety and novelty of drawn people; `trained` are the codes the head was trained on."""
    seeds = range(test.first, test.first + test.count)
    kept: list[Kept] = []
    shut, look = [], looked_at(head, test.surface)
    further = aged(head, test)
    total = len(seeds) + sum(map(len, further.values()))
    for seed in seeds:
        kept.append(kept_whole(drawn(head, seed, test.spread), f"person {seed}", look))
        shut.append(shutting(Actor(head, kept[-1].z_id)))
        watch(len(kept), total)
    codes = torch.stack([person.z_id for person in kept])
    done = itertools.count(len(seeds) + 1)
    groups = {"openings": shut}
    for name, castings in further.items():
        groups[f"openings, {name}"] = []
        for seed, casting in zip(seeds, castings, strict=False):
            (person,) = cast(head, casting, [seed])
            groups[f"openings, {name}"].append(shutting(Actor(head, person.z_id)))
            watch(next(done), total)
    return {
        **{f"{name}, as drawn": summary([person.before[name] for person in kept], seeds) for name in POSES},
        **{name: summary([person.after[name] for person in kept], seeds) for name in POSES},
        "drawn nearer": {
            "people": sum(person.share < 1 for person in kept),
            "least_share": min(person.share for person in kept),
        },
        **{name: openings(each) for name, each in groups.items()},
        "variety": variety(places(head, codes), places(head, trained)),
    }


def aged(head: Head, test: PeopleTest) -> dict[str, list[Casting]]:
    """Who of every age is looked at, one casting a seed: people of the source that has ages, and moved ones."""
    if not test.aged or TRAIT_SOURCE not in head.sources:
        return {}
    seeds = range(test.first, test.first + min(test.aged, test.count))
    people = [traits.draw(np.random.default_rng([seed, 7])) for seed in seeds]
    return {
        TRAIT_SOURCE: [Casting(spread=test.spread, source=TRAIT_SOURCE) for _ in seeds],
        "moved": [
            Casting(spread=test.spread, character=Character(person.age, person.sex, person.build)) for person in people
        ],
    }


def openings(shut: Sequence[tuple[float, float]]) -> dict[str, float | int]:
    """Of some people, how many shut lips and lids, and the worst of them; `shut` is what stays open, mm."""
    lips, lids = np.array(shut).T
    return {
        "people": len(shut),
        "lips_sealed_share": float((lips <= SHUT_MM).mean()), "lips_worst_mm": float(lips.max()),
        "lids_shut_share": float((lids <= SHUT_MM).mean()), "lids_worst_mm": float(lids.max()),
    }  # fmt: skip


def summary(found: Sequence[Wholeness], seeds: Sequence[int]) -> dict:
    """How many people have what, and who."""
    rows = [asdict(each) for each in found]
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    people = {f"people_{name}": int((values > 0).sum()) for name, values in table.items() if name != "crossing"}
    whole = [each.whole for each in found]
    return {
        "people": len(found),
        "whole": sum(whole),
        **people,
        "mouth_tunnels_median": float(np.median(table["mouth_tunnels"])),
        "crossing_share": float(table["crossing"].mean()),
        "seeds_not_whole": [seed for seed, fine in zip(seeds, whole, strict=True) if not fine],
    }


def variety(people: Float[Tensor, "person place 3"], trained: Float[Tensor, "trained place 3"]) -> dict[str, float]:
    """Mean distances between people and between those trained on, and from people to the nearest trained on; mm."""
    among = _apart(people, people)[~torch.eye(len(people), dtype=torch.bool)]
    among_trained = _apart(trained, trained).fill_diagonal_(torch.inf)
    nearest = _apart(people, trained).min(1).values
    mean_trained = among_trained[~torch.eye(len(trained), dtype=torch.bool)].mean()
    return {
        "apart_mm": float(among.mean()),
        "trained_apart_mm": float(mean_trained),
        "diversity": float(among.mean() / mean_trained),
        "to_nearest_trained_mm": float(nearest.median()),
        "to_nearest_trained_least_mm": float(nearest.min()),
        "trained_to_nearest_trained_mm": float(among_trained.min(1).values.median()),
    }


def places(head: Head, codes: Float[Tensor, "person code"], chunk: int = 8) -> Float[Tensor, "person place 3"]:
    """Anchors, landmarks and ray-cast surface points of people in the canonical pose, units, in correspondence."""
    with torch.no_grad():
        return torch.cat([_places(head, part.to(head.rest.device)).cpu() for part in codes.split(chunk)])


def _places(head: Head, codes: Float[Tensor, "person code"]) -> Float[Tensor, "person place 3"]:
    anatomy, biases, ways = head.anatomies(codes), head.fold(codes), directions(RAYS).to(codes.device)
    centre = torch.tensor(RAY_CENTRE, device=codes.device)
    far = torch.full((len(codes), len(ways)), RAY_START, device=codes.device)
    for _ in range(RAY_STEPS):  # sphere tracing from outside
        far = far - head.ensemble(anatomy, biases, centre + far[..., None] * ways)
    return torch.cat([anatomy.anchors, anatomy.landmarks, centre + far[..., None] * ways], 1)


def directions(count: int) -> Float[Tensor, "ray 3"]:
    """Unit vectors spread evenly by the golden angle, those towards the neck left out."""
    number = torch.arange(count) + 0.5
    height = 1 - number / count * (1 - LOWEST_RAY)
    angle = number * (np.pi * (3 - 5**0.5))
    across = (1 - height**2).sqrt()
    return torch.stack([across * angle.cos(), height, across * angle.sin()], 1)


def _apart(first: Float[Tensor, "one place 3"], second: Float[Tensor, "other place 3"]) -> Float[Tensor, "one other"]:
    """Mean distance of corresponding places, in mm."""
    return UNIT_MM * torch.stack([(second - each).norm(dim=-1).mean(-1) for each in first])
