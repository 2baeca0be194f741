"""Points of posed heads, drawn where parts are small, labelled, and measured against the exact solid."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Int8, Int16
from rich.progress import track

from facetalk.data import contact, expressions, landmarks
from facetalk.data.eyeballs import MILLIMETRE
from facetalk.data.folds import Folds
from facetalk.data.posing import SourceHead, Topology
from facetalk.data.regions import RegionMap
from facetalk.data.solid import ASK, HIDDEN, OPEN, Solid, neck
from facetalk.data.source import HeadSource
from facetalk.geometry import PAPER_BOX
from facetalk.types import Region

PAIR_REACH = 2.0 * MILLIMETRE
"""Furthest a point in front of the surface is paired with a canonical one."""
SEAM = (0.3 * MILLIMETRE,)
"""Spread of the samples about a seam, along the closing direction."""
MOST_DRAWS = 50
"""Expressions drawn in vain before a source is called broken."""


@dataclass(frozen=True)
class Counts:
    """How many points are drawn of each head."""

    surface_points: int = 12_000
    field_points: int = 30_000
    posed_surface_points: int = 6_000
    posed_field_points: int = 3_000


def quantise(points: Float[np.ndarray, "*shape 3"]) -> Int16[np.ndarray, "*shape 3"]:
    """Positions as 16-bit fractions of the box: steps of 0.006 mm."""
    share = (points - np.array(PAPER_BOX.lower)) / PAPER_BOX.size
    return np.clip(np.rint(share * 65535 - 32768), -32768, 32767).astype(np.int16)


def quantise_directions(normals: Float[np.ndarray, "*shape 3"]) -> Int8[np.ndarray, "*shape 3"]:
    """Unit vectors in steps of 1/127."""
    return np.rint(normals * 127).astype(np.int8)


@dataclass(frozen=True)
class Exposure:
    """What a survey of a few poses says of every face, so that most need not be asked again."""

    known: Int8[np.ndarray, " face"]
    reach: Float[np.ndarray, " face"]
    """Free way in front of a face that nothing ever covers, in units; NaN asks."""

    @classmethod
    def survey(cls, source: HeadSource, draw: expressions.Draw, *, poses: int = 28) -> "Exposure":
        """Look at random expressions of the mean head."""
        random = np.random.default_rng(1)
        head = SourceHead(Topology(source), source.mean_person)
        drawn = [np.zeros(len(expressions.ARKIT_NAMES)), *(draw(random) for _ in range(poses - 1))]
        seen = np.mean([Solid(head.pose(weights)).visible for weights in track(drawn, description="survey")], axis=0)
        known = np.select([seen == 0, seen == 1], [HIDDEN, OPEN], ASK).astype(np.int8)
        below = neck(head.rest.vertices[source.faces].mean(axis=1)) >= 0
        known[below] = OPEN
        rest = Solid(head.rest, known)
        middle = rest.vertices[rest.faces].mean(axis=1)
        probes, read = _reach_probes(middle, rest.face_normals)
        reach = read(rest.distance(probes))
        moving = RegionMap(source).density > 3
        return cls(known, np.where(moving | (known == ASK), np.nan, reach))


class Sampler:
    """Draws and labels points of posed heads."""

    def __init__(self, source: HeadSource, counts: Counts, exposure: "Exposure") -> None:
        self.source, self.counts, self.exposure = source, counts, exposure
        self.topology, self.regions = Topology(source), RegionMap(source)
        self.anchors = landmarks.Anchors(source)
        number = {tuple(face): index for index, face in enumerate(source.faces)}
        self.lid_faces = [
            np.array([number[tuple(face)] for face in np.concatenate([flaps.upper_faces, flaps.lower_faces])])
            for flaps in self.topology.eye_flaps.values()
        ]
        self.open_eye = self._eyeball_weight()

    def _eyeball_weight(self) -> float:
        """Weight of one eyeball's visible faces in the open, mean eye."""
        solid = Solid(SourceHead(self.topology, self.source.mean_person).rest, self.exposure.known)
        corners = solid.vertices[solid.faces]
        area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        here = self.regions.part == Region.SCLERA
        return float((area * self.regions.density * solid.visible)[here].sum() / 2)

    def on_surface(self, solid: Solid, count: int, random: np.random.Generator):
        """Faces and barycentric coordinates of visible surface points, dense where parts are small."""
        corners = solid.vertices[solid.faces]
        area = 0.5 * np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        share = self._shares(area * self.regions.density * solid.visible)
        # A tenth is spread by plain area, so that skull and neck are never starved.
        plain = area * solid.visible
        faces = random.choice(len(area), count, p=0.9 * share / share.sum() + 0.1 * plain / plain.sum())
        u, v = random.uniform(size=(2, count))
        flip = u + v > 1
        u, v = np.where(flip, 1 - u, u), np.where(flip, 1 - v, v)
        return faces, np.stack([1 - u - v, u, v], axis=1)

    def _shares(self, weight: Float[np.ndarray, " face"]) -> Float[np.ndarray, " face"]:
        """Weights scaled so that each part gets its quota; what covered eyeballs leave over goes to the lids."""
        share = np.zeros_like(weight)
        for part in np.unique(self.regions.part):
            here = self.regions.part == part
            share[here] = weight[here] * self.regions.share[here] / max(weight[here].sum(), 1e-12)
        eyes = self.regions.part == Region.SCLERA
        for faces in self.lid_faces:
            side = eyes & (self.regions.left == self.regions.left[faces[0]])
            open_share = min(1.0, weight[side].sum() / max(self.open_eye, 1e-12))
            left_over = (1 - open_share) * 0.5 * self.regions.share[side][0]
            share[side] *= open_share
            share[faces] += left_over * weight[faces] / max(weight[faces].sum(), 1e-12)
        return share

    def place(self, vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, " point"], weights: np.ndarray):
        """Positions of points given by face and barycentric coordinates."""
        return np.einsum("pk,pkc->pc", weights, vertices[self.source.faces[faces]])

    def canonical(self, head: SourceHead, random: np.random.Generator) -> dict[str, np.ndarray]:
        """Surface and exact field of the canonical pose."""
        counts, solid = self.counts, Solid(head.canonical, self.exposure.known)
        faces, weights = self.on_surface(solid, counts.surface_points, random)
        surface = self.place(solid.vertices, faces, weights)
        near = surface[random.integers(len(surface), size=int(counts.field_points * 0.8))]
        spread = random.choice([0.4, 1.2, 4.0, 12.0], size=(len(near), 1), p=[0.4, 0.3, 0.2, 0.1]) * MILLIMETRE
        points = np.concatenate(
            [near + spread * random.normal(size=near.shape), _in_box(counts.field_points - len(near), random)]
        )
        points = np.clip(points, PAPER_BOX.lower, PAPER_BOX.upper)
        return {
            "surface": quantise(surface),
            "normal": quantise_directions(solid.face_normals[faces]),
            "region": self.regions.label(faces, self.place(self.source.neutral, faces, weights)),
            "points": quantise(points),
            "sdf": solid.distance(points).astype(np.float16),
        }

    def posed(self, head: SourceHead, weights: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
        """Material points in one pose and in the canonical one, and the posed field where it matters."""
        counts = self.counts
        solid = Solid(head.pose(weights), self.exposure.known)
        faces, corners = self.on_surface(solid, counts.posed_surface_points, random)
        surface, normal = self.place(solid.vertices, faces, corners), solid.face_normals[faces]
        points = self._field_points(surface, solid.vertices, head, counts.posed_field_points, random)
        reach = self.exposure.reach[faces]
        asked = np.isnan(reach)
        probes, read_reach = _reach_probes(surface[asked], normal[asked])
        distances = solid.distance(np.concatenate([points, probes]))
        reach[asked] = read_reach(distances[len(points) :])
        return {
            "weights": weights.astype(np.float16),
            "surface": quantise(surface),
            "target": quantise(self.place(head.canonical.vertices, faces, corners)),
            "normal": quantise_directions(normal),
            "target_normal": quantise_directions(Solid(head.canonical).face_normals[faces]),
            "region": self.regions.label(faces, self.place(self.source.neutral, faces, corners)),
            "valid_out": reach.astype(np.float16),
            **self._field(head, solid, points, distances[: len(points)], random),
        }

    def _field(
        self, head: SourceHead, solid: Solid, points: np.ndarray, distances: np.ndarray, random: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Points of the posed field with their distances; some are moved onto the seams of closed lips and lids."""
        seams = [(contact.seam(solid.vertices, self.topology.lips, head.mouth_raster, len(points) // 6, *SEAM, random))]
        for side, ball in head.eyeballs.items():
            found = contact.seam(
                ball.chart(solid.vertices),
                self.topology.eye_flaps[side],
                ball.raster(),
                len(points) // 30,
                *SEAM,
                random,
            )
            seams.append(found and (ball.unchart(found[0]), found[1]))
        start = len(points) - 2 * (len(points) // 6)
        for places, exact in filter(None, seams):
            rows = slice(start, start + len(places))
            points[rows], distances[rows] = places, exact
            start += len(places)
        return {"points": quantise(points), "sdf": distances.astype(np.float16)}

    def _field_points(
        self, surface: np.ndarray, vertices: np.ndarray, head: SourceHead, count: int, random: np.random.Generator
    ):
        """Dense about lips and lids and in the mouth, some near all of the surface, a few anywhere."""
        shut, lowered = (each[self.topology.lips.lower].mean(axis=0) for each in (head.neutral, vertices))
        mouth, drop = (shut + lowered) / 2, np.abs(lowered - shut) / 2
        eyes = [ball.centre + np.array([0, 0, ball.radius]) for ball in head.eyeballs.values()]
        reach = np.array([[26, 16, 14], [15, 8, 5], [15, 8, 5]]) * MILLIMETRE
        reach[0] += drop  # the way of the lower lip belongs to the mouth
        boxes = [
            middle + extent * random.uniform(-1, 1, (share, 3))
            for middle, extent, share in zip([mouth, *eyes], reach, [count // 3, count // 10, count // 10], strict=True)
        ]
        near = surface[random.integers(len(surface), size=count // 3)] + MILLIMETRE * random.normal(
            size=(count // 3, 3)
        ) * random.choice([0.3, 1.0, 3.0], size=(count // 3, 1))
        placed = np.concatenate([*boxes, near])
        points = np.concatenate([placed, _in_box(count - len(placed), random)])
        return np.clip(points, PAPER_BOX.lower, PAPER_BOX.upper)

    def person(self, number: int, poses: int, seed: int, draw: expressions.Draw) -> tuple[dict, dict, list[dict]]:
        """All of one identity: its description, its canonical sample, its posed samples: at rest, and as `draw` says.

        Number 0 is the mean head. With the same seed a number is the same person whatever the expressions.
        """
        random = np.random.default_rng([seed, number])
        weights = self.source.prior(random) * (number > 0)
        head = SourceHead(self.topology, weights)
        description = {"weights": weights.astype(np.float32), **self.anchors.measure(head)}
        canonical = self.canonical(head, random)
        rest = np.zeros(len(expressions.ARKIT_NAMES))
        folds = Folds(head)
        drawn = [rest, *(unfolded(head, folds, random, draw) for _ in range(poses - 1))]
        return description, canonical, [{"identity": np.array(number), **self.posed(head, w, random)} for w in drawn]


def unfolded(
    head: SourceHead, folds: Folds, random: np.random.Generator, draw: expressions.Draw
) -> Float[np.ndarray, "52"]:
    """A random expression in which this person's skin does not pass through itself."""
    for _ in range(MOST_DRAWS):
        weights = draw(random)
        if not folds.folded(head.pose(weights)):
            return weights
    raise RuntimeError(f"no expression without folds in {MOST_DRAWS} draws; the source is broken")


def _in_box(count: int, random: np.random.Generator) -> Float[np.ndarray, "point 3"]:
    return random.uniform(PAPER_BOX.lower, PAPER_BOX.upper, (count, 3))


def _reach_probes(surface: np.ndarray, normal: np.ndarray):
    """Points in front of the surface, and how to read from their distances how far it stays the nearest one."""
    steps = np.array([0.3, 1.0]) * PAIR_REACH
    probes = surface[None] + steps[:, None, None] * normal[None]

    def read(distances: Float[np.ndarray, " probe"]) -> Float[np.ndarray, " point"]:
        near, far = distances.reshape(2, -1) > 0.8 * steps[:, None]
        return np.where(near, np.where(far, steps[1], steps[0]), 0.0)

    return probes.reshape(-1, 3), read
