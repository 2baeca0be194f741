"""A pinhole camera and the named places it can stand."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.geometry import Box

FOCAL_PORTRAIT = 3.0
"""Focal length in picture heights: about an 85 mm portrait lens, so noses stay small."""

MARGIN = 1.04
"""How much more than the framed box a picture shows."""

PRESETS: dict[str, tuple[float, float]] = {
    "front": (0.0, 0.0),
    "three-quarter": (35.0, 4.0),
    "three-quarter-right": (-35.0, 4.0),
    "side": (88.0, 0.0),
    "side-right": (-88.0, 0.0),
    "above": (15.0, 30.0),
    "below": (-15.0, -20.0),
}
"""Name → degrees round the head towards the subject's left, and degrees up."""


@dataclass(frozen=True)
class Camera:
    """Where pictures are taken from. Camera axes: x right, y up, z from the picture towards the viewer."""

    T_camera_world: Float[np.ndarray, "4 4"]
    focal: float
    """In pixels."""
    width: int
    height: int

    def project(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Column, row and 1 / distance of world points; row 0 is the top edge of the picture."""
        seen = points @ self.T_camera_world[:3, :3].T.astype(np.float32) + self.T_camera_world[:3, 3].astype(np.float32)
        inverse = 1 / -seen[:, 2]
        column = self.width / 2 + self.focal * seen[:, 0] * inverse
        row = self.height / 2 - self.focal * seen[:, 1] * inverse
        return np.stack([column, row, inverse], 1).astype(np.float32)

    @property
    def position(self) -> Float[np.ndarray, "3"]:
        """Where the camera stands in the world."""
        return (-self.T_camera_world[:3, :3].T @ self.T_camera_world[:3, 3]).astype(np.float32)

    def seeing(self, T_world_head: Float[np.ndarray, "4 4"]) -> "Camera":
        """The camera for a mesh in head space when the head is moved by `T_world_head`: lights stay where they are."""
        return replace(self, T_camera_world=self.T_camera_world @ T_world_head)


def portrait(name: str, box: Box, width: int, height: int, *, focal: float = FOCAL_PORTRAIT) -> Camera:
    """The named camera, at a distance where `box` fills the picture.

    Raises:
        InputError: the name is unknown or the picture has no pixels.
    """
    if name not in PRESETS:
        raise InputError(f"camera {name!r} is unknown; choose one of {', '.join(PRESETS)}")
    if width < 2 or height < 2:
        raise InputError(f"a picture of {width}×{height} pixels cannot be drawn; give a larger size")
    yaw, pitch = np.radians(PRESETS[name])
    towards = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    # The front of the box is what is framed: it is nearest and so largest.
    seen = max(box.size[1], max(box.size[0], box.size[2]) * height / width) * MARGIN
    depth = float(np.abs(towards) @ box.size) / 2
    distance = focal * seen * 1.0 + depth * 0.5
    return looking_at(box.centre + towards * distance, box.centre, focal * height, width, height)


def looking_at(
    position: Float[np.ndarray, "3"], target: Float[np.ndarray, "3"], focal: float, width: int, height: int
) -> Camera:
    """A camera at `position` with `target` in the middle of its picture and the world's y upwards."""
    back = np.asarray(position, float) - np.asarray(target, float)
    back /= np.linalg.norm(back)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(back, right), back])
    T_camera_world = np.eye(4)
    T_camera_world[:3, :3] = rotation
    T_camera_world[:3, 3] = -rotation @ position
    return Camera(T_camera_world, float(focal), width, height)
