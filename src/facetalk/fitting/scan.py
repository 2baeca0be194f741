"""Scans on disk → clean clouds of points: meshes sampled by area, lone points dropped, normals found.

Knows neither heads nor units: numbers are what the file says.
"""

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import KDTree

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.mesh import files
from facetalk.types import Mesh

FEWEST = 200
"""Points without which no head is fitted."""
KEPT = 40_000
"""Points of a cloud that are looked at; of larger ones, that many at random."""
LONELY, UNLIKE, THIN = 3.0, 2.0, 0.1
"""A point is an outlier where its neighbours are so many times farther than the median point's; not so on a sparse part
of a surface: no more than so many times farther than theirs, the neighbourhood's variance across it below this share
of the next."""
NEIGHBOURS = 6
PATCH = 24
"""Neighbours that a normal is estimated from."""
SUFFIXES = (".ply", ".obj", ".npz")


@dataclass(frozen=True)
class Scan:
    """Points on something that was scanned, in the numbers of its file."""

    points: Float[np.ndarray, "point 3"]
    normals: Float[np.ndarray, "point 3"]
    """Unit length."""
    oriented: bool
    """Whether all normals point to the same side of the surface; estimated ones point anywhere."""
    name: str = "the scan"
    """What to call it when something is wrong with it."""
    lonely: int = 0
    """Points that were left out because nothing is near them."""

    def __len__(self) -> int:
        return len(self.points)

    def rows(self, chosen: np.ndarray) -> "Scan":
        """Some of the points."""
        return replace(self, points=self.points[chosen], normals=self.normals[chosen])


def read(path: Path | str, *, seed: int = 0) -> Scan:
    """A scan from a mesh, an oriented cloud or a bare one; .npz holds `points` and, if known, `normals` and `faces`.

    Raises:
        InputError: the file is missing, of another kind or damaged, or has too few points or ones without place.
    """
    path = Path(path)
    mesh = _read_arrays(path) if path.suffix.lower() == ".npz" else _read_mesh(path)
    random = np.random.default_rng(seed)
    unknown = int((~np.isfinite(mesh.vertices).all(axis=1)).sum())
    if unknown:
        raise InputError(f"{path}: {unknown} of {len(mesh.vertices)} points are not finite numbers; remove them")
    points, normals = _sampled(mesh, path, random) if len(mesh.faces) else _thinned(mesh, random)
    if len(np.unique(points, axis=0)) < FEWEST:
        raise InputError(f"{path}: {len(points)} points are too few; a head needs at least {FEWEST} different ones")
    return clean(points, normals, str(path))


def clean(
    points: Float[np.ndarray, "point 3"], normals: Float[np.ndarray, "point 3"] | None, name: str = Scan.name
) -> Scan:
    """The points that have company, with normals."""
    kept = _in_company(points)
    lonely = int((~kept).sum())
    points = points[kept]
    if normals is None:
        return Scan(points, estimated_normals(points), False, name, lonely)
    normals = normals[kept] / np.maximum(np.linalg.norm(normals[kept], axis=1, keepdims=True), 1e-12)
    return Scan(points, normals, True, name, lonely)


def estimated_normals(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
    """The direction in which each point's neighbourhood is thinnest; to which side is not known."""
    return np.linalg.eigh(_patches(points))[1][:, :, 0]


def roughness(points: Float[np.ndarray, "point 3"]) -> float:
    """How thick the sheet of points is, noise most of all: the spread across a median neighbourhood."""
    return float(np.sqrt(np.median(np.maximum(np.linalg.eigvalsh(_patches(points))[:, 0], 0))))


def _patches(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3 3"]:
    """Covariance of each point's neighbourhood."""
    nearest = KDTree(points).query(points, k=min(PATCH, len(points)))[1]
    patch = points[nearest] - points[nearest].mean(axis=1, keepdims=True)
    return np.einsum("pka,pkb->pab", patch, patch) / patch.shape[1]


def spacing(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
    """How far each point's neighbours are, in the numbers given."""
    return KDTree(points).query(points, k=min(4, len(points)))[0][:, -1]


def _in_company(points: Float[np.ndarray, "point 3"]) -> Bool[np.ndarray, " point"]:
    distances, nearest = KDTree(points).query(points, k=min(NEIGHBOURS + 1, len(points)))
    apart = distances[:, -1]
    usual, theirs = np.median(apart), np.median(apart[nearest[:, 1:]], axis=1)
    across, along, _ = np.linalg.eigvalsh(_patches(points)).T
    return (apart <= LONELY * usual) | ((apart <= UNLIKE * theirs) & (across < THIN * along))


def _read_mesh(path: Path) -> Mesh:
    """A mesh file in the numbers it holds."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: {path.suffix or 'a file without suffix'} is no scan; give {', '.join(SUFFIXES)}")
    mesh = files.read(path)
    return Mesh(mesh.vertices * np.float32(UNIT_MM), mesh.faces, normals=mesh.normals)


def _read_arrays(path: Path) -> Mesh:
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: np.asarray(file[name]) for name in ("points", "normals", "faces") if name in file}
        points = arrays["points"].astype(np.float64).reshape(-1, 3)
        normals = arrays["normals"].astype(np.float64).reshape(points.shape) if "normals" in arrays else None
        faces = arrays.get("faces", np.zeros((0, 3))).astype(np.int64).reshape(-1, 3)
        if len(faces) and not 0 <= faces.min() <= faces.max() < len(points):
            raise ValueError(f"its faces ask for points beyond its {len(points)}")
    except KeyError as error:
        raise InputError(f"{path}: holds no array points; give points (n × 3) and, if known, normals") from error
    except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a readable scan ({error}); give an array points (n × 3)") from error
    return Mesh(points, faces, normals=normals)


def _thinned(mesh: Mesh, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
    points = np.asarray(mesh.vertices, np.float64)
    normals = None if mesh.normals is None else np.asarray(mesh.normals, np.float64)
    if normals is not None and not (np.isfinite(normals).all() and np.linalg.norm(normals, axis=1).min() > 0):
        normals = None  # zeros stand for unknown ones in many files: better estimated than half believed
    if len(points) <= KEPT:
        return points, normals
    chosen = random.choice(len(points), KEPT, replace=False)
    return points[chosen], None if normals is None else normals[chosen]


def _sampled(mesh: Mesh, path: Path, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points spread evenly over the faces, with the faces' normals."""
    corners = np.asarray(mesh.vertices, np.float64)[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(across, axis=1)
    if not area.sum() > 0:
        raise InputError(f"{path}: its {len(area)} faces have no area; give a mesh of a head or a cloud of points")
    chosen = random.choice(len(area), KEPT, p=area / area.sum())
    u, v = random.uniform(size=(2, KEPT))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    weights = np.stack([1 - u - v, u, v], axis=1)
    return np.einsum("pk,pkc->pc", weights, corners[chosen]), across[chosen] / area[chosen, None]
