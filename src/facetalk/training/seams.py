"""Lips that are pressed together: lines through the seam between them, of which one at least must lie in flesh.

The lines stand where the aperture meter lays its own (`facetalk.mesh.aperture`), so what is asked is what is measured.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import Anatomy

MOVES_LIPS = [index for index, name in enumerate(ARKIT_NAMES) if name.startswith(("jaw", "mouth", "cheek", "tongue"))]
HELD_OPEN, HELD_SHUT = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]
WIDEST_JAW = 0.25
"""Furthest the jaw opens behind lips that stay sealed, as it does at /m/."""
PRESSING = tuple(
    [ARKIT_INDEX[name] for name in names]
    for names in (("mouthPressLeft", "mouthPressRight"), ("mouthRollLower",), ("mouthRollUpper",))
)
HARDEST = (0.4, 0.3, 0.25)
"""What presses and rolls lips in as they seal for /p b m/, and how much of it at most."""
HALF_WIDTH_MM = 8.0
ABOVE_MM, BELOW_MM, SAMPLES = 3.0, 6.0, 13
"""How far lines reach above and below the seam at rest, and samples along them."""
COLUMNS, DEPTHS = 5, 6
BEHIND_MM = 0.5
"""Distance of the hindmost lines from the teeth."""


def sealed_weights(weights: Float[Tensor, "row 52"], generator: torch.Generator) -> Float[Tensor, "row 52"]:
    """The same brows, lids and gaze with sealed lips: every other row at rest, the rest over an open jaw.

    Lips are pressed on every second row of each.
    """
    sealed = weights.clone()
    sealed[:, MOVES_LIPS] = 0.0
    jaw = WIDEST_JAW * torch.rand(len(sealed), generator=generator)
    jaw[::2] = 0.0
    sealed[:, HELD_OPEN] = sealed[:, HELD_SHUT] = jaw
    pressed = torch.arange(len(weights)) % 4 > 1
    for columns, most in zip(PRESSING, HARDEST, strict=True):
        sealed[:, columns] = (pressed * most * torch.rand(len(weights), generator=generator))[:, None]
    return sealed


def through_lips(anatomy: Anatomy, generator: torch.Generator) -> Float[Tensor, "row column depth sample 3"]:
    """Upright lines through the seam, from just before the teeth to the front of the lips."""
    rows = len(anatomy.eye_radius)
    centre, teeth = anatomy.landmark("mouth_centre"), anatomy.landmark("teeth_front")
    front = torch.maximum(anatomy.landmark("lip_upper")[:, 2], anatomy.landmark("lip_lower")[:, 2])
    across = HALF_WIDTH_MM / UNIT_MM * (2 * torch.rand(rows, COLUMNS, generator=generator) - 1)
    back = teeth[:, 2] + BEHIND_MM / UNIT_MM
    depth = back[:, None] + (front - back)[:, None] * torch.linspace(0, 1, DEPTHS)
    height = centre[:, 1, None] + torch.linspace(ABOVE_MM, -BELOW_MM, SAMPLES) / UNIT_MM
    shape = (rows, COLUMNS, DEPTHS, SAMPLES)
    x, y, z = (centre[:, 0, None] + across)[:, :, None, None], height[:, None, None], depth[:, None, :, None]
    return torch.stack([each.expand(shape) for each in (x, y, z)], -1)


def openness(distances: Float[Tensor, "row column depth sample"]) -> Float[Tensor, "row column"]:
    """Distance at the most open sample of each column's most closed line: negative where lips are sealed."""
    return distances.max(-1).values.min(-1).values
