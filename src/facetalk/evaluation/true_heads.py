"""Held-out people as truth: corrected source meshes in their expressions, and which of their faces are the face.

The face region is a file, `face_region.json`: an outline on the neutral template, so that it is the same for everybody
in every expression.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.path import Path as Polygon

from facetalk.data.posing import SourceHead, Topology
from facetalk.data.solid import Solid
from facetalk.data.source import HeadSource
from facetalk.evaluation.depth import Depth, everywhere, pictured
from facetalk.geometry import UNIT_MM
from facetalk.types import Mesh

FACE_FILE = Path(__file__).with_name("face_region.json")


@dataclass(frozen=True)
class TrueHead:
    """One posed head."""

    whole: Mesh
    """Every face of the source, closed under the neck, one thing inside the other."""
    mesh: Mesh
    """What of it is surface."""
    face: Bool[np.ndarray, " face"]
    """Whether a triangle belongs to the face region."""

    @cached_property
    def views(self) -> list[Depth]:
        """Depth pictures from all round."""
        return pictured(self.whole.vertices, self.whole.faces, everywhere())


@dataclass(frozen=True)
class Truths:
    """Makes true heads of one source."""

    source: HeadSource

    @cached_property
    def topology(self) -> Topology:
        """Lips and lids of the source's mesh."""
        return Topology(self.source)

    def __call__(self, identity: Float[np.ndarray, " mode"], rig: Float[np.ndarray, "52"]) -> TrueHead:
        """A person in an expression."""
        solid = Solid(SourceHead(self.topology, identity).pose(rig))
        whole, mesh = Mesh(solid.vertices, solid.faces), Mesh(solid.vertices, solid.surface)
        return TrueHead(whole, mesh, self.face[solid.visible])

    @cached_property
    def face(self) -> Bool[np.ndarray, " face"]:
        """Faces of the source within the outline."""
        region = json.loads(FACE_FILE.read_text())
        half = np.array(region["half_outline"], float)
        outline = Polygon(np.concatenate([half, half[::-1] * [-1, 1]]))
        middle = self.source.neutral[self.source.faces].mean(axis=1) * UNIT_MM
        return outline.contains_points(middle[:, :2]) & (middle[:, 2] > region["least_z"])
