"""A mesh, a camera and a studio make a picture."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

from facetalk.geometry import UNIT_MM
from facetalk.render.camera import Camera
from facetalk.render.look import SHINE, Look, Studio
from facetalk.render.makeup import HAIRLINE, Places
from facetalk.render.mouth import opening
from facetalk.render.occlusion import ambient, shadow_map, shadows
from facetalk.render.raster import visible
from facetalk.render.shading import ENCODED, shade
from facetalk.types import Frame, Mesh, Region

SAMPLES = 2
"""Samples along each edge of a pixel."""
AROUND_MOUTH_MM = 12.0
"""How far beyond lips it is known that there is no opening."""


@dataclass(frozen=True)
class Photographer:
    """Draws meshes of one head in one studio."""

    look: Look = field(default_factory=Look)
    studio: Studio = field(default_factory=Studio)
    width: int = 512
    height: int = 512
    places: Places | None = None
    """Where to paint brows, hair and so on, on meshes that know their canonical pose; None paints nothing."""

    def __call__(self, mesh: Mesh, camera: Camera) -> Frame:
        """The picture `camera` takes of `mesh`. Without region shares everything is skin."""
        vertices = np.ascontiguousarray(mesh.vertices, np.float32)
        faces = np.ascontiguousarray(mesh.faces, np.int32)
        rotation = camera.T_camera_world[:3, :3].astype(np.float32)
        lights = self._lights.copy()
        lights[:, :3] = lights[:, :3] @ rotation
        screen = camera.project(vertices)
        seen = visible(screen, faces, camera.width, camera.height, SAMPLES, mesh.strands)
        coarse = np.ascontiguousarray(seen.nearness[SAMPLES :: 2 * SAMPLES, SAMPLES :: 2 * SAMPLES])
        shadow = shadow_map(vertices, faces, lights[0, :3])
        first_hair = len(faces) - (mesh.strands.faces if mesh.strands is not None else 0)
        carried, places = self._carried(mesh), np.float32(camera.focal / 2)
        room = int(AROUND_MOUTH_MM / UNIT_MM * places * coarse.max()) + 1
        inside = opening(seen.triangle, seen.nearness, 2 * SAMPLES, faces, carried, first_hair, room)
        lit = shadows(coarse, camera, 2.0, 1 + 0.5 / SAMPLES, *shadow)
        return Frame(
            shade(
                seen.triangle, seen.nearness, SAMPLES, faces, screen, carried, self._albedo, self._shine,
                lights, *self._surroundings, np.float32(self.studio.exposure), camera.position,
                np.stack([ambient(coarse, camera, 0.5), lit], -1), coarse, self._wall, ENCODED, *self._painted,
                first_hair, *inside, places,
            )
        )  # fmt: skip

    def _carried(self, mesh: Mesh) -> Float[np.ndarray, "vertex number"]:
        """All that vertices carry, side by side; canonical places only where there is something to paint by."""
        shares = _shares(mesh)
        if mesh.strands is not None:
            shares = shares.copy()
            shares[-len(mesh.strands.values) :, : mesh.strands.values.shape[1]] = mesh.strands.values
        parts = [mesh.vertices, _normals(mesh), shares]
        if self.places is not None and mesh.canonical is not None:
            parts.append(mesh.canonical)
        return np.concatenate(parts, axis=1, dtype=np.float32)

    @cached_property
    def _painted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Places, hairline, amounts and colour of hair."""
        table = np.zeros((8, 4), np.float32) if self.places is None else self.places.table()
        return table, HAIRLINE, self.look.makeup.row(), self._albedo[Region.HAIR]

    @cached_property
    def _wall(self) -> Float[np.ndarray, "height width 3"]:
        return np.clip(self.studio.wall(self.width, self.height), 0, 1)

    @cached_property
    def _lights(self) -> Float[np.ndarray, "light 6"]:
        return self.studio.lights()

    @cached_property
    def _surroundings(self) -> tuple[np.ndarray, np.ndarray]:
        return np.array(self.studio.sky, np.float32), np.array(self.studio.floor, np.float32)

    @cached_property
    def _albedo(self) -> Float[np.ndarray, "region 3"]:
        return self.look.albedo()

    @cached_property
    def _shine(self) -> Float[np.ndarray, "region 3"]:
        return np.array([SHINE[region] for region in Region], np.float32)


def _normals(mesh: Mesh) -> np.ndarray:
    if mesh.normals is None:
        raise ValueError("a mesh needs normals to be drawn")
    return np.ascontiguousarray(mesh.normals, np.float32)


def _shares(mesh: Mesh) -> np.ndarray:
    if mesh.regions is not None:
        return np.ascontiguousarray(mesh.regions, np.float32)
    shares = np.zeros((len(mesh.vertices), len(Region)), np.float32)
    shares[:, Region.SKIN] = 1
    return shares
