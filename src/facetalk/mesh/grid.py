"""Grids on which surfaces are extracted: a rectilinear base with refined patches where detail matters.

A grid only knows where its nodes are. The base covers a box with axes of any spacing; each patch divides a block of
base cells along every axis, `factor` times or fewer. Cells of all levels tile the box, and `facetalk.mesh.isosurface`
joins them without cracks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int16, Int32, Int64

from facetalk.errors import InputError
from facetalk.geometry import Box
from facetalk.mesh.finding import AX, GX, GZ, NX, NZ, OFFSET, SCALE, cell_table


@dataclass(frozen=True)
class Patch:
    """A block of base cells divided further."""

    start: tuple[int, int, int]
    """First base cell along each axis."""
    stop: tuple[int, int, int]
    """One past the last base cell along each axis."""
    coarser: int = 1
    """How many of the grid's finest cells make one of the patch's, along each axis."""
    aside: bool = False
    """Whether it is there for a thin shape that hardly moves, such as an ear, and not for what moves most."""

    def apart(self, other: "Patch", gap: int = 0) -> bool:
        """Whether at least `gap` base cells lie between the two, or a face or nothing at all when it is 0."""
        ends = zip(self.start, self.stop, other.start, other.stop, strict=True)
        return any(stop + gap <= begin or end + gap <= start for start, stop, begin, end in ends)


@dataclass(frozen=True)
class Layout:
    """Where every part (the base, then the patches) lies in flat node arrays; what compiled loops read."""

    parts: Int64[np.ndarray, "part 11"]
    coordinates: Float[np.ndarray, " coordinate"]
    """The axes of all parts, one after another."""
    owner: Int16[np.ndarray, "x y z"]
    """For each base cell the part that tiles it (0 is the base); the last layer of each axis is no cell and −1."""
    size: int
    """Nodes in all parts together."""


@dataclass(frozen=True)
class Grid:
    """A rectilinear grid with refined patches."""

    x: Float[np.ndarray, " x"]
    y: Float[np.ndarray, " y"]
    z: Float[np.ndarray, " z"]
    factor: int = 1
    """How many times the finest patches divide a base cell along each axis."""
    patches: tuple[Patch, ...] = ()

    @property
    def foci(self) -> list[int]:
        """Parts (patches counted from 1) where expressions move most."""
        return [part for part, patch in enumerate(self.patches, start=1) if not patch.aside]

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Node coordinates of the base along x, y, z."""
        return self.x, self.y, self.z

    @property
    def box(self) -> Box:
        """The box the grid covers."""
        return Box(tuple(float(a[0]) for a in self.axes), tuple(float(a[-1]) for a in self.axes))  # type: ignore[arg-type]

    def part_axes(self, part: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Node coordinates of part 0 (the base) or of patch `part` − 1."""
        return self._axes[part]

    @cached_property
    def _axes(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Node coordinates of all parts."""
        found = [self.axes]
        for part, patch in enumerate(self.patches, start=1):
            ends = zip(self.axes, patch.start, patch.stop, strict=True)
            x, y, z = (divided(axis[a : b + 1], self.part_factor(part)) for axis, a, b in ends)
            found.append((x, y, z))
        return found

    def part_factor(self, part: int) -> int:
        """How many times part 0 (the base) or patch `part` − 1 divides a base cell along each axis."""
        return self.factor // self.patches[part - 1].coarser if part else 1

    @cached_property
    def layout(self) -> Layout:
        """The grid as flat arrays."""
        axes = [self.part_axes(part) for part in range(len(self.patches) + 1)]
        shapes = np.array([[len(a) for a in part] for part in axes])
        sizes = shapes.prod(1)
        lengths = shapes.ravel().cumsum()
        parts = np.zeros((len(axes), 11), np.int64)
        parts[:, OFFSET] = sizes.cumsum() - sizes
        parts[:, NX : NZ + 1] = shapes
        parts[:, SCALE] = [self.factor, *(patch.coarser for patch in self.patches)]
        parts[:, AX:] = (lengths - shapes.ravel()).reshape(-1, 3)
        for row, patch in zip(parts[1:], self.patches, strict=True):
            row[GX : GZ + 1] = np.multiply(patch.start, self.factor)
        return Layout(parts, np.concatenate([a for part in axes for a in part]), self._owner(), int(sizes.sum()))

    def _owner(self) -> np.ndarray:
        owner = np.full([len(axis) for axis in self.axes], -1, np.int16)
        owner[:-1, :-1, :-1] = 0
        for index, patch in enumerate(self.patches, start=1):
            block = tuple(slice(a, b) for a, b in zip(patch.start, patch.stop, strict=True))
            if owner[block].any():
                raise InputError(f"patch {index} of the grid overlaps another or leaves the box; keep patches apart")
            owner[block] = index
        return owner

    @cached_property
    def finder(self) -> tuple[Int32[np.ndarray, " entry"], Int32[np.ndarray, "3"], np.ndarray, np.ndarray]:
        """What compiled loops find the cell by that holds a point (`facetalk.mesh.finding`), the base evenly spaced.

        Four numbers for each base node (`cell_table`), nodes along each axis, origin and inverse steps.

        Raises:
            InputError: the grid has too many nodes to be numbered.
        """
        if self.layout.size > np.iinfo(np.int32).max:
            raise InputError(
                f"a grid of {self.layout.size} nodes is too fine; use a lower --resolution or --mesh exact"
            )
        origin = np.array([axis[0] for axis in self.axes], np.float32)
        per_unit = np.array([(len(axis) - 1) / (axis[-1] - axis[0]) for axis in self.axes], np.float32)
        shape = np.array([len(axis) for axis in self.axes], np.int32)
        return cell_table(self.layout.parts, self.layout.owner), shape, origin, per_unit

    def block(self, values: np.ndarray, part: int) -> np.ndarray:
        """The numbers of a part, by x, y and z, as a view of those in the grid's flat order."""
        row = self.layout.parts[part]
        shape = row[NX : NX + 3]
        return values[row[OFFSET] : row[OFFSET] + shape.prod()].reshape(shape)

    def nodes(self, part: int) -> Float[np.ndarray, "node 3"]:
        """Coordinates of all nodes of a part, z running fastest."""
        return np.stack(np.meshgrid(*self.part_axes(part), indexing="ij"), -1).reshape(-1, 3)


def divided(axis: Float[np.ndarray, " node"], factor: int) -> Float[np.ndarray, " fine"]:
    """`axis` with every interval cut into `factor` equal ones."""
    steps = np.arange((len(axis) - 1) * factor + 1) / factor
    return np.interp(steps, np.arange(len(axis)), axis).astype(np.float32)


def uniform_grid(box: Box, resolution: int) -> Grid:
    """Cells as near to cubes as the box allows, `resolution` of them along its longest edge.

    Raises:
        InputError: `resolution` is below 2.
    """
    if resolution < 2:
        raise InputError(f"resolution {resolution}: a grid needs at least 2 cells along its longest edge")
    counts = np.maximum(np.rint(box.size / box.size.max() * resolution), 1).astype(int)
    axes = (np.linspace(a, b, n + 1, dtype=np.float32) for a, b, n in zip(box.lower, box.upper, counts, strict=True))
    return Grid(*axes)


def focused_grid(
    box: Box,
    resolution: int,
    focus: Sequence[tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray | float]],
    ratio: int = 4,
    asides: Sequence[tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray | float]] = (),
    aside_ratio: int = 1,
) -> Grid:
    """A uniform base with patches `ratio` times finer over every focus, a (centre, half width) pair in units.

    Foci that overlap share one patch. Over `asides` cells are only `aside_ratio` times finer, a divisor of `ratio`;
    their patches are cut short so that a base cell stays between them and every other.
    """
    base = uniform_grid(box, resolution)
    patches: list[Patch] = []
    for centre, half_width in focus:
        _insert(patches, _patch(base, np.asarray(centre, float), np.asarray(half_width, float)))
    for centre, half_width in asides if ratio > 1 and aside_ratio > 1 else ():
        patch = _patch(base, np.asarray(centre, float), np.asarray(half_width, float))
        _put_beside(patches, replace(patch, coarser=ratio // aside_ratio, aside=True))
    return Grid(*base.axes, factor=ratio, patches=tuple(patches)) if ratio > 1 else base


def _patch(base: Grid, centre: np.ndarray, half_width: np.ndarray) -> Patch:
    start, stop = [], []
    for axis, low, high in zip(base.axes, centre - half_width, centre + half_width, strict=True):
        first = int(np.clip(np.searchsorted(axis, low, "right") - 1, 0, len(axis) - 2))
        start.append(first)
        stop.append(int(np.clip(np.searchsorted(axis, high, "left"), first + 1, len(axis) - 1)))
    return Patch(tuple(start), tuple(stop))  # type: ignore[arg-type]


def _insert(patches: list[Patch], patch: Patch) -> None:
    """Add `patch`, swallowing those it overlaps until none is left."""
    for other in list(patches):
        if not patch.apart(other):
            patches.remove(other)
            start = np.minimum(patch.start, other.start).tolist()
            _insert(patches, Patch(tuple(start), tuple(np.maximum(patch.stop, other.stop).tolist())))
            return
    patches.append(patch)


def _put_beside(patches: list[Patch], patch: Patch) -> None:
    """Add what is left of `patch` when it keeps a base cell's distance from all others."""
    for other in patches:
        if not patch.apart(other, gap=1):
            patch = max(_shorter(patch, other), key=_cells)
    if _cells(patch) > 0:
        patches.append(patch)


def _shorter(patch: Patch, other: Patch) -> list[Patch]:
    """`patch` cut before or behind `other`, along each axis."""
    cut = []
    for axis in range(3):
        ends = {"start": (patch.start, other.stop[axis] + 1), "stop": (patch.stop, other.start[axis] - 1)}
        for name, (old, place) in ends.items():
            cut.append(replace(patch, **{name: (*old[:axis], place, *old[axis + 1 :])}))
    return cut


def _cells(patch: Patch) -> int:
    return int(np.prod(np.maximum(np.subtract(patch.stop, patch.start), 0)))
