"""The space heads live in: units, box and axes.

NPHM space is FLAME space in metres times four: y up, z towards the camera, x the mirror axis with the
subject's left at positive x. One unit is 250 mm (NPHM, Giebenhain et al. 2023).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

UNIT_MM = 250.0
"""Millimetres in one unit of NPHM space."""

MIRROR = np.array([-1.0, 1.0, 1.0], np.float32)
"""Reflection in the plane x = 0."""


@dataclass(frozen=True)
class Box:
    """An axis-aligned box in NPHM space."""

    lower: tuple[float, float, float]
    upper: tuple[float, float, float]

    @property
    def size(self) -> Float[np.ndarray, "3"]:
        """Edge lengths, in units."""
        return np.subtract(self.upper, self.lower).astype(np.float32)

    @property
    def centre(self) -> Float[np.ndarray, "3"]:
        """Middle point."""
        return (np.add(self.upper, self.lower) / 2).astype(np.float32)


PAPER_BOX = Box((-0.55, -0.5, -0.95), (0.55, 0.75, 0.4))
"""The box of the paper, in units."""
