"""The virtual rig's place: sixteen cameras before a chair, and a head that turns and rests again."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from facetalk.geometry import UNIT_MM
from facetalk.recording.cameras import CalibratedCamera

AROUND_DEGREES, UP_DEGREES = 93.0, 32.0
"""What the cameras of NeRSemble span from side to side and from low to high (Kirschstein et al. 2023)."""
DISTANCE_MM = 1000.0
FOCAL = 2.6
"""In picture heights: a head and its throat fill the picture."""
REST_S, TURN_S = 0.5, 0.4
"""The head rests so long, then takes so long to another pose."""


@dataclass(frozen=True)
class RigConfig:
    """The cameras."""

    cameras: int = 16
    width: int = 220
    height: int = 320
    """Pixels: enough for a cloud of some ten thousand points."""


@dataclass(frozen=True)
class SwayConfig:
    """How the head moves."""

    degrees: float = 5.0
    """Spread of each angle of its poses."""
    shift_mm: float = 6.0


def cameras(config: RigConfig, T_world_chair: Float[np.ndarray, "4 4"]) -> tuple[CalibratedCamera, ...]:
    """Cameras on a part of a sphere about the middle of a head, in millimetres; three rows, taken by turns."""
    around = np.radians(np.linspace(-AROUND_DEGREES / 2, AROUND_DEGREES / 2, config.cameras))
    up = np.radians(np.resize([0.0, UP_DEGREES / 2, -UP_DEGREES / 2], config.cameras))
    made = []
    for number, (yaw, pitch) in enumerate(zip(around.tolist(), up.tolist(), strict=True)):
        towards = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
        right = np.cross([0.0, 1.0, 0.0], towards)
        right /= np.linalg.norm(right)
        T_chair_camera = np.eye(4)
        T_chair_camera[:3, :3] = np.stack([right, -np.cross(towards, right), -towards], axis=1)
        T_chair_camera[:3, 3] = DISTANCE_MM * towards
        T_camera_world = np.linalg.inv(T_world_chair @ T_chair_camera)
        focal = FOCAL * config.height
        intrinsics = np.array([[focal, 0, config.width / 2], [0, focal, config.height / 2], [0, 0, 1.0]])
        made.append(CalibratedCamera(f"cam_{number:02d}", config.width, config.height, intrinsics, T_camera_world))
    return tuple(made)


def chair(random: np.random.Generator) -> Float[np.ndarray, "4 4"]:
    """Where the rig's world lies: turned and shifted anyhow, as a calibration leaves it."""
    T_world_chair = np.eye(4)
    T_world_chair[:3, :3] = Rotation.random(random_state=random).as_matrix()
    T_world_chair[:3, 3] = random.uniform(-400, 400, 3)
    return T_world_chair


def swaying(
    frames: int,
    rate: Fraction,
    config: SwayConfig,
    T_world_chair: Float[np.ndarray, "4 4"],
    random: np.random.Generator,
) -> Float[np.ndarray, "frame 4 4"]:
    """Similarities from head space, in units, to the world, in millimetres: rests joined by smooth turns."""
    times = np.arange(frames) / float(rate)
    poses = int(times[-1] / (REST_S + TURN_S)) + 2
    targets = random.normal(size=(poses, 6)) * ([np.radians(config.degrees)] * 3 + [config.shift_mm] * 3)
    number, into = np.divmod(times, REST_S + TURN_S)
    share = np.clip((into - REST_S) / TURN_S, 0, 1)
    share = (share**3 * (share * (6 * share - 15) + 10))[:, None]
    here = number.astype(int)
    pose = targets[here] * (1 - share) + targets[here + 1] * share
    T_chair_head = np.tile(np.eye(4), (frames, 1, 1))
    T_chair_head[:, :3, :3] = UNIT_MM * Rotation.from_rotvec(pose[:, :3]).as_matrix()
    T_chair_head[:, :3, 3] = pose[:, 3:]
    return T_world_chair @ T_chair_head
