"""Lids tried up and down: where one will be there is an eyeball as long as it is open, and nothing tells of the lid."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from facetalk.arkit import ARKIT_INDEX
from facetalk.recording.areas import LIVELY_MM
from facetalk.recording.poses import Placement
from facetalk.recording.problem import Drawn, Person
from facetalk.recording.tries import Look, Site, best

BLINKS = (ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"])
TRIED = (0.0, 0.35, 0.7, 1.0)


def tried(
    person: Person, weights: Float[np.ndarray, "frame 52"], placements: list[Placement], points: Drawn
) -> Float[np.ndarray, "frame 52"]:
    """The weights, lids shut or opened in the frames whose points clearly say so, each eye for itself."""
    sites = [Site(eye, reach, (lid,)) for eye, reach, lid in zip(person.eyes, LIVELY_MM[1:], BLINKS, strict=True)]
    return best(person, weights, sites, Look.at(sites, placements, points), _lids(weights))


def _lids(weights: Float[np.ndarray, "frame 52"]) -> Iterator[Float[np.ndarray, "frame 52"]]:
    for lid in TRIED:
        moved = weights.copy()
        moved[:, BLINKS] = lid
        yield moved
