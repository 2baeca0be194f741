"""One surface against another, from points to triangles both ways: distances, normals, F-scores.

Only what can be seen from outside counts: behind closed lips and in nostrils nobody knows what is true.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from facetalk.evaluation.depth import outside, seen_by
from facetalk.evaluation.head import F_LIMITS_MM, f_score
from facetalk.evaluation.true_heads import TrueHead
from facetalk.geometry import UNIT_MM
from facetalk.types import Mesh

SAMPLES = 60_000
"""Points drawn evenly on each surface, before those that nobody sees are left out."""
LOWEST = -0.42
"""Below this height necks are cut, in units."""
PARTS = ("head", "face")


@dataclass(frozen=True)
class Beside:
    """Points of one surface beside another: how far, how alike the normals, and whether they are of the face."""

    distance_mm: Float[np.ndarray, " point"]
    cosine: Float[np.ndarray, " point"]
    face: Bool[np.ndarray, " point"]

    def rows(self, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Distances and cosines of a part."""
        kept = self.face if part == "face" else np.ones_like(self.face)
        return self.distance_mm[kept], self.cosine[kept]


def compare(true: TrueHead, ours: Mesh, seed: int = 0, samples: int = SAMPLES) -> dict[str, float]:
    """Figures of head and face; distances in millimetres, squares in square millimetres.

    Raises:
        ValueError: nothing of one of the surfaces can be seen.
    """
    missed, excess = beside(true, ours, seed, samples)
    return {f"{part}_{name}": value for part in PARTS for name, value in _figures(missed, excess, part).items()}


def beside(true: TrueHead, ours: Mesh, seed: int = 0, samples: int = SAMPLES) -> tuple[Beside, Beside]:
    """True points beside ours, and ours beside true ones."""
    random = np.random.default_rng(seed)
    points, triangle = _drawn(true.mesh, samples, random)
    kept = seen_by(true.views, points) & (points[:, 1] > LOWEST)
    points, triangle = points[kept], triangle[kept]
    distance, there, place = nearest(points, ours)
    cosine = (face_normals(true.mesh)[triangle] * normals_at(ours, there, place)).sum(axis=1)
    missed = Beside(distance, cosine, true.face[triangle])
    points, triangle = _seen_of(ours, samples, random)
    distance, there, _ = nearest(points, true.mesh)
    cosine = (normals_at(ours, triangle, points) * face_normals(true.mesh)[there]).sum(axis=1)
    return missed, Beside(distance, cosine, true.face[there])


def seen_sample(mesh: Mesh, samples: int = SAMPLES, seed: int = 0) -> Mesh:
    """Points spread evenly over what is seen of a mesh from all round, with their normals and without triangles."""
    points, triangle = _seen_of(mesh, samples, np.random.default_rng(seed))
    return Mesh(points, np.zeros((0, 3), np.int64), normals=normals_at(mesh, triangle, points))


def nearest(
    points: Float[np.ndarray, "point 3"], mesh: Mesh
) -> tuple[Float[np.ndarray, " point"], Int[np.ndarray, " point"], Float[np.ndarray, "point 3"]]:
    """Distance to a mesh in mm, the nearest triangle, and the place on it."""
    import igl

    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    squared, triangle, place = igl.point_mesh_squared_distance(np.asarray(points, np.float64), vertices, faces)
    return np.sqrt(squared) * UNIT_MM, triangle.astype(np.int64), place


def face_normals(mesh: Mesh) -> Float[np.ndarray, "face 3"]:
    """Unit normals of the triangles."""
    across = _across(mesh)
    return across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-20)


def normals_at(
    mesh: Mesh, triangle: Int[np.ndarray, " point"], points: Float[np.ndarray, "point 3"]
) -> Float[np.ndarray, "point 3"]:
    """Normals at points of triangles: those of the corners blended where there are any, the triangle's elsewhere."""
    if mesh.normals is None:
        return face_normals(mesh)[triangle]
    shares = corner_shares(mesh, triangle, points)
    blended = np.einsum("pk,pkc->pc", shares, np.asarray(mesh.normals, np.float64)[mesh.faces[triangle]])
    return blended / np.maximum(np.linalg.norm(blended, axis=1, keepdims=True), 1e-12)


def corner_shares(
    mesh: Mesh, triangle: Int[np.ndarray, " point"], points: Float[np.ndarray, "point 3"]
) -> Float[np.ndarray, "point 3"]:
    """Barycentric coordinates of points on their triangles."""
    a, b, c = np.asarray(mesh.vertices, np.float64)[mesh.faces[triangle]].transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    area = np.maximum((across**2).sum(axis=1), 1e-30)
    u = (np.cross(c - b, points - b) * across).sum(axis=1) / area
    v = (np.cross(a - c, points - c) * across).sum(axis=1) / area
    shares = np.clip(np.stack([u, v, 1 - u - v], axis=1), 0, 1)
    return shares / shares.sum(axis=1, keepdims=True)


def _figures(missed: Beside, excess: Beside, part: str) -> dict[str, float]:
    (back, agreed), (forth, alike) = missed.rows(part), excess.rows(part)
    if not (len(back) and len(forth)):
        raise ValueError(f"nothing of the {part} can be seen")
    return {
        "true_to_ours_mm": float(back.mean()),
        "ours_to_true_mm": float(forth.mean()),
        "chamfer_l1_mm": float((back.mean() + forth.mean()) / 2),
        "chamfer_l2_mm2": float(((back**2).mean() + (forth**2).mean()) / 2),
        "normals": float((agreed.mean() + alike.mean()) / 2),
        **{f"f_{limit:g}mm": f_score(back, forth, limit) for limit in F_LIMITS_MM},
    }


def _seen_of(
    mesh: Mesh, samples: int, random: np.random.Generator
) -> tuple[Float[np.ndarray, "point 3"], Int[np.ndarray, " point"]]:
    """What of evenly spread points can be seen, with their triangles."""
    points, triangle = _drawn(mesh, samples, random)
    kept = seen_by(outside(np.asarray(mesh.vertices), np.asarray(mesh.faces)), points) & (points[:, 1] > LOWEST)
    return points[kept], triangle[kept]


def _drawn(
    mesh: Mesh, count: int, random: np.random.Generator
) -> tuple[Float[np.ndarray, "point 3"], Int[np.ndarray, " point"]]:
    """Points spread evenly over a mesh, with their triangles."""
    corners = np.asarray(mesh.vertices, np.float64)[mesh.faces]
    area = np.linalg.norm(_across(mesh), axis=1)
    triangle = random.choice(len(area), count, p=area / area.sum())
    u, v = random.uniform(size=(2, count))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return np.einsum("pk,pkc->pc", np.stack([1 - u - v, u, v], 1), corners[triangle]), triangle


def _across(mesh: Mesh) -> Float[np.ndarray, "face 3"]:
    a, b, c = np.asarray(mesh.vertices, np.float64)[mesh.faces].transpose(1, 0, 2)
    return np.cross(b - a, c - a)
