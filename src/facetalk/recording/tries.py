"""What a search along slopes does not see come, found by trying: a lid that is still up, lips that are still apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.recording.poses import Placement
from facetalk.recording.problem import Drawn, Person

LOOKED_AT = 300
"""Points of a frame, the nearest ones to the sites."""
SOFT_MM = 1.5
CLEARLY = 0.9
"""A try must cost less than this share of what there is without it."""
FEWEST = 20
"""Points near a site; fewer tell nothing of it."""


@dataclass(frozen=True)
class Site:
    """Part of a face that is tried for itself."""

    middle: Float[np.ndarray, "3"]
    """In head space."""
    reach_mm: float
    """How far from its middle points tell of it."""
    numbers: tuple[int, ...]
    """Those of the 52 weights that are its own."""


@dataclass(frozen=True)
class Look:
    """The points that tell which weights are right."""

    points: Float[Tensor, "frame point 3"]
    """In head space."""
    near: Bool[np.ndarray, "site frame point"]
    """Which sites each tells of."""

    @classmethod
    def at(cls, sites: Sequence[Site], placements: list[Placement], points: Drawn) -> "Look":
        """The nearest points to sites."""
        placed = points.placed(placements).numpy()
        far = np.stack([np.linalg.norm(placed - site.middle, axis=-1) * UNIT_MM for site in sites])
        far = np.where(points.counts > 0, far, np.inf)
        nearest = np.argsort(far.min(axis=0), axis=1)[:, :LOOKED_AT]
        reach = np.array([site.reach_mm for site in sites])[:, None, None]
        near = np.take_along_axis(far, nearest[None], axis=2) < reach
        return cls(torch.from_numpy(np.take_along_axis(placed, nearest[..., None], axis=1)), near)

    def cost(self, person: Person, weights: Float[np.ndarray, "frame 52"]) -> Float[np.ndarray, "site frame"]:
        """How far the points are from the head, in robust weights; 0 where there are too few to tell."""
        distance = person.responder.distances(torch.from_numpy(weights).float(), self.points).double().numpy() * UNIT_MM
        each = np.where(self.near, distance**2 / (SOFT_MM**2 + distance**2), 0.0)
        return np.where(self.near.sum(axis=-1) < FEWEST, 0.0, each.sum(axis=-1))


def best(
    person: Person, weights: Float[np.ndarray, "frame 52"], sites: Sequence[Site], look: Look,
    tries: Iterable[Float[np.ndarray, "frame 52"]],
) -> Float[np.ndarray, "frame 52"]:  # fmt: skip
    """The weights, each site's own from the try that is best there in the frames whose points clearly say so."""
    least, found = look.cost(person, weights) * CLEARLY, weights.copy()
    for tried in tries:
        for site, now, before in zip(sites, look.cost(person, tried), least, strict=True):
            rows = np.ix_(np.flatnonzero(now < before), site.numbers)
            found[rows] = tried[rows]
            np.minimum(before, now, out=before)
    return found
