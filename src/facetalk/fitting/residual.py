"""What a fit is worth: the fitted head beside its scan in figures, and as a map of distances."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

from facetalk.errors import InputError
from facetalk.fitting.certainty import unsure_mm
from facetalk.fitting.fit import ScanFit
from facetalk.fitting.scan import Scan, spacing
from facetalk.geometry import UNIT_MM, Box
from facetalk.head.model import Head
from facetalk.mesh.extract import extract
from facetalk.pipeline.actor import Actor
from facetalk.render.camera import portrait
from facetalk.render.sheet import contact_sheet
from facetalk.render.tinted import tinted, with_bar
from facetalk.types import Frame, Mesh

RESOLUTION = 60
FACE_MM = 80.0
"""The face: what looks forwards this near to the middle between mouth and eyes."""
LEAST_FACE = 0.1
"""Below this share of the face in the scan, codes are a guess."""
MOST_UNSURE_MM = 1.25
"""Above this expected distance of the true face from the fitted one, too."""
ASKED = 300
"""Places of the face that certainty is the mean of."""
SEEN_MM, SEEN_SPACINGS, UNSEEN_MM = 3.0, 2.0, 12.0
"""A place of the head is seen where a point of the scan is this near, or within so many of the point's spacings, but
never farther than the last."""
AVERAGED = 8
"""Points that a distance on the map is the mean of."""
PICTURES = {"side-right": "right side", "front": "front", "side": "left side"}
LEAST_REACH_MM = 1.0
"""The colours reach to at least this distance."""


@dataclass(frozen=True)
class Residual:
    """The fitted head, and how far the scan is from it everywhere."""

    fit: ScanFit
    actor: Actor

    @cached_property
    def mesh(self) -> Mesh:
        """The fitted head in head space, in the scan's expression."""
        with torch.inference_mode():
            return extract(self.actor.sdf(self.fit.code), self.actor.grid(RESOLUTION), cut=self.actor.cut)

    @cached_property
    def offset_mm(self) -> Float[np.ndarray, " vertex"]:
        """How far outside the head the scan lies near each vertex; NaN where the scan saw nothing.

        Points' own distances are averaged: measured from the vertices, sparse points would seem to lie inside bulges.
        """
        inliers, noise = self.fit.points[self.fit.inliers], 2 * self.fit.spread_mm
        reach = np.clip(SEEN_SPACINGS * spacing(inliers) * UNIT_MM, max(SEEN_MM, noise), max(UNSEEN_MM, noise))
        distance, nearest = KDTree(inliers).query(self.mesh.vertices, k=min(AVERAGED, len(inliers)))
        near = distance * UNIT_MM < reach[nearest]
        offset = (self.fit.distance[self.fit.inliers][nearest] * near).sum(axis=1) / np.maximum(near.sum(axis=1), 1)
        return np.where(near.any(axis=1), offset, np.nan) * UNIT_MM

    @cached_property
    def face(self) -> Bool[np.ndarray, " vertex"]:
        """Vertices of the face that can be seen from the front."""
        assert self.mesh.normals is not None
        landmark = self.actor.landmark
        centre = (landmark("mouth_centre") + (landmark("eye_left") + landmark("eye_right")) / 2) / 2
        near = np.linalg.norm(self.mesh.vertices - centre.numpy(), axis=1) * UNIT_MM < FACE_MM
        return near & (self.mesh.normals[:, 2] > 0) & (self.mesh.vertices[:, 2] > float(centre[2]) - 60 / UNIT_MM)

    @cached_property
    def covered(self) -> float:
        """Share of the face that was scanned."""
        return float((~np.isnan(self.offset_mm))[self.face].mean())

    @cached_property
    def unsure_mm(self) -> float:
        """Expected distance of the true face from the fitted one, what was not scanned too."""
        places = self.mesh.vertices[self.face]
        return unsure_mm(self.actor.head, self.fit, places[:: max(1, len(places) // ASKED)].astype(np.float64))

    def figures(self, scan: Scan) -> dict[str, float | int | str | bool]:
        """Everything worth printing; distances of inliers in millimetres."""
        fit, inliers = self.fit, self.fit.inliers
        size = np.abs(fit.distance[inliers]) * UNIT_MM
        seen = ~np.isnan(self.offset_mm)
        turn = fit.T_head_scan[:3, :3] / np.linalg.norm(fit.T_head_scan[0, :3])
        return {
            "unit": fit.unit,
            "turned_degrees": float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))),
            "points": len(scan) + scan.lonely,
            "lone_points": scan.lonely,
            "points_of_head": len(fit.points),
            "normals_used": fit.normals,
            "inliers": float(inliers.mean()),
            "residual_mean_mm": float(size.mean()),
            "residual_median_mm": float(np.median(size)),
            "residual_90_mm": float(np.percentile(size, 90)),
            "face_covered": self.covered,
            "head_covered": float(seen.mean()),
            "face_unsure_mm": self.unsure_mm,
        }

    def picture(self, size: int) -> Frame:
        """The head from both sides and the front, coloured by where the scan lies."""
        reach = max(LEAST_REACH_MM, float(np.ceil(2 * np.nanpercentile(np.abs(self.offset_mm), 90)) / 2))
        low, high = self.mesh.vertices.min(axis=0).tolist(), self.mesh.vertices.max(axis=0).tolist()
        box = Box((low[0], low[1], low[2]), (high[0], high[1], high[2]))
        frames = [tinted(self.mesh, self.offset_mm, reach, portrait(name, box, size, size)) for name in PICTURES]
        sheet = contact_sheet(frames, list(PICTURES.values()), len(frames))
        return with_bar(sheet, reach, "scan inside", "scan outside; grey: not seen")


def residual(head: Head, fit: ScanFit, scan: Scan) -> Residual:
    """The residual of a fit.

    Raises:
        InputError: the scan shows too little of the face, or too vaguely.
    """
    found = Residual(fit, Actor(head, fit.z_id, stilled=False))
    if found.covered < LEAST_FACE:
        raise InputError(
            f"{scan.name}: only {found.covered:.0%} of a face is in view and {LEAST_FACE:.0%} are needed; "
            "scan more of the face, or give --landmarks if it is all there"
        )
    if found.unsure_mm > MOST_UNSURE_MM:
        raise InputError(
            f"{scan.name}: it leaves the face unsure by {found.unsure_mm:.1f} mm, with {found.covered:.0%} of it in "
            f"view and points that spread by {fit.spread_mm:.1f} mm; scan more of the face, or more closely"
        )
    return found
