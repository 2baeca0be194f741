"""Rims: where lips and lids of very many people lie, in the canonical pose and as they open.

A scan costs a second of work, most of it exact distances, so few people can be scanned; but how far lips part is a
matter of each person's shape, and is learnt from many. Material points on lips and lids cost a tenth of that: a mesh
says where they are in every pose, and they lie on the surface unless lips touch there.

Layout: `meta.json`, `identities.safetensors`, `rims_###.safetensors` (one row a person); positions are 16-bit fractions
of the box, normals int8, free ways fp16 units.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from safetensors.numpy import save_file

from facetalk.data import contact, expressions, head_set, landmarks
from facetalk.data.eyeballs import MILLIMETRE
from facetalk.data.head_sampling import Exposure, quantise, quantise_directions
from facetalk.data.posing import PosedHead, SourceHead, Topology
from facetalk.data.regions import RegionMap
from facetalk.data.solid import ASK, HIDDEN, Solid
from facetalk.data.source import SIDES, HeadSource
from facetalk.geometry import PAPER_BOX
from facetalk.head.anatomy import LANDMARK_NAMES

KIND = "rims"
DENSE = 2.0
"""Sampling density of a template from which on a face belongs to lips or lids (`RegionMap.density`)."""
TOUCHING = 0.3 * MILLIMETRE
"""Lips and lids nearer to each other than this may be one: no surface is known there."""
FREE = 2.0 * MILLIMETRE
"""Furthest that the way in front of a point is told to be free."""
SURVEYED = 8
"""Poses of the mean head that tell which faces of lips and lids are always hidden."""
MIX = {"small": 0.4, "all": 0.15, "wide": 0.2, "smiling": 0.25}
"""How often expressions are drawn for each purpose of `expressions.PURPOSES`."""


@dataclass(frozen=True, kw_only=True)
class RimSetConfig:
    """How many people of which source."""

    ict: Path | None = None
    """Root of an ICT-FaceKit checkout, for people of that source."""
    anny: bool = False
    """People of the anny package instead; needs pip install 'facetalk[anny]'."""
    out: Path
    first: int = 0
    """Number of the first person; with the same seed a number is the same person as in a head set."""
    people: int = 1000
    openings: int = 3
    """Expressions of each."""
    lip_points: int = 240
    lid_points: int = 100
    """Of each eye."""
    shard: int = 100
    """People in one shard."""
    seed: int = 0
    workers: int = 2


class RimSampler:
    """Draws material points on lips and lids of a source's people."""

    def __init__(self, source: HeadSource, config: RimSetConfig, exposure: Exposure) -> None:
        self.source, self.config = source, config
        self.topology, self.regions = Topology(source), RegionMap(source)
        self.anchors = landmarks.Anchors(source)
        number = {tuple(face): index for index, face in enumerate(source.faces)}
        seen = (exposure.known != HIDDEN) & (self.regions.density > DENSE)

        def rim(flaps: contact.Flaps) -> Int[np.ndarray, " face"]:
            both = np.concatenate([flaps.upper_faces, flaps.lower_faces])
            faces = np.array([number[tuple(face)] for face in both])
            return faces[seen[faces]]

        self.rims = {
            name: rim(flaps) for name, flaps in {"lips": self.topology.lips, **self.topology.eye_flaps}.items()
        }
        self.draw = mixed({purpose: head_set.drawing(source, purpose) for purpose in MIX})

    def person(self, number: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Description of one person, and its rims: the canonical pose, and all expressions."""
        config = self.config
        random = np.random.default_rng([config.seed, number])
        weights = self.source.prior(random) * (number > 0)
        head = SourceHead(self.topology, weights)
        counts = {"lips": config.lip_points, **dict.fromkeys(SIDES, config.lid_points)}
        parts = [
            _on_faces(head.canonical.vertices, self.source.faces, self.rims[part], self.regions.density, count, random)
            for part, count in counts.items()
        ]
        faces, corners = (np.concatenate(each) for each in zip(*parts, strict=True))
        openings = [self.draw(random) for _ in range(config.openings)]
        posed = [head.pose(each) for each in openings]
        rows = {
            "surface": quantise(_places(head.canonical, faces, corners)),
            "normal": quantise_directions(_normals(head.canonical, faces)),
            "region": self.regions.label(faces, _placed(self.source.neutral, self.source.faces, faces, corners)),
            "free": self.free(head, head.canonical, faces, corners).astype(np.float16),
            "weights": np.stack(openings).astype(np.float16),
            "posed": np.stack([quantise(_places(each, faces, corners)) for each in posed]),
            "posed_normal": np.stack([quantise_directions(_normals(each, faces)) for each in posed]),
            "posed_free": np.stack([self.free(head, each, faces, corners) for each in posed]).astype(np.float16),
        }
        return {"weights": weights.astype(np.float32), **self.anchors.measure(head)}, rows

    def free(
        self,
        head: SourceHead,
        posed: PosedHead,
        faces: Int[np.ndarray, " point"],
        corners: Float[np.ndarray, "point 3"],
    ) -> Float[np.ndarray, " point"]:
        """Free way before each point, in units; −1 where no surface is: lips touch, or lie on what is behind."""
        places = _places(posed, faces, corners)
        apart = _apart(places, posed.vertices, self.topology.lips, head.mouth_raster)
        for side, ball in head.eyeballs.items():
            here = np.isin(faces, self.rims[side])
            chart = ball.chart(posed.vertices)
            apart[here] = _apart(ball.chart(places[here]), chart, self.topology.eye_flaps[side], ball.raster())
        asked = np.full(len(self.source.faces), HIDDEN, np.int8)
        asked[faces] = ASK
        seen = Solid(posed, asked).visible[faces]
        return np.where(~seen | (apart < TOUCHING), -1.0, np.clip(apart / 2, 0, FREE))


def mixed(draws: Mapping[str, expressions.Draw]) -> expressions.Draw:
    """Expressions of every purpose, as often as `MIX` says."""
    return lambda random: draws[str(random.choice(list(MIX), p=list(MIX.values())))](random)


def _apart(
    chart: Float[np.ndarray, "point 3"],
    vertices: Float[np.ndarray, "vertex 3"],
    flaps: contact.Flaps,
    raster: contact.Raster,
) -> Float[np.ndarray, " point"]:
    """Gap between the flaps where each point lies, infinite where one of them is absent."""
    depth, _ = contact.overlap(vertices, flaps, raster)
    gap = -contact.sample(depth, raster, chart)
    return np.where(np.isnan(gap), np.inf, gap)


def _on_faces(
    vertices: Float[np.ndarray, "vertex 3"],
    mesh: Int[np.ndarray, "every 3"],
    faces: Int[np.ndarray, " face"],
    density: Float[np.ndarray, " every"],
    count: int,
    random: np.random.Generator,
) -> tuple[Int[np.ndarray, " point"], Float[np.ndarray, "point 3"]]:
    """Random points of some faces, dense where the template is: their faces and barycentric coordinates."""
    corners = vertices[mesh[faces]]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    share = area * (density[faces] - 1)
    chosen = random.choice(faces, count, p=share / share.sum())
    u, v = random.uniform(size=(2, count))
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    return chosen, np.stack([1 - u - v, u, v], 1)


def _placed(
    vertices: Float[np.ndarray, "vertex 3"],
    mesh: Int[np.ndarray, "face 3"],
    faces: Int[np.ndarray, " point"],
    corners: Float[np.ndarray, "point 3"],
) -> Float[np.ndarray, "point 3"]:
    return np.einsum("pk,pkc->pc", corners, vertices[mesh[faces]])


def _places(
    head: PosedHead, faces: Int[np.ndarray, " point"], corners: Float[np.ndarray, "point 3"]
) -> Float[np.ndarray, "point 3"]:
    return _placed(head.vertices, head.faces, faces, corners)


def _normals(head: PosedHead, faces: Int[np.ndarray, " point"]) -> Float[np.ndarray, "point 3"]:
    a, b, c = (head.vertices[head.faces[faces, corner]] for corner in range(3))
    normal = np.cross(b - a, c - a)
    return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)


_sampler: RimSampler | None = None


def _prepare(source: HeadSource, config: RimSetConfig, exposure: Exposure) -> None:
    """Give a worker process its sampler once."""
    global _sampler
    _sampler = RimSampler(source, config, exposure)


def _work(number: int):
    assert _sampler is not None
    return _sampler.person(number)


def write(config: RimSetConfig, watch: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Make the whole set; `watch` is told how many people are done, and of how many.

    Raises:
        InputError: the source cannot be read.
    """
    heads = head_set.source(config)
    config.out.mkdir(parents=True, exist_ok=True)
    exposure = Exposure.survey(heads, head_set.drawing(heads, "all"), poses=SURVEYED)
    people: list[dict[str, np.ndarray]] = []
    rows: list[dict[str, np.ndarray]] = []
    with ProcessPoolExecutor(config.workers, initializer=_prepare, initargs=(heads, config, exposure)) as pool:
        numbers = range(config.first, config.first + config.people)
        for done, (person, row) in enumerate(pool.map(_work, numbers, chunksize=4), start=1):
            people.append(person)
            rows.append(row)
            watch(done, config.people)
            if len(rows) == config.shard or done == config.people:
                shard = (done - 1) // config.shard
                save_file(head_set.stacked(rows), config.out / f"rims_{shard:03d}.safetensors")
                rows = []
    save_file(head_set.stacked(people), config.out / "identities.safetensors")
    meta = {
        "kind": KIND,
        "source": heads.name,
        "box": asdict(PAPER_BOX),
        "landmarks": list(LANDMARK_NAMES),
        "seed": config.seed,
    }
    (config.out / "meta.json").write_text(json.dumps(meta, indent=1))
