"""USC ICT-FaceKit as a head source: a checkout folder in, the parts of the model in NPHM space out.

The folder is the public repository ICT-VGL/ICT-FaceKit (MIT); `FaceXModel/` holds the neutral head, 100 identity
modes and expression shapes as OBJ files. Posing and its corrections live in `facetalk.data.posing`.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.data.source import HeadSource, Marks, Parts, boundary_loops, fan
from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.types import Region

NAME = "ICT-FaceKit"

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
NOSTRIL_ENDS = (5452, 4998)
"""Vertices at the far ends of the left and the right nostril."""

IRIS_ANGLE = np.radians(22.5)
PUPIL_ANGLE = np.radians(8.5)
"""Angles at the eyeball's centre from the optical axis: 6 mm and 2.3 mm on an eyeball of 15.8 mm."""
_LEFT_ANCHORS_MM = (
    (27.0, 9.0, 10.0),
    (58.0, 30.0, 62.0),
    (50.0, -48.0, 62.0),
    (72.0, 20.0, -5.0),
    (74.0, 48.0, -12.0),
    (58.0, 92.0, 40.0),
    (60.0, 70.0, -60.0),
    (62.0, -98.0, -30.0),
)
"""Rough places of anchors without a landmark, in millimetres from ICT's origin."""
_THROAT_MM, _FOREHEAD_MM = (-95.0, 50.0), (75.0, 90.0)
"""(y, z) of the two on the midline."""

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


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"{path}: missing; give the root of an ICT-FaceKit checkout, which holds FaceXModel/")
    return path.read_text().splitlines()


def _vertices(lines: list[str]) -> Float[np.ndarray, "vertex 3"]:
    """Vertices in the file's own unit."""
    # One long text: a checkout has 150 such files, and number by number they take a quarter of a minute.
    return np.fromstring(" ".join(line[2:] for line in lines if line.startswith("v ")), sep=" ").reshape(-1, 3)


def _polygons(lines: list[str]) -> list[list[int]]:
    return [[int(word.split("/")[0]) - 1 for word in line.split()[1:]] for line in lines if line.startswith("f ")]


def _triangles(polygons: list[list[int]]) -> Int[np.ndarray, "face 3"]:
    """Fans of triangles."""
    return np.array([[p[0], p[i], p[i + 1]] for p in polygons for i in range(1, len(p) - 1)])


def read(folder: Path | str) -> HeadSource:
    """Read a checkout.

    Raises:
        InputError: a shape is missing from `folder`/FaceXModel.
    """
    model = Path(folder) / "FaceXModel"
    lines = _lines(model / "generic_neutral_mesh.obj")
    neutral, polygons = _vertices(lines), _polygons(lines)

    def displacement(name: str) -> Float[np.ndarray, "vertex 3"]:
        return ((_vertices(_lines(model / f"{name}.obj")) - neutral) * CENTIMETRE).astype(np.float32)

    identities = np.stack([displacement(f"identity{mode:03d}") for mode in range(IDENTITY_MODES)])
    expressions = np.zeros((len(ARKIT_NAMES), *neutral.shape), np.float32)
    for name, index in ARKIT_INDEX.items():
        for source in _source_names(name):
            expressions[index] += displacement(source)
    placed = neutral * CENTIMETRE + ORIGIN
    return HeadSource(
        name=NAME,
        neutral=placed,
        identities=identities,
        expressions=expressions,
        parts=_parts(_triangles(polygons)),
        marks=_marks(),
        prior=draw_person,
        iris_angle=IRIS_ANGLE,
        pupil_angle=PUPIL_ANGLE,
        chin=float(placed[SKIN, 1].min()),
    )


def draw_person(random: np.random.Generator) -> Float[np.ndarray, "100"]:
    """Identity weights, N(0, 1) without its tails."""
    return np.clip(random.normal(size=IDENTITY_MODES), -2.5, 2.5)


def _marks() -> Marks:
    places = np.array([*_LEFT_ANCHORS_MM, (0.0, *_THROAT_MM), (0.0, *_FOREHEAD_MM)]) * CENTIMETRE / 10 + ORIGIN
    left = tuple((float(x), float(y), float(z)) for x, y, z in places[:-2])
    throat, forehead = ((float(y), float(z)) for _, y, z in places[-2:])
    return Marks(dict(enumerate(LANDMARKS_68)), left, throat, forehead, NOSTRIL_ENDS)


def _parts(triangles: Int[np.ndarray, "triangle 3"]) -> Parts:
    """Bodies of the model; iris shells, lacrimal, blend, occlusion and lash meshes are dropped."""
    lowest, highest = triangles.min(axis=1), triangles.max(axis=1)

    def within(start: int, stop: int) -> Int[np.ndarray, "some 3"]:
        return triangles[(lowest >= start) & (highest < stop)]

    skin = within(0, EYE_SOCKETS.stop)
    flesh = np.concatenate([skin, *(fan(loop) for loop in boundary_loops(skin))])
    gums = within(GUMS.start, GUMS.stop)
    pieces = np.concatenate([within(part.start, part.stop) for part in (TEETH, *EYEBALLS.values())])
    socket = flesh[(flesh.max(axis=1) >= MOUTH_SOCKET.start) & (flesh.max(axis=1) < MOUTH_SOCKET.stop)]
    return Parts(
        flesh=flesh,
        pieces=pieces,
        gums=gums,
        pocket=np.concatenate([socket, *(fan(loop) for loop in boundary_loops(socket))]),
        regions=_regions(np.concatenate([flesh, gums, pieces])),
        skin=np.arange(NECK.stop),
        eyeballs={side: np.arange(part.start, part.stop) for side, part in EYEBALLS.items()},
        upper_teeth=np.arange(UPPER_TEETH.start, UPPER_TEETH.stop),
    )


def _regions(faces: Int[np.ndarray, "face 3"]) -> UInt8[np.ndarray, " face"]:
    highest = faces.max(axis=1)
    regions = np.full(len(faces), Region.SKIN, np.uint8)
    for part, region in ((MOUTH_SOCKET, Region.MOUTH), (GUMS, Region.MOUTH), (TEETH, Region.TEETH)):
        regions[(highest >= part.start) & (highest < part.stop)] = region
    regions[highest >= EYEBALLS["left"].start] = Region.SCLERA
    return regions
