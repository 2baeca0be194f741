"""Meshes on disk: one small writer and reader for each format, picked by suffix.

Files hold millimetres with y up, as other programs expect; in memory meshes are in units of NPHM space.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.mesh.ply import read as read_tables
from facetalk.types import Mesh


def write(mesh: Mesh, path: Path | str) -> None:
    """Write a mesh in the format of the suffix of `path`, beside it first and then renamed.

    Raises:
        InputError: the suffix is unknown or the place cannot be written.
    """
    path = Path(path)
    writer = _by_suffix(WRITERS, path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(writer(mesh))
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def read(path: Path | str) -> Mesh:
    """Read a mesh of triangles, larger polygons cut into fans, or a cloud of points, which has no faces.

    Raises:
        InputError: the file is missing, of unknown suffix, or not what its suffix says.
    """
    path = Path(path)
    reader = _by_suffix(READERS, path)
    if not path.is_file():
        raise InputError(f"{path}: no such mesh file")
    try:
        mesh = reader(path.read_bytes())
        if len(mesh.faces) and not 0 <= mesh.faces.min() <= mesh.faces.max() < len(mesh.vertices):
            raise ValueError(f"its faces ask for vertices beyond its {len(mesh.vertices)}")
        return mesh
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a readable {path.suffix[1:].upper()} mesh ({error})") from error


def write_sequence(meshes: Iterable[Mesh], folder: Path | str, suffix: str = ".ply") -> Iterator[Path]:
    """Write meshes one by one as frame_00000 … in `folder`, yielding each path once it is written."""
    for index, mesh in enumerate(meshes):
        path = Path(folder) / f"frame_{index:05d}{suffix}"
        write(mesh, path)
        yield path


def ply(mesh: Mesh) -> bytes:
    """Binary PLY with normals where the mesh has them."""
    columns = [("x", mesh.vertices[:, 0]), ("y", mesh.vertices[:, 1]), ("z", mesh.vertices[:, 2])]
    columns = [(name, values * UNIT_MM) for name, values in columns]
    if mesh.normals is not None:
        columns += [(name, mesh.normals[:, a]) for a, name in enumerate(("nx", "ny", "nz"))]
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        "comment millimetres, y up",
        f"element vertex {len(mesh.vertices)}",
    ]
    lines += [f"property float {name}" for name, _ in columns]
    lines += [f"element face {len(mesh.faces)}", "property list uchar int vertex_indices", "end_header", ""]
    rows = np.empty(len(mesh.faces), [("count", "u1"), ("corners", "<i4", 3)])
    rows["count"], rows["corners"] = 3, mesh.faces
    return "\n".join(lines).encode() + np.stack([v for _, v in columns], 1).astype("<f4").tobytes() + rows.tobytes()


def obj(mesh: Mesh) -> bytes:
    """Wavefront OBJ with normals where the mesh has them."""
    lines = ["# millimetres, y up"]
    lines += [f"v {x:.4f} {y:.4f} {z:.4f}" for x, y, z in (mesh.vertices * UNIT_MM).tolist()]
    corners = (mesh.faces + 1).tolist()
    if mesh.normals is None:
        lines += [f"f {a} {b} {c}" for a, b, c in corners]
    else:
        lines += [f"vn {x:.4f} {y:.4f} {z:.4f}" for x, y, z in mesh.normals.tolist()]
        lines += [f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in corners]
    return ("\n".join(lines) + "\n").encode()


def read_ply(data: bytes) -> Mesh:
    """A PLY, text or binary; one without faces is a cloud of points."""
    tables = read_tables(data)
    vertices, normals = (_stacked(tables.columns, names) for names in (("x", "y", "z"), ("nx", "ny", "nz")))
    if vertices is None:
        raise ValueError("its vertices have no x, y and z")
    return Mesh(vertices / np.float32(UNIT_MM), _fans(tables.polygons), normals=normals)


def _stacked(columns: dict[str, np.ndarray], names: Iterable[str]) -> np.ndarray | None:
    parts = [columns.get(name) for name in names]
    known = [part for part in parts if part is not None]
    return np.stack(known, 1).astype(np.float32) if len(known) == len(parts) else None


def _fans(polygons: Sequence[np.ndarray]) -> np.ndarray:
    """Triangles of polygons."""
    if all(len(polygon) == 3 for polygon in polygons):
        return np.array(polygons, np.int32).reshape(-1, 3)
    fans = [(polygon[0], b, c) for polygon in polygons for b, c in pairwise(polygon[1:])]
    return np.array(fans, np.int32).reshape(-1, 3)


def read_obj(data: bytes) -> Mesh:
    """The vertices and polygons of an OBJ, and its normals where there is one for each vertex of a cloud."""
    rows: dict[str, list[list[float]]] = {"v": [], "vn": []}
    polygons = []
    for line in data.decode().splitlines():
        words = line.split()
        if words and words[0] in rows:
            rows[words[0]].append([float(word) for word in words[1:4]])
        elif words and words[0] == "f":
            corners = [int(word.split("/")[0]) for word in words[1:]]
            polygons.append(np.array([c - 1 if c > 0 else len(rows["v"]) + c for c in corners]))
    if not rows["v"]:
        raise ValueError("no vertices")
    oriented = not polygons and len(rows["vn"]) == len(rows["v"])
    normals = np.array(rows["vn"], np.float32) if oriented else None
    return Mesh(np.array(rows["v"], np.float32) / np.float32(UNIT_MM), _fans(polygons), normals=normals)


WRITERS: dict[str, Callable[[Mesh], bytes]] = {".ply": ply, ".obj": obj}
"""Suffix → bytes of a file."""
READERS: dict[str, Callable[[bytes], Mesh]] = {".ply": read_ply, ".obj": read_obj}
"""Suffix → mesh of a file's bytes."""


def _by_suffix(registry: dict, path: Path) -> Callable:
    if path.suffix.lower() not in registry:
        raise InputError(f"{path}: unknown mesh format {path.suffix!r}; use {' or '.join(registry)}")
    return registry[path.suffix.lower()]
