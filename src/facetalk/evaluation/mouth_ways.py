"""Whether an open mouth is open: rays that reach the teeth between the source's lips must reach them between a head's.

The aperture meter asks on lines a millimetre apart in depth; a film of flesh between two of them would escape it.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float

from facetalk.geometry import UNIT_MM
from facetalk.mesh.aperture import SDF, Probe
from facetalk.mesh.winding import mesh_inside_lines
from facetalk.types import Mesh

HEIGHTS = (0.25, 0.5, 0.75)
"""Where rays run, as shares of the way from the upper lip to the lower."""
NARROW = 4
"""Samples of a line that an opening needs for rays to run through it."""
STEP_MM = 0.1
"""Between samples of a ray: films thinner than this are not seen."""


def ways(mesh: Mesh, probe: Probe) -> Float[np.ndarray, "ray sample 3"]:
    """Straight ways forward from before the teeth to before the lips, that meet no flesh of a source's mesh.

    Args:
        mesh: the posed source.
        probe: lines through its mouth, the first depth before the teeth and the last before the lips.
    """
    lines = probe.lines.points
    begins = [
        start
        for column, inside in zip(lines[:, 0], mesh_inside_lines(mesh.vertices, mesh.faces, lines[:, 0]), strict=True)
        for start in _between(column, inside)
    ]
    if not begins:
        return np.zeros((0, 2, 3))
    starts = np.stack(begins).astype(np.float64)
    reach = float((lines[..., 2].max(axis=(1, 2)) - lines[:, 0, 0, 2]).max())
    forward = np.linspace(0.0, reach, int(np.ceil(reach * UNIT_MM / STEP_MM)) + 1)
    rays = starts[:, None] + forward[None, :, None] * np.array([0.0, 0.0, 1.0])
    return rays[~mesh_inside_lines(mesh.vertices, mesh.faces, rays).any(axis=1)]


def open_share(sdf: SDF, rays: Float[np.ndarray, "ray sample 3"]) -> float:
    """Share of such ways that meet no flesh of a head either; NaN where there are none."""
    if not len(rays):
        return float("nan")
    with torch.no_grad():
        distances = sdf(torch.from_numpy(rays.reshape(-1, 3).astype(np.float32)))
    return float((distances.reshape(rays.shape[:2]) > 0).all(dim=1).float().mean())


def _between(line: Float[np.ndarray, "sample 3"], inside: Bool[np.ndarray, " sample"]) -> list[Float[np.ndarray, "3"]]:
    """Places between the lips on one line; none where they are shut, or nearly."""
    free = np.flatnonzero(~inside[int(inside.argmax()) :]) + int(inside.argmax())
    if not inside.any() or not len(free):
        return []
    first = free[0]
    ends = np.flatnonzero(inside[first:])
    if not len(ends) or ends[0] < NARROW:
        return []
    return [line[first + round(height * (ends[0] - 1))] for height in HEIGHTS]
