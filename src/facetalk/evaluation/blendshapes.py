"""The source's own linear model fitted to a cloud: identity modes and expression shapes, by point-to-plane steps.

For faces it is an oracle: the truth was made with these very modes. It can do nothing that they do not hold.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import lsq_linear

from facetalk.data.posing import SourceHead, Topology
from facetalk.data.solid import Solid
from facetalk.data.source import HeadSource
from facetalk.evaluation.surfaces import corner_shares, face_normals, nearest
from facetalk.geometry import UNIT_MM
from facetalk.head.fitting import Cloud
from facetalk.types import Mesh


@dataclass(frozen=True)
class BlendshapeFit:
    """How the source's weights are sought."""

    steps: int = 16
    points: int = 4000
    """Of the cloud in a step."""
    reaches_mm: tuple[float, float] = (20.0, 3.0)
    """Points farther from the mesh than this are left out, from the first step to the last."""
    spread_mm: float = 0.5
    """How exactly a point is believed, against identity weights of spread 1."""
    expression: float = 0.4
    """Spread of expression weights."""
    independent: float = 0.2
    """Share of the points that say something of their own: neighbours err alike."""
    seed: int = 0


@dataclass(frozen=True)
class Blendshapes:
    """A source as a linear model."""

    source: HeadSource
    config: BlendshapeFit = BlendshapeFit()

    @cached_property
    def topology(self) -> Topology:
        """Lips and lids of the source's mesh."""
        return Topology(self.source)

    @cached_property
    def outside(self) -> Bool[np.ndarray, " face"]:
        """Faces that can be seen on the mean head, its mouth open."""
        head = SourceHead(self.topology, self.source.mean_person)
        return Solid(head.canonical).visible

    def __call__(self, cloud: Cloud) -> Mesh:
        """The surface that fits a cloud best, posed and corrected as the truth is."""
        identity, rig = self.weights(cloud)
        solid = Solid(SourceHead(self.topology, identity).pose(rig))
        return Mesh(solid.vertices, solid.surface)

    def weights(self, cloud: Cloud) -> tuple[Float[np.ndarray, " mode"], Float[np.ndarray, "52"]]:
        """Identity and ARKit weights of a cloud."""
        modes, random = len(self.source.identities), np.random.default_rng(self.config.seed)
        found = np.zeros(modes + len(self.source.expressions))
        low = np.concatenate([np.full(modes, -4.0), np.zeros(len(self.source.expressions))])
        high = np.concatenate([np.full(modes, 4.0), np.ones(len(self.source.expressions))])
        spread = np.concatenate([np.ones(modes), np.full(len(found) - modes, self.config.expression)])
        for reach in np.geomspace(*self.config.reaches_mm, self.config.steps):
            chosen = random.choice(len(cloud.points), min(len(cloud.points), self.config.points), replace=False)
            head = SourceHead(self.topology, found[:modes]).pose(found[modes:])
            slope, gap = self._linear(head.vertices, cloud, chosen, float(reach))
            believed = np.sqrt(self.config.independent) / self.config.spread_mm
            rows = np.concatenate([believed * slope, np.diag(1 / spread)])
            wanted = np.concatenate([believed * (gap + slope @ found), np.zeros(len(found))])
            # The square root of the normal equations: as many rows as unknowns.
            root = np.linalg.qr(np.concatenate([rows, wanted[:, None]], 1), mode="r")
            found = lsq_linear(root[:, :-1], root[:, -1], (low, high)).x
        return found[:modes], found[modes:]

    def _linear(
        self, vertices: Float[np.ndarray, "vertex 3"], cloud: Cloud, chosen: Int[np.ndarray, " some"], reach_mm: float
    ) -> tuple[Float[np.ndarray, "point weight"], Float[np.ndarray, " point"]]:
        """How distances along the mesh's normals follow the weights, and what is left of them; millimetres."""
        mesh = Mesh(vertices, self.source.faces[self.outside])
        points = cloud.points.numpy()[chosen].astype(np.float64)
        distance, triangle, place = nearest(points, mesh)
        kept = distance < reach_mm
        if cloud.normals is not None:
            kept &= (face_normals(mesh)[triangle] * cloud.normals.numpy()[chosen]).sum(axis=1) > 0.5
        points, triangle, place = points[kept], triangle[kept], place[kept]
        normals, shares = face_normals(mesh)[triangle], corner_shares(mesh, triangle, place)
        corners = mesh.faces[triangle]
        directed = np.einsum("pk,pc->pkc", shares, normals)
        slope = np.concatenate(
            [
                np.einsum("pkc,mpkc->pm", directed, shapes[:, corners], optimize=True)
                for shapes in (self.source.identities, self.source.expressions)
            ],
            axis=1,
        )
        return slope * UNIT_MM, ((points - place) * normals).sum(axis=1) * UNIT_MM
