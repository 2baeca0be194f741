"""What closed lips and lids show where they meet: lip and skin, not what they hide.

A level holds apart surfaces together (`facetalk.head.model`), so the surface along a seam lies in what is open air in
the canonical pose. Kinds of surface are learnt on the canonical surface; out there they would be those of the teeth
or of the eyeball behind.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from facetalk.geometry import UNIT_MM
from facetalk.types import Region

Distance = Callable[[Float[np.ndarray, "point 3"]], Float[np.ndarray, " point"]]
AT_EYES_MM, AT_TEETH_MM = (0.08, 0.25), (0.15, 0.45)
"""Canonical distance from which on a point is partly, and wholly, taken for a seam. A small level lies on teeth too."""
SHOWN_FOR: dict[Region, tuple[Region, tuple[float, float]]] = {
    Region.SCLERA: (Region.SKIN, AT_EYES_MM),
    Region.IRIS: (Region.SKIN, AT_EYES_MM),
    Region.PUPIL: (Region.SKIN, AT_EYES_MM),
    Region.TEETH: (Region.LIPS, AT_TEETH_MM),
    Region.MOUTH: (Region.LIPS, AT_TEETH_MM),
}
"""What a seam shows in place of what lies behind it, and from which distances on."""


def seam_shares(
    shares: Float[np.ndarray, "point region"], canonical: Float[np.ndarray, "point 3"], distance: Distance
) -> Float[np.ndarray, "point region"]:
    """Region shares of posed surface points, given where they were carried and the canonical distance (units).

    The distance is asked only where something is to be hidden: on a few points of a hundred.
    """
    rows = np.flatnonzero(shares[:, list(SHOWN_FOR)].any(1))
    air_mm = distance(canonical[rows]) * UNIT_MM
    shown = shares.copy()
    for hidden, (region, (begin, end)) in SHOWN_FOR.items():
        moved = np.clip((air_mm - begin) / (end - begin), 0, 1).astype(shares.dtype) * shares[rows, hidden]
        shown[rows, hidden] -= moved
        shown[rows, region] += moved
    return shown
