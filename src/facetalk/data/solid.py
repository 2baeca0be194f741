"""A posed source mesh as a solid: exact signed distances, and which of its faces are surface at all.

Inside is decided by generalized winding numbers (Jacobson et al. 2013), body by body, so that overlapping bodies
(tooth in gum, gum in flesh, lip on lip) form one solid and open sheets cannot carve hollows into it. Distances are
taken to faces that free space touches, cut by the neck plane.
"""

from functools import cached_property

import igl
import numpy as np
from jaxtyping import Bool, Float, Int, Int8

from facetalk.data.posing import MILLIMETRE, PosedHead

NECK_PLANE_POINT = np.array([0.0, -0.46, 0.0])
NECK_PLANE_NORMAL = np.array([0.0, -1.0, 0.0])
"""Half-space that is cut away: everything on the side the normal points to."""
FILLER_EXCESS, FILLER_SETBACK = 1.2 * MILLIMETRE, 2.0 * MILLIMETRE
"""A ball behind each eyeball's front, a little larger than it: closes the slits that lead into the sockets."""
HIDDEN, OPEN, ASK = 0, 1, -1
"""What is known of a face before a pose is looked at."""
SKIM = 0.05 * MILLIMETRE
"""How far in front of a face free space is looked for."""


def neck(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
    """Signed distance to the neck plane, positive in the part that is cut away."""
    return (points - NECK_PLANE_POINT) @ NECK_PLANE_NORMAL


class Solid:
    """Signed distance to a posed head, in units, negative inside."""

    def __init__(self, head: PosedHead, known: Int8[np.ndarray, " face"] | None = None) -> None:
        """Take a posed head; `known` marks faces already known to be open (1) or hidden (0), -1 asks."""
        self.known = np.full(len(head.faces), ASK, np.int8) if known is None else known
        self.fillers = [(ball.centre - [0, 0, FILLER_SETBACK], ball.radius + FILLER_EXCESS) for ball in head.eyeballs]
        self.lids = head.lids
        self.vertices = np.ascontiguousarray(head.vertices, np.float64)
        parts = head.source.parts
        self.flesh, self.pieces, self.gums, self.pocket, self.faces = (
            np.ascontiguousarray(faces, np.int64)
            for faces in (parts.flesh, parts.pieces, parts.gums, parts.pocket, parts.faces)
        )

    def inside(self, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
        """Whether points lie in any body, the neck cut away."""
        return self._within(np.ascontiguousarray(points, np.float64)) & (neck(points) < 0)

    def _within(self, points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
        """Inside of flesh, teeth, eyeballs or what is filled."""
        within = np.zeros(len(points), bool)
        for centre, radius in self.fillers:
            within |= ((points - centre) ** 2).sum(axis=1) < radius**2
        for lids in self.lids:
            # The slit between lid and eyeball cannot be reached; open, its walls would be sampled as surface.
            within |= lids.covers(points)
        for body in (self.flesh, self.pieces):
            within |= self._winding(body, points, ~within) > 0.5
        return within | self._behind_gums(points, ~within) if len(self.gums) else within

    def _behind_gums(self, points: np.ndarray, asked: np.ndarray) -> Bool[np.ndarray, " point"]:
        """In the mouth socket, but on the far side of gums, palate or tongue.

        They are one open sheet that faces the mouth: seen from in front of it the winding number is negative.
        """
        in_socket = self._winding(self.pocket, points, asked) < -0.5
        behind = self._winding(self.gums, points, in_socket, everywhere=True) > 0
        return in_socket & behind

    def _winding(
        self, body: Int[np.ndarray, "face 3"], points: np.ndarray, asked: np.ndarray, *, everywhere: bool = False
    ) -> Float[np.ndarray, " point"]:
        """Winding numbers of the asked points; zero for others and, for closed bodies, outside the bounding box."""
        corners = self.vertices[np.unique(body)]
        if not everywhere:
            asked = asked & ((points >= corners.min(axis=0)) & (points <= corners.max(axis=0))).all(axis=1)
        winding = np.zeros(len(points))
        if asked.any():
            winding[asked] = igl.fast_winding_number(self.vertices, body, points[asked])
        return winding

    @cached_property
    def face_normals(self) -> Float[np.ndarray, "face 3"]:
        """Unit normals, outward."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        normal = np.cross(b - a, c - a)
        return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-20)

    @cached_property
    def visible(self) -> Bool[np.ndarray, " face"]:
        """Faces with free space just in front of their middle, above the neck plane."""
        middle = self.vertices[self.faces].mean(axis=1)
        above = neck(middle) < 0
        visible = above & (self.known == OPEN)
        asked = above & (self.known == ASK)
        visible[asked] = ~self.inside(middle[asked] + SKIM * self.face_normals[asked])
        return visible

    @cached_property
    def surface(self) -> Int[np.ndarray, "visible 3"]:
        """The faces that count."""
        return np.ascontiguousarray(self.faces[self.visible])

    def distance(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
        """Exact signed distance, in units; max with the neck plane where that is nearer."""
        points = np.ascontiguousarray(points, np.float64)
        squared = igl.point_mesh_squared_distance(points, self.vertices, self.surface)[0]
        within = self._within(points)
        return np.maximum(np.where(within, -1.0, 1.0) * np.sqrt(squared), neck(points))
