"""What cameras round a head would measure of it: points back-projected from single views.

A cloud of the true surface stands for it: a point is seen where it faces the camera and no other lies well before it.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import maximum_filter
from scipy.spatial import KDTree

CELL_MM, BEFORE_MM = 6.0, 25.0
"""Raster of the depth picture, about the spacing of the points, and how much nearer what hides a point lies."""
GRAZING = 0.15
"""A surface turned farther from the camera than this cosine gives no points."""
VIEWS = 12
"""Cameras round the head for a full cloud."""
NOISE_MM = 0.3
"""Spread of a depth measurement."""


def seen(
    points: Float[np.ndarray, "point 3"], normals: Float[np.ndarray, "point 3"], towards: Float[np.ndarray, "3"]
) -> Bool[np.ndarray, " point"]:
    """Which points, in mm, a far camera in the direction `towards` sees."""
    aside = np.linalg.svd(towards[None])[2][1:]
    place, depth = points @ aside.T, points @ towards
    row, column = ((place - place.min(axis=0)) / CELL_MM).astype(int).T
    nearest = np.full((row.max() + 1, column.max() + 1), -np.inf)
    np.maximum.at(nearest, (row, column), depth)
    return (normals @ towards > GRAZING) & (depth > maximum_filter(nearest, size=3)[row, column] - BEFORE_MM)


def frontal(
    points: Float[np.ndarray, "point 3"], normals: Float[np.ndarray, "point 3"], count: int, random: np.random.Generator
) -> np.ndarray:
    """Indices of `count` points, or fewer, that one camera before the face sees, evenly spread."""
    visible = np.flatnonzero(seen(points, normals, np.array([0.0, 0.0, 1.0])))
    return visible[evenly(points[visible], count, random)]


def surrounding(
    points: Float[np.ndarray, "point 3"], normals: Float[np.ndarray, "point 3"], random: np.random.Generator
) -> np.ndarray:
    """Indices of what cameras in random directions see together."""
    directions = random.normal(size=(VIEWS, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.flatnonzero(np.any([seen(points, normals, towards) for towards in directions], axis=0))


def evenly(points: Float[np.ndarray, "point 3"], count: int, random: np.random.Generator) -> np.ndarray:
    """Indices of `count` points, or all, spread evenly over the surface however densely it is sampled."""
    area = KDTree(points).query(points, k=min(5, len(points)))[0][:, -1] ** 2
    return random.choice(len(points), min(count, len(points)), replace=False, p=area / area.sum())
