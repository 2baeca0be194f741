"""How things look: colours of a head's parts, lights of the studio, the wall behind."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.render.makeup import Makeup
from facetalk.types import Region

Colour = tuple[float, float, float]
"""sRGB, 0 … 1."""

SKIN_TONES: tuple[Colour, ...] = (
    (0.84, 0.63, 0.52), (0.77, 0.56, 0.44), (0.88, 0.69, 0.60), (0.60, 0.40, 0.29), (0.42, 0.27, 0.19),
    (0.72, 0.51, 0.38),
)  # fmt: skip
"""Tones to dress identities in."""
IRIS_TONES: tuple[Colour, ...] = ((0.36, 0.24, 0.14), (0.30, 0.42, 0.52), (0.34, 0.40, 0.26), (0.22, 0.14, 0.09))
"""Eye colours to dress identities in."""
HAIR_TONES: tuple[Colour, ...] = ((0.07, 0.06, 0.055), (0.14, 0.10, 0.08), (0.21, 0.14, 0.10), (0.32, 0.24, 0.16))
"""Hair colours to dress identities in, darkest first."""
DARK_SKIN = 1.4
"""Skin whose channels sum to less goes with dark eyes and hair."""
CROPPED_SHARE, STUBBLE_SHARE = 0.7, 0.3
"""How many seeded people wear cropped hair, and stubble."""

UNDER_HAIR = 0.92
"""How densely skin is painted where hair grows from it."""


@dataclass(frozen=True)
class Look:
    """Colours of one head."""

    skin: Colour = SKIN_TONES[0]
    lips: Colour = (0.70, 0.42, 0.38)
    iris: Colour = IRIS_TONES[0]
    hair: Colour = (0.20, 0.14, 0.10)
    makeup: Makeup = field(default_factory=Makeup)

    @classmethod
    def seeded(cls, seed: int) -> "Look":
        """A plausible look for a seeded identity: eyes and hair are dark where the skin is."""
        random = np.random.default_rng(seed)
        skin = SKIN_TONES[random.integers(len(SKIN_TONES))]
        dark = sum(skin) < DARK_SKIN
        iris, hair = random.integers(len(IRIS_TONES)), random.integers(len(HAIR_TONES))
        iris, hair = (len(IRIS_TONES) - 1 if dark else iris), (hair % 2 if dark else hair)
        cropped, rough = random.uniform() < CROPPED_SHARE, random.uniform() < STUBBLE_SHARE
        makeup = Makeup(
            brows=random.uniform(0.75, 1.0),
            crop=random.uniform(0.75, 0.95) * cropped,
            stubble=random.uniform(0.3, 0.8) * rough,
        )
        return cls.of(skin, IRIS_TONES[iris], HAIR_TONES[hair], makeup)

    @classmethod
    def of(cls, skin: Colour, iris: Colour, hair: Colour, makeup: Makeup) -> "Look":
        """A look whose lips follow the skin."""
        red, green, blue = skin
        return cls(skin, (0.84 * red, 0.66 * green, 0.70 * blue), iris, hair, makeup)

    def covered(self, *, scalp: bool, beard: bool) -> "Look":
        """The look under hair: skin between the roots is painted, so that no bare skin shows at their edge."""
        crop = max(self.makeup.crop, UNDER_HAIR) if scalp else self.makeup.crop
        stubble = max(self.makeup.stubble, UNDER_HAIR) if beard else self.makeup.stubble
        return replace(self, makeup=replace(self.makeup, crop=crop, stubble=stubble))

    def albedo(self) -> Float[np.ndarray, "region 3"]:
        """Linear colour of every region."""
        colours: dict[Region, Colour] = {
            Region.SKIN: self.skin, Region.LIPS: self.lips, Region.SCLERA: (0.81, 0.77, 0.74), Region.IRIS: self.iris,
            Region.PUPIL: (0.02, 0.02, 0.02), Region.TEETH: (0.90, 0.87, 0.79), Region.MOUTH: (0.60, 0.33, 0.32),
            Region.HAIR: self.hair,
        }  # fmt: skip
        return linear(np.array([colours[region] for region in Region]))


SHINE: dict[Region, tuple[float, float, float]] = {
    Region.SKIN: (0.045, 14.0, 1.0), Region.LIPS: (0.10, 38.0, 0.8), Region.SCLERA: (0.20, 120.0, 0.25),
    Region.IRIS: (0.10, 120.0, 0.1), Region.PUPIL: (0.05, 120.0, 0.0), Region.TEETH: (0.16, 60.0, 0.35),
    Region.MOUTH: (0.12, 45.0, 0.6), Region.HAIR: (0.05, 18.0, 0.2),
}  # fmt: skip
"""Strength and sharpness of reflections, and how much light is scattered under the surface."""


@dataclass(frozen=True)
class Light:
    """A distant lamp in camera axes: x right, y up, z towards the viewer."""

    direction: tuple[float, float, float]
    colour: Colour
    """Linear strength."""


@dataclass(frozen=True)
class Studio:
    """Lights and background. The lights stand round the camera, so every view is lit well."""

    key: Light = Light((-0.55, 0.62, 0.75), (1.75, 1.62, 1.48))
    """Large, soft and a little warm; the one that throws shadows."""
    fill: Light = Light((0.85, 0.10, 0.65), (0.20, 0.235, 0.29))
    rim: Light = Light((0.75, 0.45, -0.75), (1.1, 1.2, 1.35))
    kicker: Light = Light((-0.85, 0.25, -0.70), (0.45, 0.45, 0.5))
    sky: Colour = (0.225, 0.24, 0.265)
    """Light from above that comes from everywhere."""
    floor: Colour = (0.12, 0.10, 0.09)
    """Light from below."""
    background: Colour = (0.42, 0.45, 0.49)
    exposure: float = field(default=0.62)

    def lights(self) -> Float[np.ndarray, "light 6"]:
        """Unit directions and colours of key, fill, rim and kicker."""
        rows = [self.key, self.fill, self.rim, self.kicker]
        way = np.array([light.direction for light in rows], np.float32)
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        return np.concatenate([way, np.array([light.colour for light in rows], np.float32)], 1)

    def wall(self, width: int, height: int) -> Float[np.ndarray, "height width 3"]:
        """The background as linear light: a pool of light behind the head that falls off to the corners."""
        column, row = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
        pool = np.exp(-0.75 * (column**2 + (row + 0.1) ** 2))
        strength = 0.42 + 0.85 * pool
        return (strength[..., None] * linear(np.array(self.background))).astype(np.float32)


def linear(colour: Float[np.ndarray, "*any 3"]) -> Float[np.ndarray, "*any 3"]:
    """sRGB to linear light (IEC 61966-2-1)."""
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb(light: Float[np.ndarray, "*any 3"]) -> Float[np.ndarray, "*any 3"]:
    """Linear light to sRGB: the inverse of `linear`."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def parse_colour(text: str, names: Mapping[str, str | Colour] | None = None) -> Colour:
    """A colour from "#rrggbb", "r,g,b" (0 … 255) or one of `names`, by default those of `NAMED`.

    Raises:
        InputError: the text is none of these.
    """
    names = NAMED if names is None else names
    named = names.get(text.lower(), text)
    if not isinstance(named, str):
        return named
    digits = named.removeprefix("#")
    try:
        if "," in digits:
            channels = [int(part) for part in digits.split(",")]
        else:
            channels = [int(digits[i : i + 2], 16) for i in (0, 2, 4)] if len(digits) == 6 else []
    except ValueError:
        channels = []
    if len(channels) != 3 or not all(0 <= channel <= 255 for channel in channels):
        raise InputError(f"colour {text!r} is not understood; write #rrggbb, r,g,b or one of {', '.join(names)}")
    return channels[0] / 255, channels[1] / 255, channels[2] / 255


NAMED = {
    "studio": "#6b737d", "white": "#f4f4f4", "black": "#0a0a0c", "grey": "#808080", "blue": "#4a6484",
    "green": "#00b140", "warm": "#8a7664",
}  # fmt: skip
"""Colours with a name."""
