"""What closed lips and lids show where they meet: lip and skin, not what they hide.

A level holds apart surfaces together (`facetalk.head.model`), so the surface along a seam lies in what is open air in
the canonical pose. Kinds of surface are learnt on the canonical surface; out there they would be those of the teeth
or of the eyeball behind.
"""

import numpy as np
from jaxtyping import Float

from facetalk.geometry import UNIT_MM
from facetalk.types import Region

AIR_MM = (0.08, 0.25)
"""Canonical distance from which on a point is partly, and wholly, taken for a seam."""
SHOWN_FOR = {
    Region.SCLERA: Region.SKIN,
    Region.IRIS: Region.SKIN,
    Region.PUPIL: Region.SKIN,
    Region.TEETH: Region.LIPS,
    Region.MOUTH: Region.LIPS,
}
"""What a seam shows in place of what lies behind it."""


def seam_shares(
    shares: Float[np.ndarray, "point region"], distance: Float[np.ndarray, " point"]
) -> Float[np.ndarray, "point region"]:
    """Region shares of posed surface points, given the canonical distance of where they were carried (units)."""
    begin, end = AIR_MM
    seam = np.clip((distance * UNIT_MM - begin) / (end - begin), 0, 1).astype(shares.dtype)
    shown = shares.copy()
    for hidden, region in SHOWN_FOR.items():
        moved = seam * shares[:, hidden]
        shown[:, hidden] -= moved
        shown[:, region] += moved
    return shown
