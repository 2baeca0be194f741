"""Meshes on disk: one small writer and reader for each format, picked by suffix.

Files hold millimetres with y up, as other programs expect; in memory meshes are in units of NPHM space.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.types import Mesh

_PLY_TYPES = {"float": "<f4", "float32": "<f4", "double": "<f8", "uchar": "u1", "uint8": "u1", "int": "<i4",
              "int32": "<i4", "uint": "<u4", "char": "i1", "short": "<i2", "ushort": "<u2"}  # fmt: skip


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
    """Read a mesh of triangles; larger polygons are cut into fans.

    Raises:
        InputError: the file is missing, of unknown suffix, or not what its suffix says.
    """
    path = Path(path)
    reader = _by_suffix(READERS, path)
    if not path.is_file():
        raise InputError(f"{path}: no such mesh file")
    try:
        return reader(path.read_bytes())
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
    """A binary PLY of triangles, as `ply` writes it and most programs do."""
    header, body = data.split(b"end_header\n", 1)
    lines = [line.split() for line in header.decode().splitlines()]
    if ["format", "binary_little_endian", "1.0"] not in lines:
        raise ValueError("only binary little-endian PLY is read")
    elements: dict[str, tuple[int, list[list[str]]]] = {}
    for line in lines:
        if line[0] == "element":
            elements[line[1]] = int(line[2]), []
        elif line[0] == "property":
            elements[list(elements)[-1]][1].append(line[1:])
    count, properties = elements["vertex"]
    kind = np.dtype([(name, _PLY_TYPES[t]) for t, name in properties])
    rows = np.frombuffer(body, kind, count)
    face_count, face_properties = elements["face"]
    _, count_type, index_type, _ = face_properties[0]
    face = np.dtype([("count", _PLY_TYPES[count_type]), ("corners", _PLY_TYPES[index_type], 3)])
    faces = np.frombuffer(body, face, face_count, count * kind.itemsize)
    if face_count and (faces["count"] != 3).any():
        raise ValueError("only triangles are read")
    vertices = np.stack([rows[a] for a in "xyz"], 1).astype(np.float32) / np.float32(UNIT_MM)
    normals = None
    if "nx" in (kind.names or ()):
        normals = np.stack([rows[a] for a in ("nx", "ny", "nz")], 1).astype(np.float32)
    return Mesh(vertices, faces["corners"].astype(np.int32), normals=normals)


def read_obj(data: bytes) -> Mesh:
    """The vertices and polygons of an OBJ; its normals and everything else are left out."""
    vertices, faces = [], []
    for line in data.decode().splitlines():
        words = line.split()
        if words and words[0] == "v":
            vertices.append([float(word) for word in words[1:4]])
        elif words and words[0] == "f":
            corners = [int(word.split("/")[0]) for word in words[1:]]
            corners = [c - 1 if c > 0 else len(vertices) + c for c in corners]
            faces += [(corners[0], b, c) for b, c in pairwise(corners[1:])]
    if not vertices:
        raise ValueError("no vertices")
    return Mesh(np.array(vertices, np.float32) / np.float32(UNIT_MM), np.array(faces, np.int32).reshape(-1, 3))


WRITERS: dict[str, Callable[[Mesh], bytes]] = {".ply": ply, ".obj": obj}
"""Suffix → bytes of a file."""
READERS: dict[str, Callable[[bytes], Mesh]] = {".ply": read_ply, ".obj": read_obj}
"""Suffix → mesh of a file's bytes."""


def _by_suffix(registry: dict, path: Path) -> Callable:
    if path.suffix.lower() not in registry:
        raise InputError(f"{path}: unknown mesh format {path.suffix!r}; use {' or '.join(registry)}")
    return registry[path.suffix.lower()]
