"""Whether an open mouth is open: rays that reach the teeth between the source's lips must reach them between a head's.

The aperture meter asks on lines a millimetre apart in depth; a film of flesh between two of them would escape it.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float

from facetalk.geometry import UNIT_MM
from facetalk.mesh.aperture import SDF, Probe
from facetalk.mesh.winding import mesh_crossed
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
    lines = probe.lines.points.astype(np.float64)
    starts = lines[:, 0]
    reach = np.array([0.0, 0.0, float((lines[..., 2].max(axis=(1, 2)) - starts[..., 2].min(axis=1)).max())])
    clear = ~mesh_crossed(mesh.vertices, mesh.faces, starts, starts + reach)
    chosen = [place for column, free in zip(starts, clear, strict=True) for place in _between(column, free)]
    begins = np.array(chosen).reshape(-1, 3)
    samples = np.linspace(0.0, 1.0, int(np.ceil(reach[2] * UNIT_MM / STEP_MM)) + 1)
    return begins[:, None] + samples[None, :, None] * reach


def open_share(sdf: SDF, rays: Float[np.ndarray, "ray sample 3"]) -> float:
    """Share of such ways that meet no flesh of a head either; NaN where there are none."""
    if not len(rays):
        return float("nan")
    with torch.no_grad():
        distances = sdf(torch.from_numpy(rays.reshape(-1, 3).astype(np.float32)))
    return float((distances.reshape(rays.shape[:2]) > 0).all(dim=1).float().mean())


def _between(line: Float[np.ndarray, "sample 3"], clear: Bool[np.ndarray, " sample"]) -> list[Float[np.ndarray, "3"]]:
    """Places between the lips, of those on one line before which nothing lies; none where lips are shut, or nearly."""
    if not clear.any():
        return []
    first = int(clear.argmax())
    count = int((~clear[first:]).argmax()) or len(clear) - first
    return [line[first + round(height * (count - 1))] for height in HEIGHTS] if count >= NARROW else []
