"""Fitted heads in a row, coloured by how far they are from the truth."""

from pathlib import Path

import numpy as np
from PIL import Image

from facetalk.evaluation.surfaces import face_normals, nearest
from facetalk.evaluation.true_heads import TrueHead
from facetalk.geometry import Box
from facetalk.mesh.normals import vertex_normals
from facetalk.render.camera import portrait
from facetalk.render.sheet import contact_sheet, write_picture
from facetalk.render.tinted import tinted, with_bar
from facetalk.types import Frame, Mesh

FRAMED = Box((-0.36, -0.4, -0.6), (0.36, 0.56, 0.36))
"""What a picture shows, in units: the same of everybody, so that sizes can be compared."""
CAMERAS = ("front", "three-quarter")
REACH_MM = 2.0
"""The colours reach so far."""
SIZE = 300


def write(true: TrueHead, ours: Mesh, path: Path) -> None:
    """One head from two sides: red stands out of the truth, blue lies within."""
    errors = signed_mm(true, ours)
    normals = vertex_normals(np.asarray(ours.vertices, np.float32), ours.faces)
    shown = Mesh(np.asarray(ours.vertices, np.float32), ours.faces, normals=normals)
    frames = [tinted(shown, errors, REACH_MM, portrait(name, FRAMED, SIZE, SIZE)) for name in CAMERAS]
    write_picture(Frame(np.concatenate([frame.pixels for frame in frames], axis=1)), path)


def signed_mm(true: TrueHead, ours: Mesh) -> np.ndarray:
    """Distance of every vertex from the true surface, positive outside."""
    distance, triangle, place = nearest(ours.vertices, true.mesh)
    away = ((ours.vertices - place) * face_normals(true.mesh)[triangle]).sum(axis=1)
    return np.where(away < 0, -distance, distance)


def sheet(tiles: list[Path], labels: list[str], columns: int) -> Frame:
    """Tiles in rows, with the bar of colours."""
    frames = [Frame(np.asarray(Image.open(path).convert("RGB"))) for path in tiles]
    return with_bar(contact_sheet(frames, labels, columns), REACH_MM, "inside the truth", "outside")
