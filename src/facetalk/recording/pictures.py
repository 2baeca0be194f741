"""What the virtual rig's cameras photograph: the head under lamps that stand in the room, the same from every side."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from facetalk.mesh.normals import vertex_normals
from facetalk.recording.cameras import CalibratedCamera
from facetalk.render.camera import Camera
from facetalk.render.look import Light, Studio
from facetalk.render.picture import Photographer
from facetalk.types import Frame, Mesh

UPRIGHT = np.diag([1.0, -1.0, -1.0, 1.0])
"""From the axes of calibrated cameras (y down, z into the scene) to those that pictures are drawn in."""
STUDIO = Studio()
"""Its directions are taken as the chair's: x to the sitter's left, y up, z forwards."""


def photographed(
    mesh: Mesh,
    T_world_head: Float[np.ndarray, "4 4"],
    camera: CalibratedCamera,
    T_world_chair: Float[np.ndarray, "4 4"],
) -> Frame:
    """The picture of a mesh in head space; the camera's axis runs through the middle of its picture."""
    T_camera_head = UPRIGHT @ camera.T_camera_world @ T_world_head
    # Head space is measured in units, the world in millimetres; a picture does not change when both shrink alike.
    T_camera_head[:3] /= np.cbrt(np.linalg.det(T_camera_head[:3, :3]))
    drawn = Camera(T_camera_head, float(camera.intrinsics[1, 1]), camera.width, camera.height)
    studio = _standing((UPRIGHT @ camera.T_camera_world @ T_world_chair)[:3, :3])
    if mesh.normals is None:
        mesh = replace(mesh, normals=vertex_normals(mesh.vertices, mesh.faces))
    return Photographer(studio=studio, width=camera.width, height=camera.height)(mesh, drawn)


def _standing(turn: Float[np.ndarray, "3 3"]) -> Studio:
    """The studio as a camera sees it whose axes are the chair's after `turn`."""

    def seen(light: Light) -> Light:
        x, y, z = (turn @ np.array(light.direction)).tolist()
        return replace(light, direction=(x, y, z))

    return replace(
        STUDIO, key=seen(STUDIO.key), fill=seen(STUDIO.fill), rim=seen(STUDIO.rim), kicker=seen(STUDIO.kicker)
    )
