"""Loose hair as guide curves that run over the skull, leave it where it falls away, and hang."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from facetalk.data.hair.combing import along_skin, combed, tie_place
from facetalk.data.hair.places import smooth_step
from facetalk.data.hair.skull import Skull
from facetalk.data.hair.styles import Style

STEP_MM = 4.0
LOOSE, FRINGE, TAIL = 420, 110, 46
"""Curves of each kind on one head."""
FACE_MM = 64.0
"""Half the width of the face that loose hair leaves free."""
LOWEST_MM = -130.0
"""Hair ends below the rim of the bust."""
LONGEST_MM = 420.0
EAR_ABOVE_CHIN_MM = 97.0
TIP_MM = 26.0
"""Over which curves grow thinner towards their tips."""


@dataclass(frozen=True)
class Guides:
    """Points along all curves."""

    points: Float[np.ndarray, "point 3"]
    ways: Float[np.ndarray, "point 3"]
    """Unit directions from root to tip."""
    radii: Float[np.ndarray, " point"]

    @classmethod
    def joined(cls, parts: "list[Guides]") -> "Guides":
        """Curves of all kinds together."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("points", "ways", "radii")))


@dataclass(frozen=True)
class Bundle:
    """Curves that are traced together."""

    starts: Float[np.ndarray, "curve 3"]
    first: Float[np.ndarray, "curve 3"]
    """Directions in which they leave."""
    lift: Float[np.ndarray, " curve"]
    """How far above the skin they lie."""
    length: Float[np.ndarray, " curve"]
    radius: float
    end: Float[np.ndarray, " curve"] | float = LOWEST_MM
    """Height below which they are cut."""


def grown(style: Style, skull: Skull, roots: Float[np.ndarray, "root 3"], random: np.random.Generator) -> Guides:
    """All curves of a style from `roots`, points of the scalp to choose from."""
    parts = []
    if style.hang > 0:
        parts.append(traced(loose(style, skull, roots, random), style, skull))
    if style.fringe > 0:
        parts.append(traced(fringe(style, skull, roots, random), style, skull, forward=True))
    if style.tail > 0:
        parts.append(traced(tail(style, skull, random), style, skull))
    nothing = Guides(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    return Guides.joined(parts) if parts else nothing


def loose(style: Style, skull: Skull, roots: np.ndarray, random: np.random.Generator) -> Bundle:
    """Hair that falls from the whole scalp."""
    marks = skull.marked(roots)
    kept = roots[(marks.scalp > 6) & (marks.place[:, 1] > 40)]
    starts = kept[random.choice(len(kept), LOOSE)]
    place = skull.marked(starts).place
    normals = skull.normals(starts, soft=True)
    lift = random.uniform(0.25, 1.0, LOOSE) * style.hang_spread
    length = np.full(LOOSE, LONGEST_MM)
    # Ends lie on a level, a little higher in front and uneven by some millimetres.
    end = skull.lowest + EAR_ABOVE_CHIN_MM - style.hang + 5 * random.normal(size=LOOSE)
    return Bundle(starts + 2 * normals, along_skin(combed(style, place), normals, 0.3), lift, length, 6.5, end)


def fringe(style: Style, skull: Skull, roots: np.ndarray, random: np.random.Generator) -> Bundle:
    """Hair from above the forehead that falls over it."""
    marks = skull.marked(roots)
    front = (marks.scalp > 2) & (marks.scalp < 34) & (np.abs(marks.place[:, 0]) < 46) & (marks.place[:, 2] > 0)
    kept = roots[front]
    starts = kept[random.choice(len(kept), FRINGE)]
    normals = skull.normals(starts, soft=True)
    way = np.stack([0.4 * style.sweep + 0.0 * starts[:, 0], 0 * starts[:, 0] - 0.3, 0 * starts[:, 0] + 1], 1)
    depth = skull.marked(starts).scalp
    length = depth + style.fringe * random.uniform(0.9, 1.06, FRINGE)
    return Bundle(starts + 2 * normals, along_skin(way, normals, 0.2), random.uniform(3, 8, FRINGE), length, 4.5)


def tail(style: Style, skull: Skull, random: np.random.Generator) -> Bundle:
    """Hair that hangs from a tie."""
    way = tie_place(style)[None]
    tie = way + skull.normals(way, soft=True) * (7 - skull.to_soft(way))[:, None]
    normal = skull.normals(tie, soft=True)[0]
    spread = random.normal(size=(TAIL, 3)) * 5.0
    first = 1.3 * normal + 0.3 * random.normal(size=(TAIL, 3)) + [0, 0.55, 0]
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    length = style.tail * random.uniform(0.85, 1.05, TAIL)
    return Bundle(tie + spread, first, random.uniform(12, 34, TAIL), length, 7.0)


def traced(bundle: Bundle, style: Style, skull: Skull, *, forward: bool = False) -> Guides:
    """Step along the comb and gravity, off the skin, until each curve has its length."""
    points, ways = bundle.starts.copy(), bundle.first.copy()
    steps = int(bundle.length.max() / STEP_MM) + 1
    track, course, alive = [], [], []
    for step in range(steps):
        track.append(points.copy())
        course.append(ways.copy())
        alive.append((step * STEP_MM < bundle.length) & (points[:, 1] > np.maximum(bundle.end, LOWEST_MM)))
        ways = _turned(points, ways, bundle, style, skull, forward=forward)
        points = points + STEP_MM * ways
    living = np.logical_and.accumulate(np.stack(alive))
    run = np.arange(steps)[:, None] * STEP_MM
    left = np.minimum(living.sum(0) * STEP_MM, bundle.length) - run
    # Curves that reach the rim of the bust are cut there and do not grow thinner.
    cut = np.stack(track)[np.maximum(living.sum(0) - 1, 0), np.arange(len(points)), 1] < LOWEST_MM + 12
    tip = np.where(cut, 1, 0.4 + 0.6 * np.clip(left / TIP_MM, 0, 1))
    radii = bundle.radius * tip * np.minimum(0.6 + run / 40, 1)
    return Guides(np.stack(track)[living], np.stack(course)[living], radii[living])


def _turned(
    points: np.ndarray, ways: np.ndarray, bundle: Bundle, style: Style, skull: Skull, *, forward: bool
) -> np.ndarray:
    off, normals = skull.to_soft(points), skull.normals(points, soft=True)
    near = smooth_step(14.0, 3.0, off - bundle.lift)
    pull = np.tile([0.0, -1.0, 0.0], (len(points), 1))
    if not forward and style.tail == 0:
        pull += (0.9 * near)[:, None] * combed(style, skull.marked(points).place)
        pull += _off_face(points, style)
    wanted = pull / np.maximum(np.linalg.norm(pull, axis=1, keepdims=True), 1e-6)
    turned = 0.68 * ways + 0.32 * wanted
    into = (turned * normals).sum(1)
    missing = np.clip((bundle.lift - off) / STEP_MM, -0.35, 0.8)
    lifted = np.maximum(into, missing) + np.where((near > 0) & (into > missing), near * (missing - into), 0) * 0.5
    turned = turned + (lifted - into)[:, None] * normals
    return turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6)


def _off_face(points: np.ndarray, style: Style) -> np.ndarray:
    """Aside and back, for hair that would fall over the face."""
    x, y, z = points.T
    before = smooth_step(-45, 0, z) * smooth_step(112, 80, y)
    inside = smooth_step(FACE_MM + style.framing + 8, FACE_MM + style.framing - 12, np.abs(x))
    push = np.zeros_like(points)
    push[:, 0] = np.sign(x) * 1.6 * before * inside
    push[:, 2] = -1.1 * before
    return push
