"""Strands on the surface of hair: coordinates along and across them, and locks that stand out from the volume.

A volume of hair is smooth; what makes it hair runs along one direction. From that direction at every vertex follow two
coordinates by least squares, one that grows across strands and stays along them, one that grows along them.

At a parting strands lie side by side and run opposite ways, so what grows across them grows one way on one side and the
other way on the other, and would have to jump. Beyond a parting it is therefore counted backwards: then it goes on from
side to side, and folds far behind, along a strand, where nothing shows of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from facetalk.geometry import UNIT_MM

ALONG = 1.5
"""How much more it counts that the coordinate across is constant along strands than that it grows evenly across."""
PARTED = 0.8
"""Cosine between directions at the corners of a face below which strands part there."""
LEAST = 0.1
"""Weight of a face at a parting, whose directions mean nothing: coordinates are only smooth there."""
BESIDE_MM, OPPOSED, FEW = 12.0, 0.6, 4
"""Near a parting, so near to a place at it, more than a few strands run one way and more than a few the other."""
PLACES = 12
"""Places at which strands run opposite ways that make a parting."""
LEAN = 0.12
"""How much the coordinate across leans along strands on one side of a parting, so that sides are not mirror images."""
FOLD_MM = 40.0
"""Nearer to the fold it leans less."""


@dataclass(frozen=True)
class Groom:
    """What hair is like closer than its volume."""

    curl: float = 0.0
    wave: float = 0.1
    clump: float = 0.5
    """Amounts, 0 … 1."""


def strand_coordinates(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], ways: Float[np.ndarray, "vertex 3"]
) -> Float[np.ndarray, "vertex 2"]:
    """Millimetres across and along strands that run in direction `ways` over a surface."""
    corners = UNIT_MM * vertices[faces].astype(np.float64)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    double = np.maximum(np.linalg.norm(normal, axis=1), 1e-9)
    normal /= double[:, None]
    way = ways[faces]
    mean = way.mean(1)
    along = mean - (mean * normal).sum(1, keepdims=True) * normal
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
    edges = np.stack([corners[:, 2] - corners[:, 1], corners[:, 0] - corners[:, 2], corners[:, 1] - corners[:, 0]], 1)
    slopes = np.cross(normal[:, None], edges) / double[:, None, None]
    agree = np.min([(way[:, a] * way[:, b]).sum(1) for a, b in ((0, 1), (1, 2), (2, 0))], axis=0)
    weight = np.sqrt(0.5 * double) * np.clip((agree - PARTED) / (1 - PARTED), LEAST, 1)
    known = (agree > PARTED).astype(float)
    rows = np.einsum("fck,fk->fc", slopes, along), np.einsum("fck,fk->fc", slopes, np.cross(normal, along))
    aside = _least_squares(faces, len(vertices), weight, (ALONG * rows[0], rows[1]))
    across, length = aside(0 * known, known), _least_squares(faces, len(vertices), weight, rows)(known, 0 * known)
    parted = np.unique(faces[agree < PARTED])
    middle = _parting(UNIT_MM * vertices, parted, ways, across)
    if middle is not None:
        off = across - middle
        side = np.where((off[faces] < 0).mean(1) > 0.5, -1.0, 1.0)
        lean = LEAN * np.clip(-off / FOLD_MM, 0, 1)
        across = aside(0 * known, side * known) + lean * (length - np.median(length[parted]))
    return np.stack([across, length], 1).astype(np.float32)


def _parting(
    places_mm: Float[np.ndarray, "vertex 3"],
    parted: Int[np.ndarray, " found"],
    ways: Float[np.ndarray, "vertex 3"],
    across: Float[np.ndarray, " vertex"],
) -> float | None:
    """What the coordinate across is in the middle of a parting; None where strands part nowhere."""
    tree, middles = KDTree(places_mm), []
    for near in tree.query_ball_point(places_mm[parted], BESIDE_MM) if len(parted) else ():
        here, values = ways[near], across[near]
        line = here @ np.linalg.eigh(here.T @ here)[1][:, -1]
        one, other = values[line > OPPOSED], values[line < -OPPOSED]
        if min(len(one), len(other)) > FEW:
            middles.append((np.median(one) + np.median(other)) / 2)
    return float(np.median(middles)) if len(middles) >= PLACES else None


def _least_squares(
    faces: np.ndarray, count: int, weight: np.ndarray, rows: tuple[np.ndarray, np.ndarray]
) -> Callable[[np.ndarray, np.ndarray], Float[np.ndarray, " vertex"]]:
    """Finds values at vertices from what their slopes along two directions of each face should be."""
    number = np.arange(2 * len(faces)).reshape(2, -1, 1).repeat(3, 2)
    values = np.stack(rows) * weight[:, None]
    matrix = coo_matrix((values.ravel(), (number.ravel(), np.tile(faces.ravel(), 2))), (2 * len(faces), count)).tocsc()
    system = (matrix.T @ matrix).tocsc()
    system.setdiag(system.diagonal() + 1e-5)
    solve = splu(system).solve
    return lambda first, second: solve(matrix.T @ np.concatenate([first * weight, second * weight]))


def swung(coordinates: Float[np.ndarray, "vertex 2"], groom: Groom) -> Float[np.ndarray, "vertex 2"]:
    """Coordinates in which wavy locks swing from side to side."""
    across, along = coordinates.T
    phase = 5.0 * smooth_noise(np.stack([across / 22, along / 160], 1))
    swing = 5.5 * groom.wave * np.sin(2 * np.pi * along / 46 + phase)
    return np.stack([across + swing, along], 1).astype(np.float32)


def stand_out(
    vertices: Float[np.ndarray, "vertex 3"], coordinates: Float[np.ndarray, "vertex 2"], groom: Groom
) -> Float[np.ndarray, " vertex"]:
    """How far, in millimetres, locks stand out from the volume or lie back in it."""
    across, along = coordinates.T
    locks = smooth_noise(np.stack([across / 7, along / 90], 1)) + 0.5 * smooth_noise(
        np.stack([across / 3.4, along / 60], 1)
    )
    height = 3.2 * groom.clump * (locks - 0.75)
    height += (
        3.0 * groom.wave * np.sin(2 * np.pi * along / 46 + 5.0 * smooth_noise(np.stack([across / 22, along / 160], 1)))
    )
    if groom.curl > 0.05:
        place = UNIT_MM * vertices
        coils = np.abs(2 * smooth_noise(place / 11) - 1) + 0.5 * np.abs(2 * smooth_noise(place / 5.5 + 31) - 1)
        height += 9.0 * groom.curl * (0.5 - coils)
    return height.astype(np.float32)


def smooth_noise(places: Float[np.ndarray, "place axis"]) -> Float[np.ndarray, " place"]:
    """Smooth noise between 0 and 1 in two or three dimensions, with features of size one."""
    low = np.floor(places)
    share = places - low
    share = share * share * (3 - 2 * share)
    total = np.zeros(len(places))
    for corner in range(2 ** places.shape[1]):
        bits = np.array([corner >> axis & 1 for axis in range(places.shape[1])])
        weight = np.where(bits, share, 1 - share).prod(1)
        total += weight * _scattered((low + bits).astype(np.int64))
    return total


def _scattered(whole: Int[np.ndarray, "place axis"]) -> Float[np.ndarray, " place"]:
    """A number between 0 and 1 for every whole place, without order."""
    mixed = (whole * np.array([73856093, 19349663, 83492791])[: whole.shape[1]]).sum(1).astype(np.uint64)
    mixed = ((mixed ^ (mixed >> np.uint64(13))) * np.uint64(1274126177)) & np.uint64(0xFFFFFFFF)
    return ((mixed ^ (mixed >> np.uint64(16))) & np.uint64(0xFFFF)).astype(float) / 65535
