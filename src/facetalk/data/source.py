"""What a head source is: people and expressions as displacements of one mesh in NPHM space, and what its parts are.

A source is linear before it is corrected: vertices = mean head + identity weights · identities + ARKit weights ·
expressions. `facetalk.data.posing` poses and corrects any of them; importers (`ict`, `anny`) only fill this in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

Prior = Callable[[np.random.Generator], Float[np.ndarray, " mode"]]
"""Draws the identity weights of one person."""
SIDES = ("left", "right")
"""Of the subject."""


@dataclass(frozen=True)
class Marks:
    """Vertices and places that stand for landmarks."""

    common: Mapping[int, int]
    """Vertex of each of the 68 common landmarks (0-based, right of the subject first); 8, 24, 27, 30–60 and the
    inner corners and middles of the lips (60, 62, 64, 66) are needed."""
    left_anchors: tuple[tuple[float, float, float], ...]
    """Places on the subject's left of the eight anchors without a common landmark, in units; the nearest skin vertex
    is taken."""
    throat: tuple[float, float]
    forehead: tuple[float, float]
    """(y, z) of two places on the midline, in units."""
    nostril_ends: tuple[int, int] | None = None
    """Vertices where the left and the right nostril end, of a source whose nostrils may meet."""

    def at(self, *numbers: int) -> list[int]:
        """Vertices of common landmarks."""
        return [self.common[number] for number in numbers]


@dataclass(frozen=True)
class Parts:
    """The faces of a source, and the bodies they bound; all faces are wound counter-clockwise seen from outside."""

    flesh: Int[np.ndarray, "flesh 3"]
    """The one closed surface of face, neck, mouth socket and eye sockets, closed under the neck."""
    pieces: Int[np.ndarray, "piece 3"]
    """Closed bodies that stand in it or before it: teeth, tongue, eyeballs."""
    gums: Int[np.ndarray, "gum 3"]
    """Open sheet of gums, palate and tongue that faces the mouth; may be empty."""
    pocket: Int[np.ndarray, "pocket 3"]
    """The mouth socket closed behind the lips; what lies in it behind `gums` is solid. Empty where `gums` is."""
    regions: UInt8[np.ndarray, " face"]
    """`Region` of each row of `faces`, lips, irises and pupils not yet told apart."""
    skin: Int[np.ndarray, " skin_vertex"]
    """Vertices of face and neck, sockets left out."""
    eyeballs: Mapping[str, Int[np.ndarray, " ball_vertex"]]
    """Outer shells, left and right."""
    upper_teeth: Int[np.ndarray, " tooth_vertex"]

    @property
    def faces(self) -> Int[np.ndarray, "face 3"]:
        """Everything that may be surface: flesh, gums, pieces."""
        return np.concatenate([self.flesh, self.gums, self.pieces])

    @property
    def skin_faces(self) -> Int[np.ndarray, "skin_face 3"]:
        """Faces of the flesh with skin at every corner."""
        return self.flesh[np.isin(self.flesh, self.skin).all(axis=1)]


@dataclass(frozen=True)
class HeadSource:
    """One head model in NPHM units."""

    name: str
    neutral: Float[np.ndarray, "vertex 3"]
    """The mean head: all identity weights zero, jaw shut."""
    identities: Float[np.ndarray, "mode vertex 3"]
    expressions: Float[np.ndarray, "52 vertex 3"]
    """Displacements in ARKit order at weight 1."""
    parts: Parts
    marks: Marks
    prior: Prior
    iris_angle: float
    pupil_angle: float
    """Angles at the eyeball's centre from the optical axis, radians."""
    chin: float
    """Height below which skin counts as neck, in units."""
    squeeze: float = 0.0
    """How much further than to touching lips and lids are drawn together, in units, so that round ones meet over a
    width and not along a line."""

    @property
    def faces(self) -> Int[np.ndarray, "face 3"]:
        """Every face, in the order of `parts.regions`."""
        return self.parts.faces

    @property
    def mean_person(self) -> Float[np.ndarray, " mode"]:
        """Identity weights of the mean head."""
        return np.zeros(len(self.identities))

    def unposed(self, weights: Float[np.ndarray, " mode"]) -> Float[np.ndarray, "vertex 3"]:
        """The neutral head of one person, not yet corrected."""
        return self.neutral + np.tensordot(weights, self.identities[: len(weights)], axes=1)

    def vertices_of(self, *regions: int) -> Int[np.ndarray, " vertex"]:
        """Vertices of the faces of some regions."""
        return np.unique(self.faces[np.isin(self.parts.regions, regions)])


def boundary_loops(faces: Int[np.ndarray, "face corner"]) -> list[list[int]]:
    """Boundary loops of a surface of triangles or quads, each running against its faces."""
    corners = faces.shape[1]
    edges = [(int(face[k]), int(face[(k + 1) % corners])) for face in faces for k in range(corners)]
    present = set(edges)
    following = {b: a for a, b in edges if (b, a) not in present}
    loops = []
    while following:
        loop = [next(iter(following))]
        while (vertex := following.pop(loop[-1])) != loop[0]:
            loop.append(vertex)
        loops.append(loop)
    return loops


def fan(loop: list[int]) -> Int[np.ndarray, "cap 3"]:
    """Triangles over a boundary loop, wound like its surroundings."""
    return np.array([[loop[0], loop[i], loop[i + 1]] for i in range(1, len(loop) - 1)])


def zip_across(loop: list[int]) -> Int[np.ndarray, "cap 3"]:
    """Triangles over a long thin loop, laced from side to side between its first vertex and the one opposite."""
    laced, low, high = [], 0, len(loop) - 1
    while high - low > 1:
        laced.append([loop[low], loop[low + 1], loop[high]])
        low += 1
        if high - low > 1:
            laced.append([loop[low], loop[high - 1], loop[high]])
            high -= 1
    return np.array(laced)
