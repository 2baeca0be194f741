"""Surfaces that close on each other: lips on lips, lids on lids.

Works in a chart (across, along, depth): `along` is the closing direction, "upper" lies at greater `along`.
For the mouth the chart is space itself, for an eye it is (azimuth, elevation, radius) about the eyeball.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt

from facetalk.compiled import kernel

NOTHING = 1e9
LEAST_SEAM = 12
"""Raster cells that must touch to be called a seam."""


@dataclass(frozen=True)
class Flaps:
    """Two flaps of one mesh that may touch, found once for a topology."""

    upper_faces: Int[np.ndarray, "upper 3"]
    lower_faces: Int[np.ndarray, "lower 3"]
    upper: Int[np.ndarray, " upper_vertex"]
    lower: Int[np.ndarray, " lower_vertex"]
    neighbours: Int[np.ndarray, "vertex ring"]
    """One-ring of every vertex of the mesh, padded with the vertex itself; only rows of the flaps are filled."""


@dataclass(frozen=True)
class Raster:
    """The window of (across, depth) in which heights are compared."""

    lower: tuple[float, float]
    step: tuple[float, float]
    shape: tuple[int, int]


@kernel
def height_map(chart, faces, sign, lower, step, shape):  # pragma: no cover - compiled
    """Greatest sign·along over the window for the given faces; -NOTHING where there is no face."""
    height = np.full(shape, -NOTHING)
    for face in faces:
        a, b, c = chart[face[0]], chart[face[1]], chart[face[2]]
        ax, ay = (a[0] - lower[0]) / step[0], (a[2] - lower[1]) / step[1]
        bx, by = (b[0] - lower[0]) / step[0], (b[2] - lower[1]) / step[1]
        cx, cy = (c[0] - lower[0]) / step[0], (c[2] - lower[1]) / step[1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-12:
            continue
        for i in range(max(0, int(np.ceil(min(ax, bx, cx)))), min(shape[0] - 1, int(np.floor(max(ax, bx, cx)))) + 1):
            for j in range(
                max(0, int(np.ceil(min(ay, by, cy)))), min(shape[1] - 1, int(np.floor(max(ay, by, cy)))) + 1
            ):
                u = ((i - ax) * (cy - ay) - (j - ay) * (cx - ax)) / area
                v = ((bx - ax) * (j - ay) - (by - ay) * (i - ax)) / area
                if u >= -1e-9 and v >= -1e-9 and u + v <= 1 + 1e-9:
                    value = sign * (a[1] + u * (b[1] - a[1]) + v * (c[1] - a[1]))
                    height[i, j] = max(height[i, j], value)
    return height


def overlap(
    chart: Float[np.ndarray, "vertex 3"], flaps: Flaps, raster: Raster
) -> tuple[Float[np.ndarray, "across depth"], Float[np.ndarray, "across depth"]]:
    """How far the flaps pass through each other, and the middle of it, over the raster.

    The overlap is negative where they are apart and -NOTHING where one of them is absent.
    """
    bottom_of_upper = -height_map(chart, flaps.upper_faces, -1.0, raster.lower, raster.step, raster.shape)
    top_of_lower = height_map(chart, flaps.lower_faces, 1.0, raster.lower, raster.step, raster.shape)
    present = (np.abs(bottom_of_upper) < NOTHING / 2) & (np.abs(top_of_lower) < NOTHING / 2)
    return np.where(present, top_of_lower - bottom_of_upper, -NOTHING), (top_of_lower + bottom_of_upper) / 2


def gaps(chart: Float[np.ndarray, "vertex 3"], flaps: Flaps, raster: Raster) -> Float[np.ndarray, " across"]:
    """Smallest free distance between the flaps in each column: negative where they overlap, NaN where one is absent."""
    across = -overlap(chart, flaps, raster)[0].max(axis=1)
    return np.where(across > NOTHING / 2, np.nan, across)


def sample(grid: Float[np.ndarray, "across depth"], raster: Raster, chart: Float[np.ndarray, "vertex 3"]):
    """Nearest-node lookup; NaN outside the window."""
    index = np.rint((chart[:, [0, 2]] - raster.lower) / raster.step).astype(int)
    inside = ((index >= 0) & (index < raster.shape)).all(axis=1)
    index = np.clip(index, 0, np.subtract(raster.shape, 1))
    return np.where(inside, grid[index[:, 0], index[:, 1]], np.nan)


def resolve(
    chart: Float[np.ndarray, "vertex 3"], flaps: Flaps, raster: Raster, *, press: float, spread: int = 6
) -> Float[np.ndarray, " vertex"]:
    """Displacements along the closing axis that leave overlapping flaps pressed on each other by `press`.

    Each flap retreats to the middle of the overlap; what lies near a retreating vertex follows smoothly.
    """
    depth, middle = overlap(chart, flaps, raster)
    moved = np.zeros(len(chart))
    fixed = np.zeros(len(chart), bool)
    for vertices, side in ((flaps.upper, 1.0), (flaps.lower, -1.0)):
        here = chart[vertices]
        target = sample(middle, raster, here) - side * press / 2
        retreat = side * (target - here[:, 1])
        touching = (sample(depth, raster, here) > press) & (retreat > 0)
        moved[vertices[touching]] = side * retreat[touching]
        fixed[vertices[touching]] = True
    return _spread(moved, fixed, flaps, spread)


def seam(
    chart: Float[np.ndarray, "vertex 3"],
    flaps: Flaps,
    raster: Raster,
    count: int,
    spread: float,
    random: np.random.Generator,
) -> tuple[Float[np.ndarray, "point 3"], Float[np.ndarray, " point"]] | None:
    """Random points about the surface where two flaps touch, and their signed distances; None where they are apart.

    Pressed together, the flaps are one solid: from a point of the seam the surface is as far as the seam's edge.
    """
    depth, middle = overlap(chart, flaps, raster)
    touching = depth > 0
    if touching.sum() < LEAST_SEAM:
        return None
    inward = distance_transform_edt(touching, sampling=raster.step)
    column, row = np.nonzero(touching)
    pick = random.integers(len(column), size=count)
    column, row = column[pick], row[pick]
    shift = random.uniform(-0.5, 0.5, (2, count))
    across = raster.lower[0] + raster.step[0] * (column + shift[0])
    along = middle[column, row] + random.normal(0, spread, count)
    deep = raster.lower[1] + raster.step[1] * (row + shift[1])
    distance = -np.maximum(inward[column, row] - 0.5 * raster.step[0], 0)
    return np.stack([across, along, deep], axis=1), distance


def _spread(
    moved: Float[np.ndarray, " vertex"], fixed: Bool[np.ndarray, " vertex"], flaps: Flaps, rounds: int
) -> Float[np.ndarray, " vertex"]:
    """Let the neighbours of moved vertices follow by averaging over one-rings, a few rounds."""
    rows = np.concatenate([flaps.upper, flaps.lower])
    loose = rows[~fixed[rows]]
    for _ in range(rounds):
        moved[loose] = moved[flaps.neighbours[loose]].mean(axis=1)
    return moved


def rings(vertex_count: int, faces: Int[np.ndarray, "face 3"], size: int = 12) -> Int[np.ndarray, "vertex ring"]:
    """One-ring neighbours of each vertex, padded with the vertex itself."""
    near: list[set[int]] = [set() for _ in range(vertex_count)]
    for a, b, c in faces:
        near[a] |= {int(b), int(c)}
        near[b] |= {int(a), int(c)}
        near[c] |= {int(a), int(b)}
    table = np.repeat(np.arange(vertex_count)[:, None], size, axis=1)
    for vertex, ring in enumerate(near):
        table[vertex, : min(size, len(ring))] = sorted(ring)[:size]
    return table
