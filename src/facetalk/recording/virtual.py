"""The virtual rig: somebody's performance seen by calibrated cameras, as clouds with the errors of stereo.

The truth goes to another folder, which no part of the fit is given: `truth.json` (who, settings) and `truth.npz` with
`weights` [frame, 52], `T_world_head` [frame, 4, 4] (units → millimetres), `vertices` [frame, vertex, 3] in head space,
`faces`, and `material`, numbers of the vertices that some camera sees at the start. A performer whose mesh changes from
frame to frame has no vertices.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int

from facetalk.errors import InputError
from facetalk.recording import stage, store
from facetalk.recording.areas import on_scalp
from facetalk.recording.cameras import CalibratedCamera
from facetalk.recording.layout import Description, Points, Recording
from facetalk.recording.performer import EYES, Act, Performer
from facetalk.recording.pictures import photographed
from facetalk.recording.stage import RigConfig, SwayConfig
from facetalk.recording.stereo import StereoConfig, TrueView, measured
from facetalk.render.raster import visible
from facetalk.types import Mesh

RATE = Fraction(73, 3)
"""Every third frame of NeRSemble's 73 a second (paper §3)."""
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class VirtualConfig:
    """How a recording is made up."""

    rig: RigConfig = field(default_factory=RigConfig)
    sway: SwayConfig = field(default_factory=SwayConfig)
    stereo: StereoConfig = field(default_factory=StereoConfig)
    points: int = 20_000
    """Of a cloud, from all cameras together."""
    depth: bool = False
    """Depth pictures in place of clouds."""
    pictures: bool = False
    """Photographs besides, for stereo of another make."""
    seed: int = 0


def record(
    performer: Performer, act: Act, config: VirtualConfig, folder: Path, truth: Path,
    watch: Watch = lambda done, of: None,
) -> Recording:  # fmt: skip
    """Write a recording to `folder` and its truth to `truth`.

    Raises:
        InputError: the two are one folder or lie in each other, or cannot be written.
    """
    config.stereo.check()
    if _within(folder, truth) or _within(truth, folder):
        raise InputError(f"{truth}: the truth must lie apart from the recording {folder}; choose another folder")
    # Every frame draws from a generator of its own, so that losing one changes no other.
    random = np.random.default_rng([config.seed, 0])
    frames, rate = len(act.curves), act.curves.rate
    T_world_chair = stage.chair(random)
    T_world_head = stage.swaying(frames, rate, config.sway, T_world_chair, random)
    rig = stage.cameras(config.rig, T_world_chair)
    lost = random.uniform(size=frames) < config.stereo.missing
    recording = store.start(folder, Description(performer.subject, act.name, rate, frames, cameras=rig))
    store.write_audio(recording, act.sound)
    vertices: list[np.ndarray] = []
    first: Mesh | None = None
    for frame, weights in enumerate(act.curves.weights):
        mesh = performer.shape(weights)
        first = mesh if first is None else first
        vertices.append(mesh.vertices)
        if not lost[frame]:
            _shoot(recording, frame, mesh, T_world_head[frame], config, np.random.default_rng([config.seed, 1, frame]))
            for camera in rig if config.pictures else ():
                picture = photographed(mesh, T_world_head[frame], camera, T_world_chair)
                store.write_picture(recording, camera, frame, picture)
        watch(frame + 1, frames)
    assert first is not None
    store.write_arrays(truth / "truth.npz", _truth(act, T_world_head, vertices, first, rig))
    settings = {**performer.origin, "config": asdict(config), "lost": np.flatnonzero(lost).tolist()}
    store.written(truth / "truth.json", lambda path: path.write_text(json.dumps(settings, default=str), "utf-8"))
    return recording


def _truth(
    act: Act, T_world_head: np.ndarray, vertices: list[np.ndarray], first: Mesh, rig: tuple[CalibratedCamera, ...]
) -> dict[str, np.ndarray]:
    found = {"weights": act.curves.weights, "T_world_head": T_world_head}
    if len({len(shape) for shape in vertices}) > 1:
        return found
    seen = np.unique(np.concatenate([first.faces[_seen(first, T_world_head[0], camera)] for camera in rig]))
    return {**found, "vertices": np.stack(vertices), "faces": first.faces, "material": seen}


def _seen(mesh: Mesh, T_world_head: np.ndarray, camera: CalibratedCamera) -> Int[np.ndarray, " face"]:
    """Faces that a camera sees."""
    triangle = visible(*_screen(mesh, T_world_head, camera)[:2], camera.width, camera.height).triangle
    return np.unique(triangle[triangle >= 0])


def _screen(
    mesh: Mesh, T_world_head: np.ndarray, camera: CalibratedCamera
) -> tuple[Float[np.ndarray, "vertex 3"], Int[np.ndarray, "face 3"], Float[np.ndarray, "vertex 3"]]:
    """What the z-buffer needs, and the vertices in the world."""
    world = mesh.vertices.astype(np.float64) @ T_world_head[:3, :3].T + T_world_head[:3, 3]
    column, row, depth = camera.project(world).T
    return np.stack([column, row, 1 / depth], axis=1).astype(np.float32), mesh.faces, world


def view(mesh: Mesh, T_world_head: Float[np.ndarray, "4 4"], camera: CalibratedCamera) -> TrueView:
    """What a camera would measure without error."""
    screen, faces, world = _screen(mesh, T_world_head, camera)
    seen = visible(screen, faces, camera.width, camera.height)
    there = seen.triangle >= 0
    depth = np.where(there, 1 / np.where(there, seen.nearness, 1).astype(np.float64), 0.0)
    corners = world[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    middle = corners.mean(axis=1) - camera.position
    cosine = np.abs((normal * middle).sum(axis=1))
    cosine /= np.maximum(np.linalg.norm(normal, axis=1) * np.linalg.norm(middle, axis=1), 1e-12)
    wet, hairy = _parts(mesh)
    return TrueView(depth, np.where(there, cosine[seen.triangle], 0.0), there & wet[seen.triangle],
                    there & hairy[seen.triangle])  # fmt: skip


def _parts(mesh: Mesh) -> tuple[Bool[np.ndarray, " face"], Bool[np.ndarray, " face"]]:
    """Faces of eyes, and faces under hair."""
    middle = mesh.vertices[mesh.faces].mean(axis=1)
    hairy = on_scalp(middle)
    if mesh.regions is None:
        return np.zeros(len(mesh.faces), bool), hairy
    return mesh.regions[mesh.faces[:, 0]][:, list(map(int, EYES))].sum(axis=1) > 0.5, hairy


def _shoot(
    recording: Recording, frame: int, mesh: Mesh, T_world_head: np.ndarray, config: VirtualConfig,
    random: np.random.Generator,
) -> None:  # fmt: skip
    """One frame as the cameras measure it."""
    clouds = []
    for camera in recording.about.cameras:
        depth = measured(view(mesh, T_world_head, camera), config.stereo, random)
        if config.depth:
            store.write_depth(recording, camera, frame, depth)
        clouds.append(camera.back_projected(depth))
    if not config.depth:
        points = np.concatenate(clouds)
        chosen = random.permutation(len(points))[: config.points]
        store.write_points(recording, frame, Points(points[chosen]))


def _within(folder: Path, other: Path) -> bool:
    return folder.resolve().is_relative_to(other.resolve())
