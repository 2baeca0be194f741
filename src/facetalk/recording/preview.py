"""A video of the fit beside what was measured: points coloured by their distance from the fitted head, and the head."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from facetalk.data.fitted import AUDIO, read
from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM, Box
from facetalk.head.model import Head
from facetalk.mesh.extract import extract
from facetalk.pipeline.actor import Actor
from facetalk.recording import layout
from facetalk.recording.poses import of_matrix
from facetalk.render.camera import Camera, portrait
from facetalk.render.sheet import PAPER
from facetalk.render.tinted import colours, tinted
from facetalk.render.video import write_video
from facetalk.speech import waveform
from facetalk.types import Frame

PREVIEW = "preview.mp4"
SIZE, RESOLUTION, EVERY = 320, 40, 2
"""Pixels of each picture, cells of the head's mesh, and every how manieth frame is shown."""
REACH_MM = 3.0
"""Where colours end."""
BOX = Box((-0.32, -0.42, -0.4), (0.32, 0.56, 0.34))
DOT = 2
"""Pixels along the edge of a point."""


def write(recording: Path, made: Path, head: Head) -> Path:
    """Write the preview of a fitted sequence beside its codes, unless it is there."""
    path = made / PREVIEW
    if not path.is_file():
        rate = read(made).rate / EVERY
        write_video(frames(recording, made, head), path, rate, waveform.read(made / AUDIO))
    return path


def frames(recording: Path, made: Path, head: Head) -> Iterator[Frame]:
    """Pictures of every second frame."""
    source, sequence = layout.read(recording), read(made)
    actor = Actor(head, torch.from_numpy(sequence.arrays["z_id"]), stilled=False)
    camera = portrait("three-quarter", BOX, SIZE, SIZE)
    for frame in range(0, len(sequence.weights), EVERY):
        code = torch.from_numpy(sequence.arrays["codes"][frame])
        with torch.inference_mode():
            sdf = actor.sdf(code)
            mesh = extract(sdf, actor.grid(RESOLUTION), cut=actor.cut)
            try:
                placed = of_matrix(sequence.arrays["T_head_world"][frame])(source.points(frame).places)
            except InputError:
                placed = np.zeros((0, 3))  # a missing frame: the left picture stays empty, as the recording is
            placed = placed[np.abs(placed).max(axis=1, initial=0) < 1]
            off = sdf(torch.from_numpy(placed).float()).numpy() * UNIT_MM if len(placed) else np.zeros(0)
        head_picture = tinted(mesh, np.zeros(len(mesh.vertices)), 1.0, camera)
        yield Frame(np.concatenate([_dots(placed, off, camera), head_picture.pixels], axis=1))


def _dots(points: Float[np.ndarray, "point 3"], off_mm: Float[np.ndarray, " point"], camera: Camera) -> np.ndarray:
    """Points as squares, the nearest on top."""
    picture = np.full((camera.height, camera.width, 3), PAPER, np.uint8)
    column, row, near = camera.project(points.astype(np.float32)).T
    painted = colours(off_mm, REACH_MM)
    order = np.argsort(near, kind="stable")
    for down in range(DOT):
        for right in range(DOT):
            x, y = (np.floor(column).astype(int) + right)[order], (np.floor(row).astype(int) + down)[order]
            seen = (x >= 0) & (x < camera.width) & (y >= 0) & (y < camera.height)
            picture[y[seen], x[seen]] = painted[order][seen]
    return picture
