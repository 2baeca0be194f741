"""Clouds from photographs, by COLMAP: a workspace for each frame, dense stereo where there is CUDA, and its fusion.

Cameras are calibrated already, so nothing is searched for: a workspace holds pictures, cameras and which of them look
at the same from how far. Patch matching needs CUDA and may be done elsewhere; fusing what it made needs none.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from facetalk.errors import InputError
from facetalk.recording import store
from facetalk.recording.cameras import CalibratedCamera
from facetalk.recording.layout import CLOUDS, IMAGES, UNITS_MM, Recording, stem

PICTURES = (".jpg", ".jpeg", ".png")
FUSED = "fused.ply"
"""What fusion leaves in a workspace, here or elsewhere."""
FEWEST_CAMERAS = 2
SCAFFOLD = 64
"""Points that say which cameras look at the same."""
SQUARE = 1e-6
"""Skew above this share of the focal length is none that COLMAP's pinhole camera has."""


@dataclass(frozen=True)
class DenseConfig:
    """How pictures are matched."""

    neighbours: int = 6
    """Cameras that each is compared with, the nearest ones …"""
    apart_degrees: tuple[float, float] = (3.0, 45.0)
    """… seen from the middle of the rig, of those so far apart."""
    deep_mm: float = 300.0
    """A head reaches so far before and behind the middle of the rig."""


def workspaces(recording: Recording, config: DenseConfig, out: Path) -> list[tuple[int, Path]]:
    """A folder for each frame that has pictures and no cloud; those that are there already are left as they are.

    Raises:
        InputError: there are no pictures, or the cameras are none that COLMAP has.
    """
    made = []
    for frame in range(recording.about.frames):
        seen = _pictures(recording, frame)
        if recording.cloud_file(frame) is None and len(seen) >= FEWEST_CAMERAS:
            folder = out / stem(frame)
            if not (folder / "stereo" / "fusion.cfg").is_file():
                _write(folder, seen, _scaffold(recording, config), config)
            made.append((frame, folder))
    if not made and not recording.has_clouds:
        raise InputError(f"{recording.folder}: no frame has pictures of {FEWEST_CAMERAS} cameras ({IMAGES}/CAMERA/…)")
    return made


def depth_range(recording: Recording, config: DenseConfig) -> tuple[float, float]:
    """Nearest and farthest depth that is looked at, in the recording's numbers."""
    cameras = recording.about.cameras
    far = [np.linalg.norm(camera.position - middle_of(cameras)) for camera in cameras]
    deep = config.deep_mm / UNITS_MM[recording.about.unit]
    return max(float(min(far)) - deep, 0.1 * float(min(far))), float(max(far)) + deep


def match(recording: Recording, folder: Path, config: DenseConfig) -> None:
    """Depth pictures of a workspace, by patch matching.

    Raises:
        InputError: there is no CUDA.
    """
    import pycolmap  # an extra: the command line says how to get it

    if not pycolmap.has_cuda:
        raise InputError(
            f"{folder}: this pycolmap has no CUDA, which dense stereo needs; install pycolmap-cuda12 where there is a "
            "GPU, or keep workspaces (--workspaces DIR), run DIR/stereo.sh where colmap has one, and do this again"
        )
    near, far = depth_range(recording, config)
    options = pycolmap.PatchMatchOptions(depth_min=near, depth_max=far)
    pycolmap.patch_match_stereo(str(folder), options=options)


def is_matched(folder: Path) -> bool:
    """Whether patch matching is done with a workspace: every picture has its depth."""
    names = (folder / "stereo" / "fusion.cfg").read_text("utf-8").split()
    return all((folder / "stereo" / "depth_maps" / f"{name}.geometric.bin").is_file() for name in names)


def fuse(folder: Path) -> None:
    """Depth pictures of a workspace become one cloud, `FUSED`."""
    import pycolmap

    store.written(folder / FUSED, lambda partial: pycolmap.stereo_fusion(str(partial), str(folder), output_type="ply"))


def take_in(recording: Recording, frame: int, folder: Path) -> None:
    """The cloud of a workspace becomes the frame's."""
    place = recording.folder / CLOUDS / f"{stem(frame)}.ply"
    store.written(place, lambda partial: shutil.copyfile(folder / FUSED, partial))


def script(recording: Recording, config: DenseConfig) -> str:
    """What `stereo.sh` says: all workspaces beside it, by the program colmap of a machine with CUDA."""
    near, far = depth_range(recording, config)
    return "\n".join([
        "#!/bin/sh -e",
        'for frame in "$(dirname "$0")"/[0-9]*/; do',
        f'  [ -e "$frame/{FUSED}" ] && continue',
        '  colmap patch_match_stereo --workspace_path "$frame" \\',
        f"    --PatchMatchStereo.depth_min {near:.6g} --PatchMatchStereo.depth_max {far:.6g}",
        f'  colmap stereo_fusion --workspace_path "$frame" --output_path "$frame/{FUSED}"',
        "done",
        "",
    ])  # fmt: skip


def middle_of(cameras: tuple[CalibratedCamera, ...]) -> Float[np.ndarray, "3"]:
    """The place nearest to the axes of all cameras."""
    across = [np.eye(3) - np.outer(axis, axis) for axis in (camera.T_camera_world[2, :3] for camera in cameras)]
    pulled = [part @ camera.position for part, camera in zip(across, cameras, strict=True)]
    return np.linalg.lstsq(np.sum(across, axis=0), np.sum(pulled, axis=0), rcond=None)[0]


def _pictures(recording: Recording, frame: int) -> list[tuple[CalibratedCamera, Path]]:
    """Cameras that photographed a frame."""
    found = []
    for camera in recording.about.cameras:
        places = (recording.folder / IMAGES / camera.name / f"{stem(frame)}{suffix}" for suffix in PICTURES)
        found += [(camera, path) for path in places if path.is_file()][:1]
    return found


def _scaffold(recording: Recording, config: DenseConfig) -> Float[np.ndarray, "point 3"]:
    """Points about the middle of the rig, as all cameras would see them: COLMAP takes whose views overlap from such."""
    place = np.arange(SCAFFOLD) + 0.5
    up, around = 1 - 2 * place / SCAFFOLD, np.pi * (1 + 5**0.5) * place
    flat = np.sqrt(1 - up**2)
    reach = 0.5 * config.deep_mm / UNITS_MM[recording.about.unit]
    return middle_of(recording.about.cameras) + reach * np.stack([flat * np.cos(around), flat * np.sin(around), up], 1)


def _write(
    folder: Path, seen: list[tuple[CalibratedCamera, Path]], scaffold: Float[np.ndarray, "point 3"], config: DenseConfig
) -> None:
    """Pictures, cameras and who looks at the same; the last file is written last."""
    cameras = tuple(camera for camera, _ in seen)
    names = [f"{camera.name}{path.suffix}" for camera, path in seen]
    for name, (_, path) in zip(names, seen, strict=True):
        store.written(folder / "images" / name, lambda partial, path=path: shutil.copyfile(path, partial))
    partners = _partners(cameras, config)
    texts = {
        "sparse/cameras.txt": [_camera(n, camera) for n, camera in enumerate(cameras, 1)],
        "sparse/images.txt": [
            line
            for n, (name, camera) in enumerate(zip(names, cameras, strict=True), 1)
            for line in (_image(n, name, camera), _marks(camera.project(scaffold)))
        ],
        "sparse/points3D.txt": [_point(n, place, len(cameras)) for n, place in enumerate(scaffold.tolist())],
        "stereo/patch-match.cfg": [
            line for n, name in enumerate(names) for line in (name, ", ".join(names[other] for other in partners[n]))
        ],
        "stereo/fusion.cfg": names,
    }
    for kind in ("depth_maps", "normal_maps"):
        (folder / "stereo" / kind).mkdir(parents=True, exist_ok=True)
    for place, lines in texts.items():
        text = "".join(f"{line}\n" for line in lines)
        store.written(folder / place, lambda partial, text=text: partial.write_text(text, "utf-8"))


def _camera(number: int, camera: CalibratedCamera) -> str:
    (fx, skew, cx), (_, fy, cy), _ = camera.intrinsics.tolist()
    if abs(skew) > SQUARE * fx:
        raise InputError(
            f"camera {camera.name}: has skew {skew:g}, which COLMAP's cameras have not; resample its pictures"
        )
    return f"{number} PINHOLE {camera.width} {camera.height} {fx!r} {fy!r} {cx!r} {cy!r}"


def _image(number: int, name: str, camera: CalibratedCamera) -> str:
    x, y, z, w = Rotation.from_matrix(camera.T_camera_world[:3, :3]).as_quat().tolist()
    shift = " ".join(map(repr, camera.T_camera_world[:3, 3].tolist()))
    return f"{number} {w!r} {x!r} {y!r} {z!r} {shift} {number} {name}"


def _marks(projected: Float[np.ndarray, "point 3"]) -> str:
    """Where a camera sees the scaffold."""
    return " ".join(f"{column!r} {row!r} {n + 1}" for n, (column, row, _) in enumerate(projected.tolist()))


def _point(number: int, place: list[float], cameras: int) -> str:
    """A point of the scaffold, which every camera sees."""
    track = " ".join(f"{image} {number}" for image in range(1, cameras + 1))
    return f"{number + 1} {place[0]!r} {place[1]!r} {place[2]!r} 128 128 128 0.5 {track}"


def _partners(cameras: tuple[CalibratedCamera, ...], config: DenseConfig) -> list[list[int]]:
    """The cameras that each is compared with; the nearest ones where none is as far apart as wanted."""
    towards = np.array([camera.position for camera in cameras]) - middle_of(cameras)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    apart = np.degrees(np.arccos(np.clip(towards @ towards.T, -1, 1)))
    low, high = config.apart_degrees
    found = []
    for number, angles in enumerate(apart):
        nearest = [other for other in np.argsort(angles).tolist() if other != number]
        fit = [other for other in nearest if low <= angles[other] <= high]
        found.append((fit or nearest)[: config.neighbours])
    return found
