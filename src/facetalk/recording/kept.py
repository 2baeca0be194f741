"""A canonical surface asked once and kept on a grid, since a fit asks one person's surface millions of times.

Nodes near the surface are exact (`facetalk.mesh.baked`); between them the distance is Catmull and Rom's cubic, whose
slope is continuous.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from facetalk.compiled import kernel
from facetalk.geometry import Box
from facetalk.mesh.baked import bake
from facetalk.mesh.grid import uniform_grid


@dataclass(frozen=True)
class Kept:
    """Signed distances at the nodes of an even grid."""

    values: Float32[np.ndarray, "x y z"]
    lower: Float32[np.ndarray, "3"]
    """Place of the first node."""
    per_unit: Float32[np.ndarray, "3"]
    """Cells a unit."""

    @classmethod
    def of(
        cls, canonical: Callable[[Float[Tensor, "point 3"]], Float[Tensor, " point"]], box: Box, cell: float
    ) -> "Kept":
        """A surface in a box, in cells of about that many units."""
        grid = uniform_grid(box, round(float(box.size.max()) / cell))
        shape = [len(axis) for axis in grid.axes]
        steps = [(len(axis) - 1) / float(axis[-1] - axis[0]) for axis in grid.axes]
        lower = np.array([axis[0] for axis in grid.axes], np.float32)
        return cls(bake(canonical, grid).values.reshape(shape), lower, np.array(steps, np.float32))

    def __call__(self, points: Float[Tensor, "point 3"]) -> tuple[Float[Tensor, " point"], Float[Tensor, "point 3"]]:
        """Distance and its slope; beyond the box those of its edge."""
        places = np.ascontiguousarray(points.numpy(), np.float32)
        distance, slope = cubic_at(self.values, self.lower, self.per_unit, places)
        return torch.from_numpy(distance), torch.from_numpy(slope)


@kernel
def cubic_at(values, lower, per_unit, points):
    """Catmull and Rom's cubic through the nodes, and its slope, at points."""
    distance, slope = np.empty(len(points), np.float32), np.empty((len(points), 3), np.float32)
    share, change = np.empty((3, 4), np.float32), np.empty((3, 4), np.float32)
    first = np.empty(3, np.int64)
    half = np.float32(0.5)
    for n in range(len(points)):
        for axis in range(3):
            place = (points[n, axis] - lower[axis]) * per_unit[axis]
            place = min(max(place, np.float32(1)), np.float32(values.shape[axis] - 2) - np.float32(1e-3))
            cell = int(place)
            t = place - np.float32(cell)
            first[axis] = cell - 1
            share[axis, 0] = half * t * (t * (2 - t) - 1)
            share[axis, 1] = half * (t * t * (3 * t - 5) + 2)
            share[axis, 2] = half * t * (t * (4 - 3 * t) + 1)
            share[axis, 3] = half * t * t * (t - 1)
            change[axis, 0] = half * (t * (4 - 3 * t) - 1)
            change[axis, 1] = half * t * (9 * t - 10)
            change[axis, 2] = half * (t * (8 - 9 * t) + 1)
            change[axis, 3] = half * t * (3 * t - 2)
        found, x, y, z = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for i in range(4):
            sheet, sheet_y, sheet_z = np.float32(0), np.float32(0), np.float32(0)
            for j in range(4):
                line, line_z = np.float32(0), np.float32(0)
                for k in range(4):
                    value = values[first[0] + i, first[1] + j, first[2] + k]
                    line += share[2, k] * value
                    line_z += change[2, k] * value
                sheet += share[1, j] * line
                sheet_y += change[1, j] * line
                sheet_z += share[1, j] * line_z
            found += share[0, i] * sheet
            x += change[0, i] * sheet
            y += share[0, i] * sheet_y
            z += share[0, i] * sheet_z
        distance[n] = found
        slope[n, 0], slope[n, 1], slope[n, 2] = x * per_unit[0], y * per_unit[1], z * per_unit[2]
    return distance, slope
