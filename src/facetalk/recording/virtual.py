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
from hashlib import sha256
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from facetalk.errors import InputError
from facetalk.recording import stage, store
from facetalk.recording.cameras import CalibratedCamera
from facetalk.recording.layout import Description, Points, Recording
from facetalk.recording.performer import Act, Performer
from facetalk.recording.pictures import photographed
from facetalk.recording.sight import Surface
from facetalk.recording.stage import RigConfig, SwayConfig
from facetalk.recording.stereo import StereoConfig, measured
from facetalk.types import Mesh

SETTINGS, TRUTH = "truth.json", "truth.npz"
"""Of a truth's folder: the one is written first, the other last."""
SPARE = 2.0
"""So many times the points of a cloud are measured, for some of them lie in holes or on grazing surfaces."""
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
    """Write a recording to `folder` and its truth to `truth`, or go on with it; a finished one is left as it is.

    Every frame draws from a generator of its own: losing one changes no other, and one that is recorded later is the
    same, byte for byte.

    Raises:
        InputError: the two are one folder or lie in each other, cannot be written, or hold another recording.
    """
    config.stereo.check()
    if _within(folder, truth) or _within(truth, folder):
        raise InputError(f"{truth}: the truth must lie apart from the recording {folder}; choose another folder")
    scene = _Scene.of(performer, act, config)
    about = Description(performer.subject, act.name, act.curves.rate, len(act.curves), cameras=scene.rig)
    _begun(truth / SETTINGS, scene.settings(), folder)
    if (truth / TRUTH).is_file():
        return Recording(folder, about)
    recording = store.start(folder, about)
    store.write_audio(recording, act.sound)
    meshes = []
    for frame, weights in enumerate(act.curves.weights):
        mesh = performer.shape(weights)
        meshes.append(mesh)
        if not scene.lost[frame] and not all(path.is_file() for path in scene.files(recording, frame)):
            scene.shoot(recording, mesh, frame)
        watch(frame + 1, about.frames)
    store.write_arrays(truth / TRUTH, scene.truth(meshes))
    return recording


def _begun(path: Path, settings: str, folder: Path) -> None:
    """Say what is recorded, before anything is; what was begun otherwise is nobody's to go on with."""
    if path.is_file() and path.read_text("utf-8") != settings:
        raise InputError(
            f"{folder}: was recorded otherwise, or of another performer or performance ({path}); remove both, or "
            "choose another folder"
        )
    store.written(path, lambda partial: partial.write_text(settings, "utf-8"))


@dataclass(frozen=True)
class _Scene:
    """Everything that is drawn before the first frame."""

    performer: Performer
    act: Act
    config: VirtualConfig
    rig: tuple[CalibratedCamera, ...]
    T_world_chair: Float[np.ndarray, "4 4"]
    T_world_head: Float[np.ndarray, "frame 4 4"]
    lost: Bool[np.ndarray, " frame"]

    @classmethod
    def of(cls, performer: Performer, act: Act, config: VirtualConfig) -> "_Scene":
        random = np.random.default_rng([config.seed, 0])
        frames = len(act.curves)
        T_world_chair = stage.chair(random)
        T_world_head = stage.swaying(frames, act.curves.rate, config.sway, T_world_chair, random)
        lost = random.uniform(size=frames) < config.stereo.missing
        return cls(performer, act, config, stage.cameras(config.rig, T_world_chair), T_world_chair, T_world_head, lost)

    def settings(self) -> str:
        """What `truth.json` says."""
        performed = sha256(self.act.curves.weights.tobytes() + self.act.sound.samples.tobytes()).hexdigest()
        lost = np.flatnonzero(self.lost).tolist()
        settings = {**self.performer.origin, "config": asdict(self.config), "lost": lost, "performance": performed}
        return json.dumps(settings, default=str)

    def files(self, recording: Recording, frame: int) -> list[Path]:
        """What a recorded frame has on disk, the last one written last."""
        pictures = [store.picture_file(recording, camera, frame) for camera in self.rig if self.config.pictures]
        if self.config.depth:
            return [store.depth_file(recording, camera, frame) for camera in self.rig] + pictures
        return [store.points_file(recording, frame), *pictures]

    def shoot(self, recording: Recording, mesh: Mesh, frame: int) -> None:
        """One frame as the cameras measure it."""
        random = np.random.default_rng([self.config.seed, 1, frame])
        surface = Surface.of(mesh, self.T_world_head[frame])
        if self.config.depth:
            for camera in self.rig:
                view = surface.view(camera, surface.seen(camera))
                depth = view.picture(measured(view, self.config.stereo, random))
                store.write_depth(recording, camera, frame, depth)
        else:
            store.write_points(recording, frame, Points(self._cloud(surface, random)))
        for camera in self.rig if self.config.pictures else ():
            picture = photographed(mesh, self.T_world_head[frame], camera, self.T_world_chair)
            store.write_picture(recording, camera, frame, picture)

    def _cloud(self, surface: Surface, random: np.random.Generator) -> Float[np.ndarray, "point 3"]:
        """Points of all cameras together; of what they see only so much is measured as will be kept."""
        seen = [surface.seen(camera) for camera in self.rig]
        share = SPARE * self.config.points / max(sum(map(len, seen)), 1)
        clouds = []
        for camera, pixels in zip(self.rig, seen, strict=True):
            some = pixels.some(random.uniform(size=len(pixels)) < share)
            depth = measured(surface.view(camera, some), self.config.stereo, random)
            rays = camera.rays(np.stack([some.column, some.row], axis=1) + 0.5)
            clouds.append((camera.position + rays * depth[:, None])[depth > 0])
        points = np.concatenate(clouds)
        return points[random.permutation(len(points))[: self.config.points]]

    def truth(self, meshes: list[Mesh]) -> dict[str, np.ndarray]:
        """What was performed; vertices where the mesh stays the same."""
        found = {"weights": self.act.curves.weights, "T_world_head": self.T_world_head}
        if len({len(mesh.vertices) for mesh in meshes}) > 1:
            return found
        first = Surface.of(meshes[0], self.T_world_head[0])
        seen = np.unique(np.concatenate([first.faces[np.unique(first.seen(camera).face)] for camera in self.rig]))
        return {**found, "vertices": np.stack([m.vertices for m in meshes]), "faces": first.faces, "material": seen}


def _within(folder: Path, other: Path) -> bool:
    return folder.resolve().is_relative_to(other.resolve())
