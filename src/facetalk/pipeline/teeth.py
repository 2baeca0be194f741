"""Teeth of one person as a mesh of their own: found once in the canonical head, carried rigidly with every frame.

Upper teeth stand still in the skull, lower ones go with the jaw. What the head itself shows of teeth, and films between
teeth and lips, are drawn back behind them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.geometry import UNIT_MM, Box
from facetalk.mesh.dentition import LOWER, UPPER, Arch, Crown, clear, dentition
from facetalk.mesh.extract import ask, sample
from facetalk.mesh.grid import uniform_grid
from facetalk.mesh.normals import vertex_normals
from facetalk.types import Mesh, Region

Points = Float[Tensor, "point 3"]
Warp = Callable[[Points], tuple[Points, Float[Tensor, " point"]]]
"""Offsets and levels at posed points."""
Motion = tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]
"""A turn and a shift, units."""

BOX_MM = ((-36.0, -26.0, -52.0), (36.0, 17.0, 4.0))
"""Corners of the box round the middle of the lips where teeth are looked for."""
CELL_MM, IN_MM, OUT_MM = 1.8, 1.5, 0.1
"""Spacing of the points that are asked, and how far in and before the surface they count."""
TOOTH = 0.5
"""What share of a point is a tooth."""
SLOPES, MIDDLE = np.linspace(0.0, 0.3, 7), (0.15, 0.85)
"""How steeply the free room between the rows may rise to the back, and between which quantiles of points it lies."""
PROBES, ROUNDS, NEAR_MM = 32, 4, 0.5
"""Points that tell how the jaw moves, times they are asked at most, and when they have hardly moved any more."""
STRAY_MM = 1.0
"""A point that disagrees with the motion of the others by this counts half."""
FILM_MM, LIP_FILM_MM = np.float32(3.5), np.float32(2.6)
"""From how far before a tooth its face is cleared of a mouth's inside, and of films of lip."""
INSIDE = 0.3
"""What share of a vertex must be mouth or tooth."""
MM = np.float32(UNIT_MM)
STILL: Motion = np.eye(3, dtype=np.float32), np.zeros(3, np.float32)


@dataclass(frozen=True)
class Row:
    """One row of teeth in the canonical pose."""

    table: Float[np.ndarray, "5 power"]
    """Of its arch."""
    mesh: Mesh

    @classmethod
    def of(cls, points: Float[np.ndarray, "point 3"], crowns: tuple[Crown, ...], centre: np.ndarray) -> "Row | None":
        """The row whose teeth lie at points; None where these do not tell."""
        arch = Arch.fitted(points, upper=crowns is UPPER)
        if arch is None:
            return None
        places, faces, gum = dentition(arch, crowns)
        vertices = (places / UNIT_MM + centre).astype(np.float32)
        regions = np.zeros((len(vertices), len(Region)), np.float32)
        regions[:, Region.TEETH], regions[:, Region.MOUTH] = ~gum, gum
        return cls(arch.table(), Mesh(vertices, faces, regions, vertex_normals(vertices, faces), vertices))

    def moved(self, motion: Motion) -> Mesh:
        """The row in a pose."""
        turn, shift = motion
        assert self.mesh.normals is not None
        return replace(self.mesh, vertices=self.mesh.vertices @ turn.T + shift, normals=self.mesh.normals @ turn.T)


@dataclass(frozen=True)
class Teeth:
    """Both rows of one person."""

    upper: Row
    lower: Row
    centre: Float[np.ndarray, "3"]
    """The middle of the lips."""
    probes: Float[Tensor, "point 3"]
    """Canonical points of the lower row."""

    def worn(self, heads: Iterator[Mesh], warps: Iterator[Warp]) -> Iterator[Mesh]:
        """Meshes of consecutive frames with these teeth; `warps` are the deformations they are in."""
        motion = STILL
        for head, warp in zip(heads, warps, strict=True):
            motion = self.jaw(warp, motion)
            yield self.joined(head, motion)

    def jaw(self, warp: Warp, start: Motion) -> Motion:
        """How the jaw moved from the canonical pose, looked for from `start`."""
        motion = start
        for _ in range(ROUNDS):
            turn, shift = motion
            posed = self.probes @ torch.from_numpy(turn).T + torch.from_numpy(shift)
            came = (posed + warp(posed)[0].cpu()).numpy()
            motion = rigid(came, posed.numpy())
            if np.abs(came - self.probes.numpy()).mean() * UNIT_MM < NEAR_MM:
                break
        return motion

    def joined(self, head: Mesh, motion: Motion) -> Mesh:
        """A head with these teeth, its own behind them."""
        assert head.regions is not None
        tooth = head.regions[:, Region.TEETH]
        inside = tooth + head.regions[:, Region.MOUTH]
        rows = np.flatnonzero(inside + head.regions[:, Region.LIPS] > INSIDE)
        film = np.where(inside[rows] > INSIDE, FILM_MM, LIP_FILM_MM).astype(np.float32)
        vertices, regions = head.vertices.copy(), head.regions.copy()
        for row, (turn, shift) in ((self.upper, STILL), (self.lower, motion)):
            clear(vertices, rows, tooth[rows], film, row.table, MM, self.centre, turn, shift)
        regions[:, Region.MOUTH] += tooth
        regions[:, Region.TEETH] = 0
        parts = [replace(head, vertices=vertices, regions=regions), self.upper.moved(STILL), self.lower.moved(motion)]
        starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
        faces = [part.faces + start for part, start in zip(parts, starts, strict=True)]

        def together(name: str) -> np.ndarray:
            return np.concatenate([getattr(part, name) for part in parts], dtype=np.float32)

        return Mesh(
            together("vertices"), np.concatenate(faces, dtype=np.int32), together("regions"), together("normals"),
            None if head.canonical is None else together("canonical"),
        )  # fmt: skip


def found(
    canonical: Callable[[Points], Tensor], shares: Callable[[Points], Tensor], centre: Float[np.ndarray, "3"]
) -> Teeth | None:
    """The teeth that a canonical head shows behind its lips, whose middle is `centre`; None where it shows none."""
    low, high = np.divide(BOX_MM, UNIT_MM) + centre
    grid = uniform_grid(Box(tuple(low.tolist()), tuple(high.tolist())), round(float(np.ptp(BOX_MM, 0)[0]) / CELL_MM))
    distance = sample(canonical, grid) * UNIT_MM
    near = np.flatnonzero((distance > -IN_MM) & (distance < OUT_MM))  # false for NaN
    points = grid.nodes(0)[near]
    points = points[ask(shares, points)[:, Region.TEETH] > TOOTH]
    if len(points) < PROBES:
        return None
    placed = (points - centre) * UNIT_MM
    upper = parted(placed)
    rows = Row.of(placed[upper], UPPER, centre), Row.of(placed[~upper], LOWER, centre)
    if rows[0] is None or rows[1] is None:
        return None
    lower = points[~upper]
    probes = lower[np.linspace(0, len(lower) - 1, PROBES).astype(int)]
    return Teeth(rows[0], rows[1], centre.astype(np.float32), torch.from_numpy(probes).float())


def parted(points: Float[np.ndarray, "point 3"]) -> np.ndarray:
    """Which points of teeth belong to the upper row: both stand apart, a little more in front than at the back."""
    widest, upper = 0.0, np.zeros(len(points), bool)
    for slope in SLOPES:
        level = points[:, 1] + slope * (points[:, 2].max() - points[:, 2]) * -1
        order = np.sort(level)
        first, last = (int(share * (len(order) - 1)) for share in MIDDLE)
        gaps = np.diff(order[first : last + 1])
        at = int(gaps.argmax())
        if gaps[at] > widest:
            widest, upper = float(gaps[at]), level > order[first + at]
    return upper


def rigid(come: Float[np.ndarray, "point 3"], gone: Float[np.ndarray, "point 3"], rounds: int = 3) -> Motion:
    """The motion that carries points where they went (Kabsch 1976), those that disagree counting less."""
    weight = np.ones(len(come))
    turn, shift = STILL
    for _ in range(rounds):
        share = weight / weight.sum()
        from_, to = share @ come, share @ gone
        u, _, v = np.linalg.svd(((gone - to) * share[:, None]).T @ (come - from_))
        turn = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ v))]) @ v
        shift = to - turn @ from_
        off = np.linalg.norm(come @ turn.T + shift - gone, axis=1) * UNIT_MM
        weight = 1 / (1 + (off / STRAY_MM) ** 2)
    return turn.astype(np.float32), shift.astype(np.float32)
