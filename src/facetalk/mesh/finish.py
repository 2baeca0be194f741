"""From the surface that a grid shows to a mesh: vertices settled on the field, seams drawn smooth, regions looked up.

What stands still was finished once; here it is joined to the rest.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int, Int16, Int64

from facetalk.geometry import UNIT_MM
from facetalk.mesh.baked import BakedField
from facetalk.mesh.clip import Plane, dropped, severed
from facetalk.mesh.extract import TOLERANCE_MM
from facetalk.mesh.finding import look_up_shares
from facetalk.mesh.grid import Grid
from facetalk.mesh.isosurface import Surface, stand, triangles
from facetalk.mesh.lattice import cell_nodes
from facetalk.mesh.normals import edge_lengths, vertex_normals
from facetalk.mesh.pieces import outer_faces, renumbered
from facetalk.mesh.relax import crumpled, relaxed
from facetalk.mesh.seams import seam_shares
from facetalk.mesh.slits import without_thin
from facetalk.mesh.standing import Rested, base_cells, within
from facetalk.mesh.warped import settle
from facetalk.types import Mesh

SEAM_MM = 0.15
"""Canonical distance from which on a crumpled vertex is part of a seam."""


@dataclass
class Refined:
    """The warp of one frame at nodes of the grid, flat like the grid's values, where the lattice is too coarse."""

    warp: Float[np.ndarray, "node 4"]
    known: Bool[np.ndarray, " node"]

    @classmethod
    def nothing(cls, size: int) -> "Refined":
        """Of a grid of `size` nodes, none of them known."""
        return cls(np.empty((size, 4), np.float32), np.zeros(size, bool))


@dataclass(frozen=True)
class Posed:
    """One frame as its grid shows it."""

    grid: Grid
    picks: tuple[Int64[np.ndarray, " x"], Int64[np.ndarray, " y"], Int64[np.ndarray, " z"]]
    """Base nodes along each axis that are lattice nodes."""
    warp: Float[np.ndarray, "x y z 4"]
    """At lattice nodes, NaN where it was not asked."""
    refined: Refined
    values: Float[np.ndarray, " node"]
    owner: Int16[np.ndarray, "p q r"]
    surface: Surface
    """What moves, after the vertices of what stands."""

    def settled(
        self, baked: BakedField, points: Float[np.ndarray, "point 3"], faces: Int[np.ndarray, "face 3"],
        rows: slice | Int64[np.ndarray, " row"],
    ) -> tuple[Float[np.ndarray, "row 3"], Float[np.ndarray, "row 3"]]:  # fmt: skip
        """Some points of a mesh on the surface, each not farther off than its edges are long; and whence they came."""
        normals, reach = vertex_normals(points, faces), edge_lengths(points, faces)
        return settle(
            points[rows], normals[rows], reach[rows], np.float32(TOLERANCE_MM / UNIT_MM), self.warp, *self.picks,
            *self.grid.axes, baked.values, *baked.grid.finder, self.refined.warp, self.refined.known,
            *self.grid.finder,
        )  # fmt: skip


def finished(baked: BakedField, posed: Posed, rested: Rested) -> Mesh:
    """The mesh of a frame, what stands still taken as it is."""
    still = rested.mesh
    assert still.canonical is not None and still.regions is not None
    stands, standing = len(still.vertices), len(still.faces)
    points = np.concatenate([still.vertices, posed.surface.vertices[stands:]])
    faces = np.concatenate([still.faces, triangles(posed.surface, posed.surface.vertices)])
    outer = outer_faces(points, faces)
    used, faces = renumbered(faces if outer.all() else faces[outer], len(points))
    points, stands, standing = points[used], int(np.searchsorted(used, stands)), int(outer[:standing].sum())
    kept, moving = used[:stands], faces[standing:]
    points[stands:], canonical = posed.settled(baked, points, moving, slice(stands, None))
    canonical = np.concatenate([still.canonical[kept], canonical])
    normals = vertex_normals(points, faces)
    rough = np.flatnonzero(crumpled(points, moving, normals))
    loose = rough[baked.distance(canonical[rough]) > SEAM_MM / UNIT_MM]
    if len(loose):
        points = relaxed(points, faces, loose)
        normals = vertex_normals(points, faces)
    regions = np.concatenate([still.regions[kept], _regions(baked, canonical[stands:])])
    return Mesh(points, faces, regions, normals, canonical)


def at_rest(baked: BakedField, posed: Posed, cells: Bool[np.ndarray, "i j k"], cut: Plane | None) -> Rested:
    """What is shown in the lattice cells that stand still, from a frame that was made as if all moved."""
    grid, warp = posed.grid, posed.warp.copy()
    warp[~cell_nodes(cells)] = np.nan
    still = base_cells(cells, posed.picks, grid.layout.owner.shape)
    surface, chosen = stand(without_thin(posed.values, grid), grid, posed.owner, still)
    every = triangles(posed.surface, posed.surface.vertices)
    vertices, canonical = posed.settled(baked, posed.surface.vertices, every, chosen)
    values = within(posed.values, grid, still)
    owner = np.where(still, posed.owner, grid.layout.owner)
    mesh = Mesh(vertices, triangles(surface, surface.points), _regions(baked, canonical), None, canonical)
    if cut is not None:
        lost = dropped(Mesh(posed.surface.vertices, every), cut)[chosen]
        mesh = severed(replace(mesh, faces=mesh.faces[~lost[mesh.faces].any(axis=1)]), cut)
        added = mesh.vertices[len(surface.points) :]  # belong to no cell, but are counted among the standing vertices
        surface = replace(surface, points=np.concatenate([surface.points, added]))
    return Rested(cells, warp, values, owner, surface, mesh)


def _regions(baked: BakedField, canonical: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point region"]:
    shares = look_up_shares(baked.shares, *baked.grid.finder, canonical)
    return seam_shares(shares, canonical, baked.distance)
