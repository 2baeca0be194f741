"""Calibrated cameras: what a rig's calibration says of each, rays through pixels, and points from depth.

Camera axes are those of OpenCV and COLMAP: x right, y down, z into the scene; pixel centres at half integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facetalk.errors import InputError

STRAIGHT = 1e-3
"""A rotation may differ so much from an orthonormal one."""


@dataclass(frozen=True)
class CalibratedCamera:
    """One camera of a rig, without lens distortion: pictures are undistorted before they are recorded."""

    name: str
    width: int
    height: int
    intrinsics: Float[np.ndarray, "3 3"]
    """Pixels; skew is allowed."""
    T_camera_world: Float[np.ndarray, "4 4"]
    """From the recording's numbers to the camera's axes."""

    @property
    def position(self) -> Float[np.ndarray, "3"]:
        """Where it stands, in the recording's numbers."""
        return -self.T_camera_world[:3, :3].T @ self.T_camera_world[:3, 3]

    def project(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Column, row and depth of points of the world."""
        seen = points @ self.T_camera_world[:3, :3].T + self.T_camera_world[:3, 3]
        flat = seen @ self.intrinsics.T
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.concatenate([flat[:, :2] / flat[:, 2:], seen[:, 2:]], axis=1)

    def rays(self, pixels: Float[np.ndarray, "pixel 2"]) -> Float[np.ndarray, "pixel 3"]:
        """Directions in the world through columns and rows, of depth 1."""
        homogeneous = np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1)
        return homogeneous @ np.linalg.inv(self.intrinsics).T @ self.T_camera_world[:3, :3]

    def back_projected(self, depth: Float[np.ndarray, "row column"]) -> Float[np.ndarray, "point 3"]:
        """Points of the world at every pixel whose depth is above zero."""
        row, column = np.nonzero(depth > 0)
        rays = self.rays(np.stack([column + 0.5, row + 0.5], axis=1))
        return self.position + rays * depth[row, column][:, None]

    def to_json(self) -> dict:
        """What `from_json` reads."""
        return {
            "name": self.name,
            "width": self.width,
            "height": self.height,
            "intrinsics": self.intrinsics.tolist(),
            "T_camera_world": self.T_camera_world.tolist(),
        }


def from_json(found: Mapping) -> CalibratedCamera:
    """A camera as `recording.json` describes it.

    Raises:
        InputError: it is none; the line names the camera and the entry.
    """
    name = str(found.get("name", "without name"))
    try:
        intrinsics = np.array(found["intrinsics"], np.float64).reshape(3, 3)
        T_camera_world = np.array(found["T_camera_world"], np.float64).reshape(4, 4)
        camera = CalibratedCamera(name, int(found["width"]), int(found["height"]), intrinsics, T_camera_world)
    except KeyError as error:
        raise InputError(f"camera {name}: has no {error.args[0]}; calibrate it again") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"camera {name}: unreadable calibration ({error}); calibrate it again") from error
    _check(camera)
    return camera


def _check(camera: CalibratedCamera) -> None:
    rotation = camera.T_camera_world[:3, :3]
    focal = camera.intrinsics[0, 0], camera.intrinsics[1, 1]
    if not (np.isfinite(camera.T_camera_world).all() and np.isfinite(camera.intrinsics).all()):
        raise InputError(f"camera {camera.name}: its calibration holds NaN; calibrate it again")
    if min(focal) <= 0 or camera.width < 2 or camera.height < 2:
        size = f"{camera.width}×{camera.height}"
        raise InputError(f"camera {camera.name}: focal lengths {focal} and {size} pixels are none; calibrate it again")
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > STRAIGHT or np.linalg.det(rotation) < 0:
        raise InputError(
            f"camera {camera.name}: its rotation is none; T_camera_world has [R t; 0 1] with R orthonormal"
        )
