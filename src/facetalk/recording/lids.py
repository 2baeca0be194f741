"""Where lids are, found by trying: a search along slopes does not see a lid come that is still up.

Where the lid will be there is an eyeball as long as it is open, and nothing of it changes with the lid's weight.
"""

import numpy as np
import torch
from jaxtyping import Float

from facetalk.arkit import ARKIT_INDEX
from facetalk.geometry import UNIT_MM
from facetalk.recording.areas import LIVELY_MM
from facetalk.recording.poses import Placement
from facetalk.recording.problem import Drawn, Person

BLINKS = (ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"])
TRIED = (0.0, 0.35, 0.7, 1.0)
LOOKED_AT = 300
"""Points of a frame, the nearest ones to the eyes."""
SOFT_MM = 1.5
CLEARLY = 0.9
"""A try must cost less than this share of what the lid costs where it is."""
FEWEST = 20
"""Points near an eye; fewer tell nothing of it."""


def tried(
    person: Person, weights: Float[np.ndarray, "frame 52"], placements: list[Placement], points: Drawn
) -> Float[np.ndarray, "frame 52"]:
    """The weights, lids shut or opened in the frames whose points clearly say so, each eye for itself."""
    placed = points.placed(placements).numpy()
    far = np.stack([np.linalg.norm(placed - eye, axis=-1) * UNIT_MM for eye in person.eyes])
    far = np.where(points.counts > 0, far, np.inf)
    nearest = np.argsort(far.min(axis=0), axis=1)[:, :LOOKED_AT]
    here = torch.from_numpy(np.take_along_axis(placed, nearest[..., None], axis=1))
    near = np.take_along_axis(far, nearest[None], axis=2) < LIVELY_MM[1]
    best, found = _cost(person, weights, here, near) * CLEARLY, weights.copy()
    for lid in TRIED:
        shut = weights.copy()
        shut[:, BLINKS] = lid
        cost = _cost(person, shut, here, near)
        for eye, blink in enumerate(BLINKS):
            better = cost[eye] < best[eye]
            found[better, blink] = lid
            best[eye, better] = cost[eye, better]
    return found


def _cost(
    person: Person,
    weights: Float[np.ndarray, "frame 52"],
    points: Float[torch.Tensor, "frame point 3"],
    near: np.ndarray,
) -> Float[np.ndarray, "eye frame"]:  # fmt: skip
    """Of each eye's points in robust weights, 0 where there are too few to tell."""
    distance = person.responder.distances(torch.from_numpy(weights).float(), points).double().numpy() * UNIT_MM
    each = np.where(near, distance**2 / (SOFT_MM**2 + distance**2), 0.0)
    return np.where(near.sum(axis=-1) < FEWEST, 0.0, each.sum(axis=-1))
