"""A made recording: points on an egg the size of a head that shakes, one camera before it, and a hum."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from facetalk.recording import store
from facetalk.recording.cameras import CalibratedCamera
from facetalk.recording.layout import Description, Points, Recording
from facetalk.types import Waveform
from made_sound import hum

RATE = Fraction(73, 3)


def camera(name: str = "cam_0", size: int = 60) -> CalibratedCamera:
    """600 mm before the egg."""
    T_camera_world = np.diag([1.0, -1.0, -1.0, 1.0])
    T_camera_world[2, 3] = 600.0
    intrinsics = np.array([[1.6 * size, 0, size / 2], [0, 1.6 * size, size / 2], [0, 0, 1.0]])
    return CalibratedCamera(name, size, size, intrinsics, T_camera_world)


def egg(frame: int, count: int = 500) -> Points:
    random = np.random.default_rng(frame)
    normals = random.normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Points(normals * [75.0, 110.0, 95.0] + [3.0 * np.sin(frame), 0, 0], normals)


def record(folder: Path, frames: int = 12, unit: str = "mm", rate: Fraction = RATE) -> Recording:
    recording = store.start(folder, Description("egg", "hum-1", rate, frames, unit, cameras=(camera(),)))
    store.write_audio(recording, Waveform(hum(float(frames / rate))))
    for frame in range(frames):
        store.write_points(recording, frame, egg(frame))
    return recording
