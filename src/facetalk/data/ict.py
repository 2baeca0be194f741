"""USC ICT-FaceKit as a head source: a checkout folder in, the parts of the model in NPHM space out.

The folder is the public repository ICT-VGL/ICT-FaceKit (MIT); `FaceXModel/` holds the neutral head, 100 identity
modes and expression shapes as OBJ files. Posing and its corrections live in `facetalk.data.posing`.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM

CENTIMETRE = 10.0 / UNIT_MM
"""One ICT length unit in NPHM units."""
ORIGIN = np.array([0.0, 0.02, -0.20])
"""Where ICT's origin lies in NPHM space: with `CENTIMETRE` this is the one similarity into NPHM space."""
IDENTITY_MODES = 100

SKIN = slice(0, 9409)
NECK = slice(9409, 11248)
MOUTH_SOCKET = slice(11248, 13294)
EYE_SOCKETS = slice(13294, 14062)
GUMS = slice(14062, 17039)
TEETH = slice(17039, 21451)
UPPER_TEETH = slice(17039, 19247)
EYEBALLS = {"left": slice(21451, 22221), "right": slice(23021, 23791)}
"""The outer shells; the irises behind them are painted on (`facetalk.data.regions`)."""

LANDMARKS_68 = (
    *(1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443),
    *(268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269),
    *(3360, 1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732, 5708, 5695, 2081, 0, 4275),
    *(6200, 6213, 6346, 6461, 5518, 5957, 5841, 5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966),
)
"""Vertices of the 68 common landmarks, as listed in the checkout's vertex_indices.json."""

_TWO_SIDED = {"browInnerUp": ("browInnerUp_L", "browInnerUp_R"), "cheekPuff": ("cheekPuff_L", "cheekPuff_R")}


def _source_names(arkit_name: str) -> tuple[str, ...]:
    """The shapes of the checkout that add up to one ARKit shape; none for tongueOut, which ICT lacks."""
    if arkit_name == "tongueOut":
        return ()
    if arkit_name in _TWO_SIDED:
        return _TWO_SIDED[arkit_name]
    # mouthLeft and jawLeft are shapes of their own, not sides of one.
    if arkit_name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
        return (arkit_name,)
    for word, side in (("Left", "_L"), ("Right", "_R")):
        if arkit_name.endswith(word):
            return (arkit_name.removesuffix(word) + side,)
    return (arkit_name,)


def _read_obj(path: Path) -> tuple[Float[np.ndarray, "vertex 3"], list[list[int]]]:
    """Vertices in the file's own unit, and its polygons."""
    if not path.is_file():
        raise InputError(f"{path}: missing; give the root of an ICT-FaceKit checkout, which holds FaceXModel/")
    vertices, polygons = [], []
    with path.open() as file:
        for line in file:
            if line.startswith("v "):
                vertices.append(line.split()[1:4])
            elif line.startswith("f "):
                polygons.append([int(word.split("/")[0]) - 1 for word in line.split()[1:]])
    return np.array(vertices, np.float64), polygons


def _triangles(polygons: list[list[int]]) -> Int[np.ndarray, "face 3"]:
    """Fans of triangles."""
    return np.array([[p[0], p[i], p[i + 1]] for p in polygons for i in range(1, len(p) - 1)])


@dataclass(frozen=True)
class IctModel:
    """The linear model in NPHM units, with the parts that stay and the faces between them."""

    neutral: Float[np.ndarray, "vertex 3"]
    identities: Float[np.ndarray, "mode vertex 3"]
    expressions: Float[np.ndarray, "52 vertex 3"]
    """Displacements in ARKit order."""
    faces: Int[np.ndarray, "face 3"]
    """Triangles of skin, sockets, gums, teeth and eyeball shells, with the neck's hole closed by a fan."""

    @classmethod
    def read(cls, folder: Path | str) -> "IctModel":
        """Read a checkout.

        Raises:
            InputError: a shape is missing from `folder`/FaceXModel.
        """
        model = Path(folder) / "FaceXModel"
        neutral, polygons = _read_obj(model / "generic_neutral_mesh.obj")

        def displacement(name: str) -> Float[np.ndarray, "vertex 3"]:
            return ((_read_obj(model / f"{name}.obj")[0] - neutral) * CENTIMETRE).astype(np.float32)

        identities = np.stack([displacement(f"identity{mode:03d}") for mode in range(IDENTITY_MODES)])
        expressions = np.zeros((len(ARKIT_NAMES), *neutral.shape), np.float32)
        for name, index in ARKIT_INDEX.items():
            for source in _source_names(name):
                expressions[index] += displacement(source)
        return cls(neutral * CENTIMETRE + ORIGIN, identities, expressions, _kept_faces(_triangles(polygons)))

    @cached_property
    def skin_faces(self) -> Int[np.ndarray, "face 3"]:
        """Faces of the one connected surface: face, neck, mouth socket and eye sockets."""
        return self.faces[self.faces.max(axis=1) < EYE_SOCKETS.stop]

    @cached_property
    def oral_pocket(self) -> Int[np.ndarray, "pocket 3"]:
        """The mouth socket closed by a fan behind the lips, wound inward like the socket."""
        highest = self.faces.max(axis=1)
        socket = self.faces[(highest >= MOUTH_SOCKET.start) & (highest < MOUTH_SOCKET.stop)]
        return np.concatenate([socket, _cap(socket)])

    def unposed(self, weights: Float[np.ndarray, " mode"]) -> Float[np.ndarray, "vertex 3"]:
        """The neutral head of one identity, weights distributed as N(0, 1)."""
        return self.neutral + np.tensordot(weights, self.identities[: len(weights)], axes=1)


def _kept_faces(triangles: Int[np.ndarray, "triangle 3"]) -> Int[np.ndarray, "face 3"]:
    """Drop the iris shells, lacrimal, blend, occlusion and lash meshes; close the hole under the neck."""
    lowest, highest = triangles.min(axis=1), triangles.max(axis=1)
    kept = [triangles[(lowest >= part.start) & (highest < part.stop)] for part in (slice(0, 21451),)]
    kept += [triangles[(lowest >= part.start) & (highest < part.stop)] for part in EYEBALLS.values()]
    return np.concatenate([*kept, _cap(kept[0][kept[0].max(axis=1) < EYE_SOCKETS.stop])])


def _cap(faces: Int[np.ndarray, "face 3"]) -> Int[np.ndarray, "cap 3"]:
    """A fan over the only boundary loop of `faces`, wound like its surroundings."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    present = {tuple(edge) for edge in edges}
    following = {int(b): int(a) for a, b in edges if (b, a) not in present}
    start = next(iter(following))
    loop = [start]
    while following[loop[-1]] != start:
        loop.append(following[loop[-1]])
    return np.array([[loop[0], loop[i], loop[i + 1]] for i in range(1, len(loop) - 1)])
