"""Parts of a head by place alone: what is hair, what is face, what is mouth. For points in head space."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from facetalk.geometry import UNIT_MM, Box

NEAR = Box((-0.5, -0.44, -0.75), (0.5, 0.75, 0.45))
"""Points outside are no head's; in units."""
HAIRLINE, HAIR_UP = np.array([0.0, 0.40, 0.15]), np.array([0.0, 0.77, -0.64])
"""A point of the plane that cuts off the scalp, from hairline to nape, and its upper side; units."""
THROAT = -0.27
"""Below this height skin slides over the neck, in units."""
FACE_MM, LIVELY_MM = 95.0, (42.0, 24.0, 24.0)
"""The face, and the mouth and the eyes, reach so far from their middles."""
FACE_SHARE, LIVELY_SHARE = 2.0, 4.0
"""How much oftener their points are drawn than others, one on top of the other."""
ASIDE = 0.1
"""What points of scalp and throat count, where those of the face count 1."""


def on_scalp(points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
    """Points where hair may be."""
    return (points - HAIRLINE) @ HAIR_UP > 0


def shares(
    points: Float[np.ndarray, "point 3"], face: Float[np.ndarray, "3"], lively: Sequence[Float[np.ndarray, "3"]]
) -> Float[np.ndarray, " point"]:
    """How likely each point is drawn: mouth and eyes, whose middles are `lively`, are small, and say most."""
    share = 1.0 + FACE_SHARE * (np.linalg.norm(points - face, axis=1) * UNIT_MM < FACE_MM)
    for middle, reach in zip(lively, LIVELY_MM, strict=True):
        share += LIVELY_SHARE * (np.linalg.norm(points - middle, axis=1) * UNIT_MM < reach)
    return share / share.sum()


def counted(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
    """What each point counts: hair and throat hardly."""
    return np.where(on_scalp(points) | (points[:, 1] < THROAT), ASIDE, 1.0)
