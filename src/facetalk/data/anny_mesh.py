"""MakeHuman's body cut down to a head: a smooth closed neck and face, tongue, teeth, eyeballs with corneas.

Everything follows the base mesh linearly, so that targets of the base mesh become displacements of the head. Lengths
are decimetres, as in the files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from scipy.sparse import csr_matrix, vstack

from facetalk.data.makehuman import Library
from facetalk.data.source import Parts, boundary_loops, fan, zip_across
from facetalk.data.subdivision import catmull_clark
from facetalk.types import Region

BONES = (
    *("neck", "head", "jaw", "special", "oris", "levator", "orbicularis", "oculi", "temporalis", "risorius"),
    *("eye", "tongue"),
)
"""Names of the bones of head and neck begin so."""
LEAST_SKINNING = 0.3
"""Faces that follow those bones less are body: the cut runs where the neck meets the shoulders."""
STUB = np.array([0.0, -0.8, 0.0])
"""The cut is drawn out by this into a stub, so that the neck plane meets a neck in heads of every size."""
LIP_RING = (520, 7267, 7268, 7261, 7262, 11962, 7263, 7181, 7180, 7196, 10399, 7194, 7195, 10376, 7205, 7206, 7266)
LIP_RING += (7265, 7264, 523)
"""Left half of the edge loop behind the lips: what lies behind it is the mouth."""
LID_RING = (13359, 13352, 13353, 13358, 13357, 13356, 13355, 13354, 13377, 13376, 13375, 13379, 13366, 13374, 13373)
LID_RING += (13372, 13370, 13368, 13367, 13378, 13362, 13361, 13360, 13365, 13363, 13364, 13369, 13371)
"""The edge loop behind the left lids: what lies behind it is the eye socket."""
TOOTH_ENDS = (15081, 15044)
"""A vertex at one end of the upper and of the lower row of teeth, on the open side."""
PALATE, SOCKET = 656, 7852
"""A vertex in the mouth and one in the left eye socket."""
CORNEA_HEIGHT, CORNEA_ANGLE = 0.055, np.radians(27.0)
"""How far the cornea stands out of the eyeball, in radii, and where it ends; the base mesh has a plain sphere."""


@dataclass(frozen=True)
class AnnyMesh:
    """The head's mesh and how it follows the base mesh."""

    operator: csr_matrix
    """Head vertices = operator @ vertices of the base mesh drawn out by the stub."""
    rim: list[int]
    """Base vertices that the stub is drawn out from."""
    parts: Parts
    number: Int[np.ndarray, " base"]
    """Vertex of the head that came from each base vertex; -1 where none did."""

    def displacements(self, base: Float[np.ndarray, "base 3"]) -> Float[np.ndarray, "vertex 3"]:
        """Of the head, given those of the base mesh."""
        return self.operator @ np.concatenate([base, base[self.rim]])

    def positions(self, base: Float[np.ndarray, "base 3"]) -> Float[np.ndarray, "vertex 3"]:
        """Of the head's vertices, given those of the base mesh."""
        return self.operator @ np.concatenate([base, base[self.rim] + STUB])


class Builder:
    """Puts the mesh together."""

    def __init__(self, library: Library) -> None:
        self.vertices, self.groups = library.base
        body = self.groups["body"]
        self.flesh = body[(library.skinning(BONES)[body] >= LEAST_SKINNING).all(axis=1)]
        (self.rim,) = boundary_loops(self.flesh)

    @cached_property
    def mirror(self) -> Int[np.ndarray, " base"]:
        """The vertex on the other side of each one; the base mesh is symmetric to the last digit."""
        rows = {tuple(row): index for index, row in enumerate(np.round(self.vertices * [-1, 1, 1], 4).tolist())}
        return np.array([rows.get(tuple(row), -1) for row in np.round(self.vertices, 4).tolist()])

    def build(self) -> AnnyMesh:
        """The whole mesh."""
        bottom = len(self.vertices) + np.arange(len(self.rim))
        rim = np.array(self.rim)
        stub = np.stack([rim, np.roll(rim, -1), np.roll(bottom, -1), bottom], axis=1)
        teeth = [self.groups[f"helper-{jaw}-teeth"] for jaw in ("upper", "lower")]
        coarse = [self.flesh, stub, self.groups["helper-tongue"], *teeth]
        fine = catmull_clark(len(self.vertices) + len(rim), np.concatenate(coarse))
        ends = 4 * np.cumsum([len(quads) for quads in coarse])
        flesh, stub, tongue, upper, lower = np.split(fine.faces, ends[:-1])
        balls = {side: self._eyeball(f"helper-{side[0]}-eye") for side in ("left", "right")}
        starts = fine.operator.shape[0] + np.cumsum([0, *(ball[0].shape[0] for ball in balls.values())])
        operator = csr_matrix(vstack([fine.operator, *(ball[0] for ball in balls.values())]))
        shells = [ball[1] + start for ball, start in zip(balls.values(), starts[:-1], strict=True)]
        used, number = _used(operator.shape[0], [flesh, stub, tongue, upper, lower, *shells])
        skin = np.concatenate([flesh, stub])
        parts = Parts(
            flesh=number[np.concatenate([_triangles(skin), *map(fan, boundary_loops(skin))])],
            pieces=number[
                np.concatenate(
                    [_triangles(tongue), *map(_closed, (upper, lower), TOOTH_ENDS), *map(_triangles, shells)]
                )
            ],
            gums=np.empty((0, 3), int),
            pocket=np.empty((0, 3), int),
            regions=self._regions(len(stub), len(self.rim) * 2 - 2, tongue, (upper, lower), shells),
            skin=np.unique(number[flesh[np.repeat(~self._hidden, 4)]]),
            eyeballs={side: np.unique(number[shell]) for side, shell in zip(balls, shells, strict=True)},
            upper_teeth=np.unique(number[upper]),
        )
        return AnnyMesh(operator[used], self.rim, parts, number[: len(self.vertices)])

    def _regions(self, stub: int, cap: int, tongue, teeth, shells) -> UInt8[np.ndarray, " face"]:
        """`Region` of flesh with stub and cap, tongue, teeth, eyeballs."""
        flesh = np.repeat(np.where(self._mouth, Region.MOUTH, Region.SKIN), 8)
        counts = {
            Region.SKIN: 2 * stub + cap,
            Region.MOUTH: 2 * len(tongue),
            Region.TEETH: sum(map(len, map(_closed, teeth, TOOTH_ENDS))),
            Region.SCLERA: 2 * sum(len(shell) for shell in shells),
        }
        rest = [np.full(count, region) for region, count in counts.items()]
        return np.concatenate([flesh, *rest]).astype(np.uint8)

    @cached_property
    def _mouth(self) -> Bool[np.ndarray, " face"]:
        """Which faces of the flesh lie behind the lips."""
        return _behind(self.flesh, [*LIP_RING, *self.mirror[list(LIP_RING[-2:0:-1])].tolist()], PALATE)

    @cached_property
    def _hidden(self) -> Bool[np.ndarray, " face"]:
        """Mouth and eye sockets."""
        left = _behind(self.flesh, list(LID_RING), SOCKET)
        right = _behind(self.flesh, self.mirror[list(LID_RING)].tolist(), int(self.mirror[SOCKET]))
        return self._mouth | left | right

    def _eyeball(self, group: str) -> tuple[csr_matrix, Int[np.ndarray, "shell 4"]]:
        """Operator and quads of a finer eyeball; each vertex is the affine image of its place on a made one."""
        quads = self.groups[group]
        corners = np.unique(quads)
        local = np.searchsorted(corners, quads)
        once = catmull_clark(len(corners), local)
        twice = catmull_clark(once.operator.shape[0], once.faces)
        ball = self.vertices[corners]
        centre = (ball.min(axis=0) + ball.max(axis=0)) / 2
        arms = twice(once(ball)) - centre
        arms *= np.linalg.norm(ball - centre, axis=1).mean() / np.linalg.norm(arms, axis=1, keepdims=True)
        angle = np.arccos(np.clip(arms[:, 2] / np.linalg.norm(arms, axis=1), -1, 1))
        arms *= 1 + CORNEA_HEIGHT * np.cos(np.clip(angle / CORNEA_ANGLE, 0, 1)[:, None] * np.pi / 2) ** 2
        affine = _affine(ball, arms + centre)
        rows, columns = np.indices(affine.shape)
        size = len(self.vertices) + len(self.rim)
        operator = csr_matrix((affine.ravel(), (rows.ravel(), corners[columns.ravel()])), (len(arms), size))
        return operator, twice.faces


def _affine(
    known: Float[np.ndarray, "known 3"], wanted: Float[np.ndarray, "wanted 3"]
) -> Float[np.ndarray, "wanted known"]:
    """Weights of known points that give the wanted ones and carry every affine map of the former to the latter."""
    ones = np.ones((len(known), 1)), np.ones((len(wanted), 1))
    return np.hstack([wanted, ones[1]]) @ np.linalg.pinv(np.hstack([known, ones[0]]))


def _behind(faces: Int[np.ndarray, "face 4"], ring: Sequence[int], seed: int) -> Bool[np.ndarray, " face"]:
    """Faces that can be reached from a vertex without crossing a ring of edges."""
    fence = {frozenset((int(a), int(b))) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)}
    beside: dict[frozenset, list[int]] = {}
    for index, face in enumerate(faces.tolist()):
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            beside.setdefault(frozenset((a, b)), []).append(index)
    missing = [edge for edge in fence if edge not in beside]
    if missing:
        raise RuntimeError(f"{len(missing)} edges of a ring are not in the mesh; the base mesh is another version")
    around: list[list[int]] = [[] for _ in faces]
    for edge, pair in beside.items():
        if len(pair) == 2 and edge not in fence:
            around[pair[0]].append(pair[1])
            around[pair[1]].append(pair[0])
    reached = np.zeros(len(faces), bool)
    ahead = [int(index) for index in np.nonzero((faces == seed).any(axis=1))[0]]
    while ahead:
        index = ahead.pop()
        if not reached[index]:
            reached[index] = True
            ahead.extend(around[index])
    return reached


def _triangles(quads: Int[np.ndarray, "quad 4"]) -> Int[np.ndarray, "face 3"]:
    """Two for each quad."""
    return quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)


def _closed(strip: Int[np.ndarray, "quad 4"], end: int) -> Int[np.ndarray, "face 3"]:
    """A row of teeth, closed where its roots would be."""
    (loop,) = boundary_loops(strip)
    start = loop.index(end)
    return np.concatenate([_triangles(strip), zip_across(loop[start:] + loop[:start])])


def _used(count: int, parts: list[np.ndarray]) -> tuple[np.ndarray, Int[np.ndarray, " vertex"]]:
    """Vertices that any face uses, and the new number of each old one."""
    used = np.unique(np.concatenate(parts))
    number = np.full(count, -1)
    number[used] = np.arange(len(used))
    return used, number
