"""Lips pressed together: lines through the seam between them, of which one at least must lie in flesh. Lips far apart:
places between them, all of which must lie in the air.

Both stand where the aperture meter lays its lines (`facetalk.mesh.aperture`), so what is asked is what is measured.
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
AJAR = 0.65
"""Least that a jaw is open which surely leaves the middle between lips free."""
GAPE_MM = 38.0
"""Way between lips along the arc of a fully open jaw; it grows in proportion to the jaw."""
FREE_SHARE = (0.2, 0.6)
"""Which part of that way is asked for air, from the upper lip on: far from either lip and from the lower teeth."""
GAPE_POINTS = 120
"""Places asked in each open mouth."""


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
    centre = anatomy.landmark("mouth_centre")
    back, front = _depths(anatomy)
    across = HALF_WIDTH_MM / UNIT_MM * (2 * torch.rand(rows, COLUMNS, generator=generator) - 1)
    depth = back[:, None] + (front - back)[:, None] * torch.linspace(0, 1, DEPTHS)
    height = centre[:, 1, None] + torch.linspace(ABOVE_MM, -BELOW_MM, SAMPLES) / UNIT_MM
    shape = (rows, COLUMNS, DEPTHS, SAMPLES)
    x, y, z = (centre[:, 0, None] + across)[:, :, None, None], height[:, None, None], depth[:, None, :, None]
    return torch.stack([each.expand(shape) for each in (x, y, z)], -1)


def openness(distances: Float[Tensor, "row column depth sample"]) -> Float[Tensor, "row column"]:
    """Distance at the most open sample of each column's most closed line: negative where lips are sealed."""
    return distances.max(-1).values.min(-1).values


def gaping_weights(weights: Float[Tensor, "row 52"], generator: torch.Generator) -> Float[Tensor, "row 52"]:
    """The same brows, lids and gaze over a jaw that is far open, the lips left alone."""
    gaping = weights.clone()
    gaping[:, MOVES_LIPS] = 0.0
    gaping[:, HELD_OPEN] = AJAR + (1 - AJAR) * torch.rand(len(weights), generator=generator)
    return gaping


def between_lips(
    anatomy: Anatomy, jaw: Float[Tensor, " row"], generator: torch.Generator
) -> Float[Tensor, "row point 3"]:
    """Places in the middle of mouths opened by `jaw`, from before the teeth to the front of the lips.

    They are turned down with the jaw about the axis through the ears.
    """
    shape = (len(jaw), GAPE_POINTS)
    across, along, ahead = torch.rand(*shape, 3, generator=generator).unbind(-1)
    centre = anatomy.landmark("mouth_centre")
    hinge = (anatomy.landmark("ear_left") + anatomy.landmark("ear_right")) / 2
    back, front = _depths(anatomy)
    depth = back[:, None] + (front - back)[:, None] * ahead - hinge[:, 2, None]
    height = (centre[:, 1] - hinge[:, 1])[:, None].expand(shape)
    low, high = FREE_SHARE
    way = jaw[:, None] * GAPE_MM / UNIT_MM * (low + (high - low) * along)
    radius = torch.hypot(height, depth)
    angle = torch.atan2(height, depth) - way / radius
    x = centre[:, 0, None] + HALF_WIDTH_MM / UNIT_MM * (2 * across - 1)
    y, z = hinge[:, 1, None] + radius * angle.sin(), hinge[:, 2, None] + radius * angle.cos()
    return torch.stack([x, y, z], -1)


def _depths(anatomy: Anatomy) -> tuple[Float[Tensor, " row"], Float[Tensor, " row"]]:
    """From just before the teeth to the front of the lips."""
    front = torch.maximum(anatomy.landmark("lip_upper")[:, 2], anatomy.landmark("lip_lower")[:, 2])
    return anatomy.landmark("teeth_front")[:, 2] + BEHIND_MM / UNIT_MM, front
