"""Hairstyles as numbers: what is shaven, combed, tied or curled, and how styles are drawn about the named ones."""

from dataclasses import dataclass, fields, replace

import numpy as np


@dataclass(frozen=True)
class Texture:
    """What hair is like closer than its volume; 0 … 1."""

    curl: float = 0.0
    """Curls and coils: bumps as deep as they are wide."""
    wave: float = 0.1
    """Locks that swing from side to side on their way down."""
    clump: float = 0.5
    """How deep locks are parted from one another."""


@dataclass(frozen=True)
class Style:
    """A head of hair; lengths in millimetres."""

    top: float = 8.0
    side: float = 5.0
    back: float = 6.0
    front: float = 8.0
    """Thickness of the hair on these parts of the scalp."""
    taper: float = 9.0
    """Over which thickness grows from the hairline inwards."""
    nape: float = 26.0
    """The same at the nape and above the ears, where short hair is faded out."""
    recede: float = 0.0
    """How far the hairline has gone back at the temples."""
    part: float = 0.0
    """Where the parting is, towards the subject's left."""
    away: float = 0.3
    """How much hair is combed away from the parting."""
    backwards: float = 0.0
    """How much it is combed back (or forward, below 0)."""
    down: float = 1.0
    hang: float = 0.0
    """How far below the middle of the ears loose hair ends; 0 is none."""
    hang_spread: float = 14.0
    """How far loose hair stands off the skull."""
    framing: float = 0.0
    """Width of the face that loose hair leaves free, added to the usual one."""
    fringe: float = 0.0
    """Length over the forehead; 0 is none."""
    sweep: float = 0.0
    """Which way a fringe is brushed, towards the subject's left."""
    tied: float = 0.0
    """How much hair is drawn to the tie."""
    tie_height: float = 105.0
    """Of the tie at the back of the head, in the mean head's millimetres."""
    tail: float = 0.0
    """Length of a tail hanging from the tie; 0 is none."""
    bun: float = 0.0
    """Radius of a knot at the tie; 0 is none."""
    texture: Texture = Texture()


@dataclass(frozen=True)
class Beard:
    """A beard; thicknesses in millimetres."""

    moustache: float = 0.0
    chin: float = 0.0
    jaw: float = 0.0
    taper: float = 7.0
    texture: Texture = Texture(clump=0.45)


NO_LENGTH = -4.0
"""Thickness where no hair grows: below the skin, so that nothing is seen."""
STYLES: dict[str, Style] = {
    "crop": Style(),
    "short": Style(22.0, 8.0, 10.0, 25.0, nape=34.0, part=26.0, away=1.0, backwards=0.35, texture=Texture(clump=0.7)),
    "swept": Style(22.0, 8.0, 11.0, 30.0, nape=34.0, away=0.15, backwards=1.2, texture=Texture(wave=0.15, clump=0.8)),
    "fringe": Style(
        17.0, 15.0, 14.0, 15.0, 9.0, 14.0, away=0.6, hang=12.0, hang_spread=9.0, framing=9.0, fringe=46.0, sweep=0.25
    ),
    "bob": Style(15.0, 13.0, 14.0, 12.0, 8.0, 9.0, part=14.0, away=1.0, hang=86.0, texture=Texture(wave=0.15)),
    "long": Style(13.0, 11.0, 12.0, 10.0, 8.0, 9.0, away=1.0, hang=170.0, hang_spread=12.0, texture=Texture(wave=0.2)),
    "wavy": Style(
        18.0,
        15.0,
        15.0,
        15.0,
        8.0,
        9.0,
        part=-18.0,
        away=1.0,
        hang=170.0,
        hang_spread=18.0,
        texture=Texture(0.15, 0.8, 0.7),
    ),
    "ponytail": Style(
        9.0, 7.0, 8.0, 9.0, 7.0, 9.0, tied=1.0, tie_height=108.0, tail=215.0, texture=Texture(wave=0.05, clump=0.35)
    ),
    "bun": Style(
        9.0, 7.0, 8.0, 9.0, 7.0, 9.0, tied=1.0, tie_height=140.0, bun=31.0, texture=Texture(wave=0.05, clump=0.35)
    ),
    "afro": Style(36.0, 29.0, 29.0, 24.0, 38.0, 30.0, away=0.1, texture=Texture(1.0, 0.0, 0.3)),
    "curls": Style(
        27.0,
        21.0,
        22.0,
        22.0,
        22.0,
        16.0,
        away=0.6,
        hang=62.0,
        hang_spread=20.0,
        fringe=18.0,
        texture=Texture(0.75, 0.5),
    ),
}
BEARDS: dict[str, Beard] = {
    "short-beard": Beard(4.0, 6.0, 4.0),
    "beard": Beard(6.0, 16.0, 10.0, 8.0),
    "goatee": Beard(5.0, 10.0, 0.0),
    "moustache": Beard(6.5, 0.0, 0.0, 5.0),
}
STEADY = ("part", "away", "backwards", "down", "sweep", "tied", "tie_height", "recede", "framing", "texture")
"""What is not stretched when a style is varied, but moved."""


def varied(style: Style, random: np.random.Generator) -> Style:
    """Another style of the same cut."""
    lengths = {
        part.name: getattr(style, part.name) * float(np.exp(0.14 * random.normal()))
        for part in fields(style)
        if part.name not in STEADY
    }
    return replace(
        style, **lengths, recede=float(max(0, 7 * random.normal())),
        part=style.part * random.choice([-1, 1]) + 6 * random.normal(),
        away=max(0.0, style.away + 0.12 * random.normal()), backwards=style.backwards + 0.15 * random.normal(),
        sweep=style.sweep + 0.25 * random.normal(), tie_height=style.tie_height + 8 * random.normal(),
        texture=_textured(style.texture, random),
    )  # fmt: skip


def varied_beard(beard: Beard, random: np.random.Generator) -> Beard:
    """Another beard of the same cut."""
    stretch = np.exp(0.2 * random.normal(size=4))
    sizes = np.multiply((beard.moustache, beard.chin, beard.jaw, beard.taper), stretch).tolist()
    return Beard(*sizes, texture=_textured(beard.texture, random))


def _textured(texture: Texture, random: np.random.Generator) -> Texture:
    values = [getattr(texture, part.name) + 0.1 * random.normal() for part in fields(texture)]
    return Texture(*np.clip(values, 0, 1).tolist())
