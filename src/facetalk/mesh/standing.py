"""What no expression reaches, as the back of the head and the ears: asked, meshed and settled once for all frames.

A lattice cell stands still when at none of its nodes anything moves, and so do the base cells in it and the surface
in them (`facetalk.mesh.isosurface.Standing`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int16
from torch import Tensor

from facetalk.compiled import kernel
from facetalk.mesh.grid import Grid
from facetalk.mesh.isosurface import Standing
from facetalk.mesh.lattice import touched_cells
from facetalk.types import Mesh, Region

Deform = Callable[[Float[Tensor, "point 3"]], tuple[Float[Tensor, "point 3"], Float[Tensor, " point"]]]
"""Posed points to (offsets to canonical points, level added to the canonical distance)."""
Axes = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Stillness:
    """Where expressions do not reach."""

    rest: Deform
    """The warp there, in every frame."""
    moves: Callable[[Float[Tensor, "point 3"]], Bool[Tensor, " point"]]
    """Whether expressions reach points."""


@dataclass(frozen=True)
class Rested:
    """All that frames have in common."""

    cells: Bool[np.ndarray, "i j k"]
    """Lattice cells that stand still."""
    warp: Float[np.ndarray, "x y z 4"]
    """At lattice nodes; NaN at those that belong to no such cell."""
    values: Float[np.ndarray, " node"]
    """Distances in them; NaN elsewhere."""
    owner: Int16[np.ndarray, "p q r"]
    """Base cells as they are divided, decided in them alone."""
    surface: Standing
    mesh: Mesh
    """Of `surface`, settled and cut, with regions and canonical places."""

    @classmethod
    def nothing(cls, grid: Grid, lattice: tuple[int, int, int]) -> "Rested":
        """Where anything may move; `lattice` counts its nodes."""
        x, y, z = lattice
        points = np.empty((0, 3), np.float32)
        mesh = Mesh(points, np.empty((0, 3), np.int32), np.empty((0, len(Region)), np.float32), None, points)
        return cls(
            np.zeros((x - 1, y - 1, z - 1), bool), np.full((x, y, z, 4), np.nan, np.float32),
            np.full(grid.layout.size, np.nan, np.float32), grid.layout.owner, Standing.nothing(grid), mesh,
        )  # fmt: skip


def still_cells(
    moves: Callable[[Float[Tensor, "point 3"]], Bool[Tensor, " point"]], axes: Axes, close: Bool[np.ndarray, "x y z"]
) -> Bool[np.ndarray, "i j k"]:
    """Lattice cells at none of whose nodes anything moves.

    Args:
        moves: whether expressions reach points.
        axes: coordinates of lattice nodes.
        close: nodes at the foci, which count as moving.
    """
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3).astype(np.float32)
    moving = moves(torch.from_numpy(nodes)).cpu().numpy().reshape(close.shape) | close
    return ~touched_cells(moving)


def base_cells(cells: Bool[np.ndarray, "i j k"], picks: Axes, shape: tuple[int, int, int]) -> Bool[np.ndarray, "x y z"]:
    """The base cells in lattice cells; `picks` are the base nodes that lattice nodes lie on, `shape` counts nodes."""
    held = [
        np.clip(np.searchsorted(p, np.arange(n), "right") - 1, 0, len(p) - 2) for p, n in zip(picks, shape, strict=True)
    ]
    found = cells[np.ix_(*held)]
    found[-1], found[:, -1], found[:, :, -1] = False, False, False  # the last layer of each axis is no cell
    return found


def within(values: Float[np.ndarray, " node"], grid: Grid, still: Bool[np.ndarray, "x y z"]) -> np.ndarray:
    """Distances at nodes of still base cells; NaN at all others."""
    kept = np.full_like(values, np.nan)
    for part in range(len(grid.patches) + 1):
        nodes, factor = grid.block(values, part), grid.part_factor(part)
        start = grid.patches[part - 1].start if part else (0, 0, 0)
        copy_cells(nodes, grid.block(kept, part), still, np.array(start), factor)
    return kept


@kernel
def copy_cells(nodes, kept, still, start, factor):
    """Copy the nodes of still base cells, `factor` cells along each."""
    for i in range((nodes.shape[0] - 1) // factor):
        for j in range((nodes.shape[1] - 1) // factor):
            for k in range((nodes.shape[2] - 1) // factor):
                if still[start[0] + i, start[1] + j, start[2] + k]:
                    a, b, c = i * factor, j * factor, k * factor
                    kept[a : a + factor + 1, b : b + factor + 1, c : c + factor + 1] = nodes[
                        a : a + factor + 1, b : b + factor + 1, c : c + factor + 1
                    ]
