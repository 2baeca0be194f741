"""Rows of teeth as meshes of their own: crowns set along an arch, and the gums they stand in.

A field shows teeth as rags where lips lie on them. Teeth are hard, and alike on everybody but for the arch they stand
on: the arch is fitted to the points that a head says are teeth, and crowns of usual proportions (Wheeler's Dental
Anatomy) are set along it. Lengths are millimetres, y points up, z to the front.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from facetalk.compiled import kernel

SIDE_DEGREES = 84.0
"""Rows of teeth end at this angle from the front, seen from the middle of the arch."""
DEPTH_MM = 40.0
"""From the front teeth back to the middle of the arch."""
BINS, DEGREE, FEWEST = 28, 4, 6
"""Angles at which the arch is read, degree of its curves, and how many points an angle must show."""
OUTER, RIM = 0.98, 0.04
"""Quantiles that stand for the outer face, and for the edge and the gum."""
WITHIN_MM = 0.6
"""Edges lie this far beyond the points that stand for them, which are points within teeth."""
CROWN_MM = (4.0, 16.0)
"""Crowns lower or higher than that are none."""
THIRD = 0.35
"""Share of the height of a crown that counts as its edge, and as its neck."""
ROUND_SIDES, BOXY = 12, 2.5
"""Corners of a section through a crown, and the exponent of its superellipse."""
LEVELS = (-0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 0.94, 1.0)
"""Sections from under the gum to the edge, in heights of the crown."""
ALONG = 4
"""Places along the gum at each tooth."""
HIDDEN_MM, DEEP_MM, SHORTER_MM = np.float32(3), np.float32(9), np.float32(1.5)
"""How far behind the face of a tooth is drawn what is in its way, how deep nothing is, and how far edges are drawn."""
LEAST, LOW, HIGH, MOST = np.float32(-0.35), np.float32(0), np.float32(1.05), np.float32(1.25)
"""Heights in crowns between which that is done: from none to all, and back."""


@dataclass(frozen=True)
class Crown:
    """The usual measures of one tooth."""

    width: float
    neck: float
    """From the outer to the inner face at the gum."""
    edge: float
    """The same at the edge."""
    point: float
    """Width of the edge as a share of the width."""
    short: float = 0.0
    """How much shorter it is than its neighbours."""


UPPER = (
    Crown(8.6, 7.0, 1.5, 0.94), Crown(6.6, 6.2, 1.5, 0.92, 0.4), Crown(7.6, 8.0, 1.9, 0.5, -0.1),
    Crown(7.1, 8.6, 4.5, 0.66, 0.5), Crown(6.8, 8.8, 5.0, 0.68, 0.7), Crown(10.2, 10.0, 7.5, 0.84, 0.9),
    Crown(9.6, 10.0, 7.5, 0.84, 1.1),
)  # fmt: skip
LOWER = (
    Crown(5.3, 6.0, 1.3, 0.92), Crown(5.9, 6.3, 1.3, 0.90, 0.1), Crown(6.9, 7.6, 1.8, 0.45, -0.4),
    Crown(7.1, 7.6, 4.5, 0.66, 0.4), Crown(7.1, 8.0, 5.0, 0.70, 0.6), Crown(11.0, 9.8, 7.5, 0.86, 0.8),
    Crown(10.5, 9.8, 7.5, 0.86, 0.9),
)  # fmt: skip
"""From the midline outwards."""


@dataclass(frozen=True)
class Arch:
    """The place of one row of teeth: curves by the angle from the front, polynomials lowest power first."""

    x: float
    z: float
    """The middle of the arch."""
    at_edge: Float[np.ndarray, " power"]
    at_neck: Float[np.ndarray, " power"]
    """How far the outer face stands from the middle, at the edge of the teeth and at the gum."""
    edge: Float[np.ndarray, " power"]
    neck: Float[np.ndarray, " power"]
    """Heights of the edge and of the gum."""

    @classmethod
    def fitted(cls, points: Float[np.ndarray, "point 3"], *, upper: bool) -> "Arch | None":
        """The arch of teeth of which points are known; None where these are too few."""
        x, z = 0.0, float(np.quantile(points[:, 2], 0.995)) - DEPTH_MM if len(points) else 0.0
        angle = np.degrees(np.arctan2(points[:, 0] - x, points[:, 2] - z))
        away = np.hypot(points[:, 0] - x, points[:, 2] - z)
        centres = (np.arange(BINS) + 0.5) / BINS * 2 * SIDE_DEGREES - SIDE_DEGREES
        rows = []
        for centre in centres:
            here = np.abs(angle - centre) < SIDE_DEGREES / BINS * 1.2
            if here.sum() < FEWEST:
                continue
            low, high = np.quantile(points[here, 1], (RIM, 1 - RIM))
            edge, neck = (low - WITHIN_MM, high) if upper else (high + WITHIN_MM, low)
            share = (points[here, 1] - neck) / (edge - neck if abs(edge - neck) > 1 else 1.0)
            ends = [away[here][share > 1 - THIRD], away[here][share < THIRD]]
            if min(len(end) for end in ends) < 2:
                continue
            rows.append((np.radians(centre), *(np.quantile(end, OUTER) for end in ends), edge, neck))
        if len(rows) < BINS // 2:
            return None
        table = np.array(rows)
        crown = np.median(table[:, 4] - table[:, 3]) * (1 if upper else -1)
        if not CROWN_MM[0] < crown < CROWN_MM[1]:
            return None
        curves = [np.polynomial.polynomial.polyfit(table[:, 0], table[:, n], DEGREE) for n in (1, 2, 3, 4)]
        return cls(x, z, *curves)

    def at(self, angle: Float[np.ndarray, " place"]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Distances of edge and neck from the middle, and their heights."""
        value = np.polynomial.polynomial.polyval
        return (
            value(angle, self.at_edge),
            value(angle, self.at_neck),
            value(angle, self.edge),
            value(angle, self.neck),
        )

    def table(self) -> Float[np.ndarray, "5 power"]:
        """What `clear` reads: the four curves, then the middle of the arch and zeros."""
        rows = np.zeros((5, DEGREE + 1), np.float32)
        for row, curve in zip(rows, (self.at_edge, self.at_neck, self.edge, self.neck), strict=False):
            row[:] = curve
        rows[4, :2] = self.x, self.z
        return rows

    @cached_property
    def _line(self) -> tuple[np.ndarray, np.ndarray]:
        """Angles from the front to one side, and how far along the arch they lie."""
        angle = np.radians(np.linspace(0, SIDE_DEGREES, 200))
        away = 0.5 * (self.at(angle)[0] + self.at(-angle)[0])
        steps = np.hypot(np.diff(away * np.sin(angle)), np.diff(away * np.cos(angle)))
        return angle, np.concatenate([[0.0], steps.cumsum()])

    def bounds(self, crowns: tuple[Crown, ...]) -> Float[np.ndarray, " bound"]:
        """Angles between teeth of one side, so that all of them fill the arch."""
        angle, along = self._line
        widths = np.concatenate([[0.0], np.cumsum([crown.width for crown in crowns])])
        return np.interp(widths * along[-1] / widths[-1], along, angle)


def dentition(arch: Arch, crowns: tuple[Crown, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices and faces of both sides of a row of teeth with its gum, and which of the vertices are gum."""
    bounds = arch.bounds(crowns)
    pieces = [
        _crown(arch, crown, side * first, side * last)
        for side in (1, -1)
        for crown, (first, last) in zip(crowns, pairwise(bounds), strict=True)
    ]
    teeth = sum(len(vertices) for vertices, _ in pieces)
    pieces.append(_gum(arch, bounds))
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in pieces[:-1])])
    vertices = np.concatenate([vertices for vertices, _ in pieces])
    faces = np.concatenate([faces + start for (_, faces), start in zip(pieces, starts, strict=True)])
    return vertices, faces.astype(np.int32), np.arange(len(vertices)) >= teeth


def _crown(arch: Arch, crown: Crown, first: float, last: float) -> tuple[np.ndarray, np.ndarray]:
    """One tooth between two angles."""
    middle = (first + last) / 2
    at_edge, at_neck, edge, neck = (float(found[0]) for found in arch.at(np.array([middle])))
    ends, around = np.array([first, last]), arch.at(np.array([first, last]))[0]
    ends = np.stack([arch.x + around * np.sin(ends), arch.z + around * np.cos(ends)], 1)
    along = ends[1] - ends[0]
    width = float(np.linalg.norm(along))
    along = along / width
    out = np.array([-along[1], along[0]])
    if out @ (np.sin(middle), np.cos(middle)) < 0:
        out = -out
    foot = np.array([arch.x, arch.z]) + at_edge * np.array([np.sin(middle), np.cos(middle)])
    up = 1.0 if edge > neck else -1.0
    edge -= up * crown.short
    turn = 2 * np.pi * np.arange(ROUND_SIDES) / ROUND_SIDES
    wave = np.stack([np.cos(turn), np.sin(turn)], 1)
    section = np.sign(wave) * np.abs(wave) ** (2 / BOXY)
    rings = []
    for height in LEVELS:
        share = min(max(height, 0.0), 1.0)
        half = 0.5 * width * np.interp(share, (0, 0.6, 0.85, 1), (0.8, 1.0, 0.55 + 0.45 * crown.point, crown.point))
        thick = crown.neck + (crown.edge - crown.neck) * share ** (1.0 if crown.edge < 3 else 3.0)
        thick *= 0.8 if height == 1 else 1.0
        face = (at_neck - at_edge) * (1 - share) + 0.35 * np.sin(np.pi * share) - (0.25 if height == 1 else 0.0)
        place = foot + section[:, :1] * half * along + ((section[:, 1:] - 1) * 0.5 * thick + face) * out
        level = neck + (edge - neck) * height
        rings.append(np.stack([place[:, 0], np.full(ROUND_SIDES, level), place[:, 1]], 1))
    tip = rings[-1].mean(0, keepdims=True) + np.array([0, 0.15 * up, 0])
    vertices = np.concatenate([*rings, tip])
    ring = np.arange(ROUND_SIDES)
    after = (ring + 1) % ROUND_SIDES
    faces = [_band(n * ROUND_SIDES + ring, n * ROUND_SIDES + after, ROUND_SIDES) for n in range(len(LEVELS) - 1)]
    top = (len(LEVELS) - 1) * ROUND_SIDES
    faces.append(np.stack([top + ring, top + after, np.full(ROUND_SIDES, len(vertices) - 1)], 1))
    return vertices, _outwards(vertices, np.concatenate(faces), lambda middle: middle - vertices.mean(0))


def _gum(arch: Arch, bounds: Float[np.ndarray, " bound"]) -> tuple[np.ndarray, np.ndarray]:
    """The outer face of the gum: scalloped along the teeth, a soft roll, and some millimetres towards the root."""
    share = np.arange(ALONG) / ALONG
    side = np.concatenate([*(a + share * (b - a) for a, b in pairwise(bounds)), bounds[-1:]])
    between = np.concatenate([*(np.abs(2 * share - 1) for _ in bounds[:-1]), [1.0]])
    angle, between = np.concatenate([-side[:0:-1], side]), np.concatenate([between[:0:-1], between])
    _, at_neck, edge, neck = arch.at(angle)
    up = np.sign(edge - neck)
    margin = neck + up * (2.2 * between**2 - 0.3)
    rows = []
    for back, away in ((0.0, -1.2), (-0.3, 0.35), (-1.6, 0.6), (-4.0, 0.3), (-7.0, -1.0)):
        out = at_neck + away
        rows.append(np.stack([arch.x + out * np.sin(angle), margin + up * back, arch.z + out * np.cos(angle)], 1))
    count = len(angle)
    line = np.arange(count - 1)
    faces = np.concatenate([_band(n * count + line, n * count + line + 1, count) for n in range(len(rows) - 1)])
    vertices = np.concatenate(rows)
    return vertices, _outwards(vertices, faces, lambda middle: middle - (arch.x, middle[:, 1].mean(), arch.z))


def _band(ring: Int[np.ndarray, " place"], after: Int[np.ndarray, " place"], step: int) -> np.ndarray:
    """Triangles between a line of vertices and the next, `step` later."""
    return np.concatenate([np.stack([ring, after, after + step], 1), np.stack([ring, after + step, ring + step], 1)])


def _outwards(
    vertices: Float[np.ndarray, "vertex 3"], faces: Int[np.ndarray, "face 3"], way: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Faces turned so that most look the `way` that their middles have."""
    a, b, c = (vertices[faces[:, n]] for n in range(3))
    agree = (np.cross(b - a, c - a) * way((a + b + c) / 3)).sum(1)
    return faces if (agree > 0).mean() > 0.5 else faces[:, [0, 2, 1]]


@kernel
def clear(points, rows, tooth, film, table, scale, centre, turn, shift):
    """Draw points that are in the way of a row of teeth behind its face; `points` is changed.

    Args:
        points: of a mesh, units.
        rows: which of them may be in the way.
        tooth: what share of each of these is tooth, whose edges are drawn back too.
        film: how far before the face of a tooth each still is in the way, millimetres.
        table: of the `Arch`.
        scale: millimetres of a unit.
        centre: where millimetres are counted from, units.
        turn: how the row is turned from where its arch was fitted.
        shift: how it is moved, units.
    """
    place = np.empty(3, np.float32)
    rooted = np.float32(1) if table[3, 0] > table[2, 0] else np.float32(-1)
    far = np.float32(SIDE_DEGREES * np.pi / 180)
    for n in range(len(rows)):
        v = rows[n]
        for i in range(3):
            place[i] = 0
            for j in range(3):
                place[i] += (points[v, j] - shift[j]) * turn[j, i]
            place[i] = (place[i] - centre[i]) * scale
        x, z = place[0] - table[4, 0], place[2] - table[4, 1]
        away = max(np.sqrt(x * x + z * z), np.float32(1))
        angle = min(max(np.arctan2(x, z), -far), far)
        at_edge, at_neck, edge, neck = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for p in range(table.shape[1] - 1, -1, -1):
            at_edge, at_neck = at_edge * angle + table[0, p], at_neck * angle + table[1, p]
            edge, neck = edge * angle + table[2, p], neck * angle + table[3, p]
        height = (place[1] - neck) / (edge - neck)
        if height <= LEAST or height >= MOST:
            continue
        before = away - at_neck - min(max(height, np.float32(0)), np.float32(1)) * (at_edge - at_neck)
        if before >= film[n] or before <= -DEEP_MM:
            continue
        amount = min((height - LEAST) / (LOW - LEAST), (MOST - height) / (MOST - HIGH), np.float32(1))
        amount *= min(np.float32(3) - np.float32(3) * before / film[n], np.float32(1))
        amount *= min((before + DEEP_MM) / HIDDEN_MM, np.float32(1))
        back = amount * max(before + HIDDEN_MM, np.float32(0)) / away
        place[0] -= back * x
        place[2] -= back * z
        place[1] += rooted * SHORTER_MM * amount * tooth[n]
        for i in range(3):
            place[i] = place[i] / scale + centre[i]
        for i in range(3):
            points[v, i] = shift[i]
            for j in range(3):
                points[v, i] += turn[i, j] * place[j]
