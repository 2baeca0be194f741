"""The quick roads against the exact one: distances from points to triangles both ways, and processor time.

Figures count what seven cameras round the head see: behind closed lips and lids a tracked surface goes on where an
extracted one ends, and nobody can tell. The two ways hold each other: a surface that sinks in is missed on the way
back.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.mesh.extract import SDF, ask, project
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.roads import ROADS, Road
from facetalk.pipeline.side_by_side import single_threaded
from facetalk.pipeline.tracking import Tracking
from facetalk.render.camera import PRESETS, portrait
from facetalk.render.raster import visible
from facetalk.types import Mesh, Region

QUICK = ("fast", "tracked")
PICTURE = 900
"""Pixels along the pictures in which visibility is decided: about a third of a millimetre each."""
LID_REACH = 1.5
"""Lids are the skin within so many radii of an eyeball's centre."""
TIMED = 20
"""Consecutive frames that are timed."""
SURE = 0.5
"""Share from which on a vertex belongs to a region."""
LONGEST_WAY_MM = 5.0
"""Farthest that a vertex looks for the exact surface along its normal."""
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class RoadTest:
    """What is compared."""

    identities: tuple[str, ...] = ("ada", "ben")
    frames: int = 8
    """Of each identity, spread evenly over the clip; an exact one takes ten seconds and more."""
    resolution: int = 60
    """Of the quick roads."""
    truth: int = 114
    """Of the exact one: half a millimetre round mouth and eyes."""
    along: int = 1
    """Every so many frames of the clip the tracked vertices look for the exact surface along their normals: a second a
    frame and no exact mesh; 0 does not."""


@dataclass(frozen=True)
class Gap:
    """Distances between two surfaces in millimetres."""

    ours_to_exact_mean: float
    ours_to_exact_p99: float
    exact_to_ours_mean: float
    exact_to_ours_p99: float


@dataclass
class Measured:
    """One road over all identities."""

    distances: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = field(default_factory=dict)
    """Part of the head → distances from ours and from the exact surface."""
    setup_s: list[float] = field(default_factory=list)
    frame_ms: list[float] = field(default_factory=list)
    vertices: list[int] = field(default_factory=list)
    unheld: int = 0
    """Frames of whole clips that had to be solved vertex by vertex."""
    residual_mm: list[float] = field(default_factory=list)
    """At the probes, of whole clips."""
    clip: dict[str, list[np.ndarray]] = field(default_factory=dict)
    """Part of the head → ways along the normals to the exact surface, of all frames of whole clips."""

    def add(self, part: str, ours: np.ndarray, exact: np.ndarray) -> None:
        """Note distances of a part."""
        lists = self.distances.setdefault(part, ([], []))
        lists[0].append(ours)
        lists[1].append(exact)

    def gaps(self) -> dict[str, Gap]:
        """Means and 99 % of every part."""
        found = {}
        for part, sides in self.distances.items():
            ours, exact = (np.concatenate(side) for side in sides)
            found[part] = Gap(*(_figure(side, share) for side in (ours, exact) for share in (None, 0.99)))
        return found

    def json(self) -> dict:
        """Everything as plain numbers."""
        cost = {name: float(np.mean(getattr(self, name))) for name in ("setup_s", "frame_ms", "vertices")}
        gaps = {part: asdict(gap) for part, gap in self.gaps().items()}
        if not self.residual_mm:
            return {**gaps, **cost}
        clip = {
            part: (_figure(ways := np.concatenate(all_), None), _figure(ways, 0.99)) for part, all_ in self.clip.items()
        }
        tracked = {"frames": len(self.residual_mm), "unheld_frames": self.unheld}
        return {**gaps, **cost, **tracked, "residual_mm": float(np.mean(self.residual_mm)), "clip": clip}


def _figure(values: np.ndarray, share: float | None) -> float:
    if len(values) == 0:
        return float("nan")
    return float(values.mean() if share is None else np.quantile(values, share))


def evaluate(
    actors: Sequence[Actor], codes: Float[Tensor, "frame code"], test: RoadTest, watch: Watch = lambda done, of: None
) -> dict[str, Measured]:
    """Every quick road on frames of one clip, by each actor."""
    found = {name: Measured() for name in QUICK}
    chosen = np.linspace(0, len(codes) - 1, min(test.frames, len(codes))).round().astype(int)
    with single_threaded():
        for number, actor in enumerate(actors):
            roads = {name: _timed(ROADS[name], actor, codes, test, found[name]) for name in QUICK}
            exact = ROADS["exact"](actor, test.truth)
            for done, frame in enumerate(chosen):
                code = codes[frame : frame + 1]
                truth = next(exact(code))
                for name, road in roads.items():
                    compare(actor, next(road(code)), truth, found[name])
                watch(number * len(chosen) + done + 1, len(actors) * len(chosen))
    return found


def _timed(
    make: Callable[[Actor, int], Road], actor: Actor, codes: Float[Tensor, "frame code"], test: RoadTest, into: Measured
) -> Road:
    """A road, its costs noted."""
    begin = time.process_time()
    road = make(actor, test.resolution)
    into.setup_s.append(time.process_time() - begin)
    [first] = road(codes[:1])  # compiled loops are loaded
    into.vertices.append(len(first.vertices))
    begin, count = time.process_time(), 0
    for start in range(0, min(TIMED, len(codes)), 10):
        count += sum(1 for _ in road(codes[start : start + 10]))
    into.frame_ms.append(1000 * (time.process_time() - begin) / count)
    if isinstance(road, Tracking):
        for posed in road.poses(codes):
            into.unheld += not road.track.holds(posed)
            into.residual_mm.append(float(posed.residual_mm.nanmean()))
        for code in codes[:: test.along] if test.along else []:
            _along(actor, road, code, into)
    return road


def _along(actor: Actor, road: Road, code: Float[Tensor, " code"], into: Measured) -> None:
    """Note how far seen vertices of one frame are from the exact surface."""
    [mesh] = road(code[None])
    seen = np.flatnonzero(seen_vertices(mesh, actor))
    ways = ways_mm(actor.sdf(code), mesh, seen)
    into.clip.setdefault("seen", []).append(ways)
    for part, rows in _parts(actor, mesh).items():
        into.clip.setdefault(part, []).append(ways[rows[seen]])


def ways_mm(sdf: SDF, mesh: Mesh, rows: Int[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
    """From some vertices of a mesh to the surface of `sdf`: along their normals, and what is left where that ends."""
    assert mesh.normals is not None
    points = mesh.vertices[rows]
    reach = np.full(len(rows), LONGEST_WAY_MM / UNIT_MM, np.float32)
    found = project(sdf, points, mesh.normals[rows], reach)
    return (np.linalg.norm(found - points, axis=1) + np.abs(ask(sdf, found))) * UNIT_MM


def compare(actor: Actor, ours: Mesh, exact: Mesh, into: Measured) -> None:
    """Note the distances of one frame: of everything, of what is seen, of lips and lids among that."""
    back, forth = distances_mm(ours.vertices, exact), distances_mm(exact.vertices, ours)
    seen = seen_vertices(ours, actor), seen_vertices(exact, actor)
    parts = _parts(actor, ours), _parts(actor, exact)
    into.add("everything", back, forth)
    into.add("seen", back[seen[0]], forth[seen[1]])
    for part in parts[0]:
        into.add(part, back[seen[0] & parts[0][part]], forth[seen[1] & parts[1][part]])


def distances_mm(points: Float[np.ndarray, "point 3"], mesh: Mesh) -> Float[np.ndarray, " point"]:
    """From each point to the nearest triangle of a mesh."""
    import igl

    squared = igl.point_mesh_squared_distance(points.astype(float), mesh.vertices.astype(float), mesh.faces.astype(int))
    return np.sqrt(squared[0]) * UNIT_MM


def seen_vertices(mesh: Mesh, actor: Actor) -> Bool[np.ndarray, " vertex"]:
    """Vertices of the triangles that some named camera sees."""
    found = np.zeros(len(mesh.vertices), bool)
    for name in PRESETS:
        camera = portrait(name, actor.portrait_box(), PICTURE, PICTURE)
        triangles = np.unique(visible(camera.project(mesh.vertices), mesh.faces, PICTURE, PICTURE).triangle)
        found[mesh.faces[triangles[triangles >= 0]]] = True
    return found


def _parts(actor: Actor, mesh: Mesh) -> dict[str, Bool[np.ndarray, " vertex"]]:
    assert mesh.regions is not None
    eyes = actor.state.anatomy.eyes[0].cpu().numpy()
    away = np.linalg.norm(mesh.vertices[:, None] - eyes, axis=2) / actor.state.eye_radius.cpu().numpy()
    lids = (mesh.regions[:, Region.SKIN] > SURE) & (away.min(1) < LID_REACH)
    return {"lips": mesh.regions[:, Region.LIPS] > SURE, "lids": lids}


def table(measured: dict[str, Measured]) -> Iterator[str]:
    """Lines for people."""
    yield f"{'mm':<22}{'ours to exact: mean':>20}{'99 %':>8}{'exact to ours: mean':>22}{'99 %':>8}"
    for name, road in measured.items():
        for part, gap in road.gaps().items():
            yield (
                f"{name + ', ' + part:<22}{gap.ours_to_exact_mean:>20.3f}{gap.ours_to_exact_p99:>8.3f}"
                f"{gap.exact_to_ours_mean:>22.3f}{gap.exact_to_ours_p99:>8.3f}"
            )
        figures = road.json()
        yield (
            f"{name}: set-up {figures['setup_s']:.1f} core-s, {figures['frame_ms']:.1f} core-ms a frame, "
            f"{figures['vertices']:.0f} vertices"
        )
        if road.residual_mm:
            held = f"{road.unheld} of {len(road.residual_mm)} frames solved vertex by vertex"
            yield f"{name}: {held}, components {figures['residual_mm']:.3f} mm off at the probes"
            for part, (mean, most) in figures["clip"].items():
                yield f"{name}, {part}, every frame: {mean:.3f} mm from the exact surface, 99 % {most:.3f}"
