"""What new people wear: named tones of skin, hair and eyes, and a draw in which they go together."""

from dataclasses import replace

import numpy as np

from facetalk.render.look import HAIR_TONES, IRIS_TONES, SKIN_TONES, Colour, Look, linear, srgb
from facetalk.render.makeup import Makeup

SKIN: dict[str, Colour] = dict(zip(("fair", "olive", "rosy", "brown", "dark", "tan"), SKIN_TONES, strict=True))
HAIR: dict[str, Colour] = {
    **dict(zip(("black", "dark-brown", "chestnut", "sandy"), HAIR_TONES, strict=True)),
    "auburn": (0.30, 0.15, 0.09), "blond": (0.47, 0.37, 0.23), "grey": (0.42, 0.41, 0.40),
}  # fmt: skip
IRIS: dict[str, Colour] = {
    **dict(zip(("hazel", "blue", "green", "deep"), IRIS_TONES, strict=True)),
    "grey": (0.40, 0.44, 0.46), "amber": (0.45, 0.30, 0.14),
}  # fmt: skip
LADDER = ("rosy", "fair", "olive", "tan", "brown", "dark")
"""Skin from light to dark; people stand anywhere on it."""
HAIR_CHANCES: dict[str, tuple[float, float]] = {
    "black": (0.08, 0.70), "dark-brown": (0.27, 0.26), "chestnut": (0.25, 0.0), "sandy": (0.14, 0.0),
    "auburn": (0.07, 0.0), "blond": (0.09, 0.0), "grey": (0.10, 0.04),
}  # fmt: skip
IRIS_CHANCES: dict[str, tuple[float, float]] = {
    "hazel": (0.28, 0.20), "blue": (0.26, 0.0), "green": (0.14, 0.0), "deep": (0.12, 0.72), "grey": (0.12, 0.0),
    "amber": (0.08, 0.08),
}  # fmt: skip
"""Chance of a tone with the lightest and with the darkest skin; between, evenly in between."""
CROPPED, ROUGH = 0.72, 0.3
"""How many wear cropped hair, and stubble."""
UNEVEN = 0.04
"""Spread of a channel of skin and lips about its tone, as a share."""


def dressed(seed: int) -> Look:
    """What the person of a seed wears."""
    random = np.random.default_rng([seed, 1])  # another stream than the one that draws shapes
    depth = random.uniform()
    skin = _tinted(_on_ladder(depth), random)
    hair, iris = HAIR[_chosen(HAIR_CHANCES, depth, random)], IRIS[_chosen(IRIS_CHANCES, depth, random)]
    cropped, rough = random.uniform() < CROPPED, random.uniform() < ROUGH
    makeup = Makeup(
        brows=random.uniform(0.6, 1.0), crop=random.uniform(0.6, 0.95) * cropped,
        stubble=random.uniform(0.2, 0.8) * rough, lashes=random.uniform(0.7, 1.1), blush=random.uniform(0.4, 1.4),
    )  # fmt: skip
    look = Look.of(skin, iris, hair, makeup)
    return replace(look, lips=_tinted(look.lips, random))


def _on_ladder(depth: float) -> Colour:
    place = depth * (len(LADDER) - 1)
    step = min(int(place), len(LADDER) - 2)
    light = linear(np.array([SKIN[LADDER[step]], SKIN[LADDER[step + 1]]]))
    red, green, blue = srgb(light[0] + (place - step) * (light[1] - light[0])).tolist()
    return red, green, blue


def _tinted(colour: Colour, random: np.random.Generator) -> Colour:
    red, green, blue = np.clip(np.array(colour) * random.normal(1, UNEVEN, 3), 0, 1).tolist()
    return red, green, blue


def _chosen(chances: dict[str, tuple[float, float]], depth: float, random: np.random.Generator) -> str:
    share = np.array([(1 - depth) * light + depth * dark for light, dark in chances.values()])
    return str(random.choice(list(chances), p=share / share.sum()))
