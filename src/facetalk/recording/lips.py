"""Lips tried shut: when they come together between two frames, slopes find them no way there from where they were."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.recording.areas import LIVELY_MM
from facetalk.recording.poses import Placement
from facetalk.recording.problem import Drawn, Person
from facetalk.recording.tries import Look, Site, best
from facetalk.recording.walk import GAP

MOUTH = tuple(number for number, name in enumerate(ARKIT_NAMES) if name.startswith(("jaw", "mouth")))
CLOSE, JAW = ARKIT_INDEX["mouthClose"], ARKIT_INDEX["jawOpen"]
OPENING = [
    number for number, name in enumerate(ARKIT_NAMES) if "Funnel" in name or "LowerDown" in name or "UpperUp" in name
]
PRESSED = {"mouthPressLeft": 0.2, "mouthPressRight": 0.2, "mouthRollLower": 0.2, "mouthShrugLower": 0.1}
"""How lips are that are held together in speech."""
LESS_JAW = 0.06
"""A search that missed them has lowered the jaw by as much."""
BETTER = 0.95
"""Lips shut must cost less than this share of lips apart, both searched to their end."""


def tried(
    person: Person, weights: Float[np.ndarray, "frame 52"], placements: list[Placement], points: Drawn
) -> Float[np.ndarray, "frame 52"]:
    """The weights, lips shut in the frames whose points clearly say so."""
    sites = [_mouth(person)]
    return best(person, weights, sites, Look.at(sites, placements, points), _shut(weights))


def cost(
    person: Person, weights: Float[np.ndarray, "frame 52"], placements: list[Placement], points: Drawn
) -> Float[np.ndarray, " frame"]:
    """How far points about the mouth are from it."""
    return Look.at([_mouth(person)], placements, points).cost(person, weights)[0]


def _mouth(person: Person) -> Site:
    return Site(person.mouth, LIVELY_MM[0], MOUTH)


def _shut(weights: Float[np.ndarray, "frame 52"]) -> Iterator[Float[np.ndarray, "frame 52"]]:
    """Lips that meet by mouthClose alone; with nothing left that opens them; pressed too; and with the jaw higher."""
    yield _met(weights)
    plain = weights.copy()
    plain[:, OPENING] = np.minimum(plain[:, OPENING], 0.0)
    yield _met(plain)
    for less in (0.0, LESS_JAW):
        higher = plain.copy()
        higher[:, JAW] = np.minimum(higher[:, JAW], np.maximum(higher[:, JAW] - less, 0.0))
        pressed = _met(higher)
        for name, weight in PRESSED.items():
            pressed[:, ARKIT_INDEX[name]] = np.maximum(pressed[:, ARKIT_INDEX[name]], weight)
        yield pressed


def _met(weights: Float[np.ndarray, "frame 52"]) -> Float[np.ndarray, "frame 52"]:
    """Lips that are apart shut by mouthClose."""
    met = weights.copy()
    met[:, CLOSE] += np.maximum(weights @ GAP, 0.0) / -GAP[CLOSE]
    return met
