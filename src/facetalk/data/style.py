"""The manner of one performance: how much jaw, how much lip, how expressive, how uneven."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Style:
    """Drawn once per performance; gains of 1 are the calibrated mean."""

    articulation: float = 1.0
    """Scales every mouth target."""
    jaw: float = 1.0
    """JALI's jaw axis."""
    lips: float = 1.0
    """JALI's lip axis."""
    expressiveness: float = 1.0
    """Scales brows, affect and gaze shifts."""
    asymmetry: float = 0.0
    """Share by which the left side leads the right."""
    blinks_per_minute: float = 18.0
    """Talking people blink 15–25 times a minute (Bentivoglio et al. 1997 find a mean of 26 with a wide spread)."""


def draw(generator: np.random.Generator) -> Style:
    """A seeded style."""
    jaw_versus_lips = float(np.clip(generator.normal(0.0, 0.07), -0.15, 0.15))
    return Style(
        articulation=float(np.clip(np.exp(generator.normal(0.0, 0.08)), 0.82, 1.2)),
        jaw=1 + jaw_versus_lips,
        lips=1 - jaw_versus_lips,
        expressiveness=float(generator.uniform(0.5, 1.5)),
        asymmetry=float(np.clip(generator.normal(0.0, 0.05), -0.12, 0.12)),
        blinks_per_minute=float(np.clip(generator.normal(18.0, 4.0), 10.0, 28.0)),
    )
