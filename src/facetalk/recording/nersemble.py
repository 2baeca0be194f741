"""NeRSemble's public layout (Kirschstein et al. 2023): a participant's calibration and depth maps, 73 frames a second.

`<participant>/calibration/camera_params.json` (or `camera_params.json`) has `world_2_cam`, a matrix for each serial
number in metres and OpenCV's axes, and the `intrinsics` all cameras share, for pictures of 2200 × 3208. Depth maps are
COLMAP's: `sequences/<SEQUENCE>/frame_00000/colmap-73fps/depth_maps_geometric/<N>/cam_<serial>.npz`, an array
`depth_map` in metres.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from facetalk.errors import InputError
from facetalk.recording.cameras import CalibratedCamera
from facetalk.recording.layout import Points

NATIVE = Fraction(73)
"""Frames a second."""
WIDTH, HEIGHT = 2200, 3208
MILLIMETRES = 1000.0
"""In a metre."""
KEPT = 30_000
"""Points of a frame that are kept, at random."""
FARTHEST_MM = 2000.0
"""Depth beyond this is no head."""
_DEPTH = "colmap*/depth_maps_geometric/*/cam_*.npz"


@dataclass(frozen=True)
class Taken:
    """Frames that are taken of a sequence."""

    rate: Fraction
    first: Fraction
    """When the first one was taken: the cameras open at the middle of a native frame."""
    frames: Mapping[int, Callable[[], Points]]


def serials(participant: Path) -> tuple[CalibratedCamera, ...]:
    """A participant's cameras, in millimetres.

    Raises:
        InputError: there is no calibration, or it is unreadable.
    """
    places = (participant / "calibration" / "camera_params.json", participant / "camera_params.json")
    path = next((place for place in places if place.is_file()), places[0])
    try:
        found = json.loads(path.read_text("utf-8"))
        intrinsics = np.array(found["intrinsics"], np.float64).reshape(3, 3)
        poses = {serial: np.array(pose, np.float64).reshape(4, 4) for serial, pose in found["world_2_cam"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: no calibration of NeRSemble ({error}); give a participant's folder") from error
    for pose in poses.values():
        pose[:3, 3] *= MILLIMETRES
    return tuple(CalibratedCamera(f"cam_{s}", WIDTH, HEIGHT, intrinsics, pose) for s, pose in sorted(poses.items()))


def every_nth(participant: Path, sequence: Path, every: int) -> Taken:
    """Every n-th native frame that has depth maps.

    Raises:
        InputError: no frame has any.
    """
    if every < 1:
        raise InputError(f"--every {every} takes no frame; use 1 or more, 3 as in the paper")
    cameras = {camera.name: camera for camera in serials(participant)}
    timesteps = {int(match[1]): path for path in sequence.glob("frame_*") if (match := _numbered(path))}
    frames = {}
    for number, path in timesteps.items():
        maps = sorted(path.glob(_DEPTH))
        if number % every == 0 and maps:
            frames[number // every] = _reader(maps, cameras, number)
    if not frames:
        raise InputError(
            f"{sequence}: no frame has depth maps (frame_00000/{_DEPTH}); make clouds with COLMAP, whose dense stereo "
            "needs CUDA, and import them with --layout scans"
        )
    return Taken(NATIVE / every, Fraction(1, 2) / NATIVE, frames)


def _numbered(path: Path) -> re.Match | None:
    return re.fullmatch(r"frame_(\d+)", path.name)


def _reader(maps: list[Path], cameras: Mapping[str, CalibratedCamera], seed: int) -> Callable[[], Points]:
    def read() -> Points:
        parts = [_points(path, cameras) for path in maps if path.stem in cameras]
        points = np.concatenate(parts) if parts else np.zeros((0, 3))
        return Points(points[np.random.default_rng(seed).permutation(len(points))[:KEPT]])

    return read


def _points(path: Path, cameras: Mapping[str, CalibratedCamera]) -> np.ndarray:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            depth = np.asarray(file["depth_map"], np.float64) * MILLIMETRES
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not a readable depth map ({error}); download it again") from error
    return _smaller(cameras[path.stem], depth).back_projected(np.where(depth < FARTHEST_MM, depth, 0.0))


def _smaller(camera: CalibratedCamera, depth: np.ndarray) -> CalibratedCamera:
    """The camera for a picture of another size."""
    height, width = depth.shape
    scale = np.diag([width / camera.width, height / camera.height, 1.0])
    return CalibratedCamera(camera.name, width, height, scale @ camera.intrinsics, camera.T_camera_world)
