"""The aperture meter: how far lips and lids are apart, read from the field itself.

A line is laid from flesh to flesh through the opening: down the upper lip and on along the way of the jaw between the
lips, an arc over the cornea between the lids. Where the posed distance changes sign along it is root-found; what lies
outside flesh from where the upper lip or lid ends to where flesh begins again is free, and its length is the opening
on that line. A line that does not run from flesh to flesh, or that meets none of the upper lip, is not in the opening
at all and counts as infinite. The
aperture of a column of lines is the smallest free length among them: the narrowest place decides whether lips are
closed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM

SDF = Callable[[Float[Tensor, "point 3"]], Float[Tensor, " point"]]
"""Posed signed distance in units, negative inside."""
MOUTH_LANDMARKS = ("subnasale", "lip_upper", "lip_lower", "teeth_front", "mouth_centre", "ear_left", "ear_right")
MOUTH_CORNERS = ("mouth_corner_left", "mouth_corner_right")
LIP_LINE_SHARE = 0.95
"""The line of the lips ends at this share of the way to the corners: beyond, a corner a little off is cheek."""
BEHIND_CORNERS_MM = 2.0
"""How far behind the corners of the mouth the hindmost lines through them would lie."""
JAW_WAY_MM = 80.0
"""How far lines follow the jaw from the rest position of the lips."""
COARSEST = 8
"""Every so many samples of a divided line are always asked for; a power of two."""
BEFORE_TEETH_MM = 1.0
"""How far before the teeth the hindmost lines lie: a learnt head's teeth, and where it takes them to be, are a little
off, and a line that meets a tooth is blocked."""
LIP_TRAVEL_MM = 10.0
"""How far below its rest position the upper lip may end; what opens lower is the fold under the lower lip."""
LIP_MARGIN_MM = 2.0
"""How far below the line of the lips at rest an upper lip that is pushed forward may begin."""
LIP_SHARE = 0.5
"""What begins within this share of the upper lip's height is it, whatever lies behind."""
PUSHED_MM = 10.0
"""How much farther forward than at rest the lips of anybody come in a pucker."""
ARC_REACH, ARC_SAMPLES = 1.2, 81
"""Arcs over the cornea: radians up and down, and samples (about 0.4 mm apart)."""
CORNEA = 1.06
"""Distance of the cornea from the eyeball's centre, in radii of the sphere: a bulge of about 1 mm."""
CORNEA_REACH = 0.5
"""Flesh that an arc enters and leaves again within this angle of the straight look, in radians, is the cornea of
somebody whose own stands out further than the mean, and no lid."""
LID_REACH = 0.85
"""Angle from the straight look, in radians, by which every lid has begun, wide eyes included."""
HALVINGS = 3
"""Of a bracket of half a millimetre or less, before its last linear step: 0.06 mm, and the field is straight there."""
STEEPEST = 2.0
"""Most that a posed distance changes on the way between two points, over the way: stretched skin steepens it."""


@dataclass(frozen=True)
class Lines:
    """Polylines laid through an opening, from one lip or lid to the other; the last axis of lines is their depth."""

    points: Float[np.ndarray, "*line sample 3"]
    first_by: int
    """Sample before or at which flesh must have begun; otherwise the line is not in the opening."""
    hangs_by: int
    """Up to this sample flesh may also begin where it hangs from that of the line behind: lips that are pushed forward
    begin low, but so does a lower lip that lies before the upper one, and it hangs from nothing."""
    opens_by: int
    """Sample before or at which an opening must have begun; one that begins later does not count."""
    behind: tuple[int, int] = (0, 0)
    """What is entered and left again between these samples lies behind the opening and is no edge of it."""


@dataclass(frozen=True)
class Probe:
    """Columns of lines through one opening of one identity."""

    lines: Lines
    """Points are [column depth sample 3]."""

    def apertures(self, sdf: SDF) -> Float[np.ndarray, " column"]:
        """Free length of every column in millimetres; NaN where no line of the column runs from flesh to flesh."""
        return narrowest(free_length_mm(sdf, self.lines))

    def over(self, sdfs: Iterable[SDF]) -> Float[np.ndarray, "frame column"]:
        """`apertures` of many frames, each given by its own posed distance."""
        return np.stack([self.apertures(sdf) for sdf in sdfs])


def mouth_probe(
    landmarks: Mapping[str, Float[np.ndarray, "3"]], *, columns: int = 5, half_width_mm: float = 6.0,
    step_mm: float = 1.0, pushed_mm: float = PUSHED_MM,
) -> Probe:  # fmt: skip
    """Lines down from the subnasale and, from the lips on, along the arc of the jaw about the ears.

    They lie from just before the teeth to just before the lips, and on to where lips that are pushed forward (pucker,
    funnel) may touch; those may begin in the air before the upper lip.

    Args:
        landmarks: those of `MOUTH_LANDMARKS`, of the identity at rest, in units.
        columns: places across the mouth, the middle one at its centre.
        half_width_mm: of the outermost columns from the centre.
        step_mm: between depths, and between samples of a line.
        pushed_mm: how much farther forward than at rest lips are looked for; with 0 pushed lips read too open.

    Raises:
        InputError: a landmark is missing.
    """
    at = {name: _point(landmarks, name) for name in MOUTH_LANDMARKS}
    step, teeth = step_mm / UNIT_MM, at["teeth_front"][2]
    front = _lips_front(at, step, pushed_mm)
    depths = np.maximum(np.arange(teeth + 0.5 / UNIT_MM, front, step), teeth + BEFORE_TEETH_MM / UNIT_MM)
    across = at["mouth_centre"][0] + np.linspace(-half_width_mm, half_width_mm, columns) / UNIT_MM
    return Probe(_mouth_lines(at, across, np.broadcast_to(depths, (columns, len(depths))), step_mm))


def lip_line_probe(
    landmarks: Mapping[str, Float[np.ndarray, "3"]], *, columns: int = 21, share: float = LIP_LINE_SHARE,
    step_mm: float = 1.0,
) -> Probe:  # fmt: skip
    """`mouth_probe` along the whole line of the lips: lines lie farther back the nearer they are to a corner.

    Args:
        landmarks: those of `MOUTH_LANDMARKS` and both corners of the mouth, of the identity at rest, in units.
        columns: places from one corner to the other.
        share: of the way from the middle to the corners.
        step_mm: between samples of a line, and, or less, between depths.

    Raises:
        InputError: a landmark is missing.
    """
    at = {name: _point(landmarks, name) for name in (*MOUTH_LANDMARKS, *MOUTH_CORNERS)}
    step, pushed = step_mm / UNIT_MM, PUSHED_MM / UNIT_MM
    left, right = (at[name] for name in MOUTH_CORNERS)
    middle, reach, corner = (left[0] + right[0]) / 2, abs(left[0] - right[0]) / 2, (left[2] + right[2]) / 2
    back, front = at["teeth_front"][2] + BEFORE_TEETH_MM / UNIT_MM, _lips_front(at, step, PUSHED_MM)
    out = np.linspace(-share, share, columns)
    first = back + (min(corner - BEHIND_CORNERS_MM / UNIT_MM, back) - back) * out**2
    last = front + (corner + pushed - front) * out**2
    depths = np.linspace(first, last, int(np.ceil((front - back) / step)) + 1, axis=1)
    return Probe(_mouth_lines(at, middle + out * reach, depths, step_mm))


def _lips_front(at: Mapping[str, Float[np.ndarray, "3"]], step: float, pushed_mm: float) -> float:
    """How far forward lips are looked for."""
    return max(at["lip_upper"][2], at["lip_lower"][2]) + 2 * step + pushed_mm / UNIT_MM


def _mouth_lines(
    at: Mapping[str, Float[np.ndarray, "3"]],
    across: Float[np.ndarray, " column"],
    depths: Float[np.ndarray, "column depth"],
    step_mm: float,
) -> Lines:
    """Lines through the mouth at so many places across it, each at its own depths; all but `step_mm` in units."""
    step, centre = step_mm / UNIT_MM, at["mouth_centre"]
    hinge = (at["ear_left"] + at["ear_right"]) / 2
    above = np.arange(at["subnasale"][1], centre[1], -step)
    profile = np.stack([[_jaw_line(z, above, centre[1], hinge, step) for z in column] for column in depths])
    points = np.empty((*profile.shape[:-1], 3), np.float32)
    points[..., 0], points[..., 1:] = across[:, None, None], profile
    first_by, lips = round(LIP_SHARE * len(above)), len(above)
    margin, travel = round(LIP_MARGIN_MM / step_mm), round(LIP_TRAVEL_MM / step_mm)
    return Lines(points, first_by, lips + margin, lips + travel)


def _jaw_line(
    z: float, above: Float[np.ndarray, " upper"], height: float, hinge: Float[np.ndarray, "3"], step: float
) -> Float[np.ndarray, "sample 2"]:
    """(y, z) of one line: upright at depth `z` down to `height`, then round the hinge."""
    arm = np.array([height, z]) - hinge[1:]
    radius = np.hypot(*arm)
    angle = np.arctan2(arm[0], arm[1]) - np.arange(0, JAW_WAY_MM / UNIT_MM, step) / radius
    below = hinge[1:] + radius * np.stack([np.sin(angle), np.cos(angle)], 1)
    return np.concatenate([np.stack([above, np.full_like(above, z)], 1), below])


def eye_probe(
    centre: Float[np.ndarray, "3"], radius: float, *, columns: int = 3, half_angle: float = 0.15,
    depths_mm: Sequence[float] = (0.1, 0.4, 0.7, 1.0),
) -> Probe:  # fmt: skip
    """Upright arcs just in front of one eyeball, from the upper lid to the lower.

    Args:
        centre: of the eyeball, in units.
        radius: of the sphere fitted to the eyeball, in units; the cornea stands out from it by `CORNEA`.
        columns: arcs side by side.
        half_angle: of the outermost arcs from the straight look, in radians.
        depths_mm: distances of the arcs from the cornea, all within the thickness of the lids.
    """
    pitch = np.linspace(ARC_REACH, -ARC_REACH, ARC_SAMPLES)
    yaw, depth, pitch_at = np.meshgrid(
        np.linspace(-half_angle, half_angle, columns), np.asarray(depths_mm), pitch, indexing="ij"
    )
    way = np.stack([np.sin(yaw) * np.cos(pitch_at), np.sin(pitch_at), np.cos(yaw) * np.cos(pitch_at)], -1)
    points = np.asarray(centre) + (radius * CORNEA + depth[..., None] / UNIT_MM) * way
    first, above, below, last = np.searchsorted(-pitch, [-LID_REACH, -CORNEA_REACH, CORNEA_REACH, LID_REACH]).tolist()
    return Probe(Lines(points.astype(np.float32), first, first, last, (above, below)))


def free_length_mm(sdf: SDF, lines: Lines) -> Float[np.ndarray, "*line"]:
    """Length of each line's openings, crossings found to better than 0.1 mm.

    An opening is a stretch outside flesh that begins behind flesh, no later than `lines.opens_by`; what `lines.behind`
    tells of is no flesh. The length is infinite where flesh begins too late (`entered`) or an opening does not end in
    flesh. Between samples the distance is asked again wherever it is small enough for a gap or wall to hide there.
    """
    shape = lines.points.shape[:-2]
    points = torch.from_numpy(np.ascontiguousarray(lines.points, np.float32)).reshape(-1, *lines.points.shape[-2:])
    with torch.no_grad():
        points, values = _divided(sdf, points)
        t = _crossings(sdf, points[:, :-1], points[:, 1:], values)
    spans = (points[:, 1:] - points[:, :-1]).norm(dim=-1) * UNIT_MM
    flesh = values < 0
    flesh &= ~_behind(flesh, 2 * lines.behind[0], 2 * lines.behind[1])
    a, b = flesh[:, :-1], flesh[:, 1:]
    share = torch.where(a & b, 0.0, torch.where(a, 1 - t, torch.where(b, t, 1.0)))
    place = torch.arange(flesh.shape[1])
    left = torch.where(flesh, place, -1).cummax(1).values  # where flesh was last met
    opening = (left >= 0) & (left <= 2 * lines.opens_by)
    free = (share * spans * opening[:, :-1]).sum(1)
    begun = torch.where(flesh.any(1), flesh.float().argmax(1), torch.inf)
    out = ~flesh & (place > begun[:, None])
    until = torch.where(out.any(1), out.float().argmax(1), flesh.shape[1])
    ended = flesh[:, -1] | ~opening[:, -1]
    inside = entered(begun.numpy().reshape(shape) / 2, until.numpy().reshape(shape) / 2, lines)
    return np.where(inside & ended.numpy().reshape(shape), free.numpy().reshape(shape), np.inf)


def entered(
    begun: Float[np.ndarray, "*line"], until: Float[np.ndarray, "*line"], lines: Lines
) -> Bool[np.ndarray, "*line"]:
    """Which lines come into the opening from the upper lip or lid.

    Args:
        begun: the sample at which flesh first begins; infinite where there is none.
        until: the sample at which that flesh ends.
        lines: where it may begin.
    """
    inside = begun <= lines.first_by
    for depth in range(1, begun.shape[-1]):
        low = np.minimum(until[..., depth - 1], lines.hangs_by)
        inside[..., depth] |= inside[..., depth - 1] & (begun[..., depth] <= low)
    return inside


def narrowest(free: Float[np.ndarray, "*lead column depth"]) -> Float[np.ndarray, "*lead column"]:
    """Smallest free length of each column; NaN where every line of it is infinite."""
    least = free.min(-1)
    return np.where(np.isinf(least), np.nan, least)


def _divided(sdf: SDF, points: Tensor) -> tuple[Tensor, Tensor]:
    """`points` with the middles of all spans added, and the values at all of them, asked for from coarse to fine.

    Where a span can hide no gap or wall, what is between its ends is not asked but interpolated.
    """
    middles = (points[:, 1:] + points[:, :-1]) / 2
    points = torch.stack([points, torch.cat([middles, points[:, -1:]], 1)], 2).flatten(1, 2)[:, :-1]
    last = (points.shape[1] - 1) // COARSEST * COARSEST
    values = torch.empty(points.shape[:2])
    first = [*range(0, last, COARSEST), *range(last, points.shape[1])]
    values[:, first] = _ask(sdf, points[:, first])
    steps = (points[:, 1:] - points[:, :-1]).norm(dim=-1).max(1).values[:, None]
    stride = COARSEST // 2
    while stride:
        middle = torch.arange(stride, last, 2 * stride)
        before, after = values[:, middle - stride], values[:, middle + stride]
        between = (before + after) / 2
        hidden = _may_hide(before, after, 2 * stride * steps)
        if hidden.any():
            between[hidden] = sdf(points[:, middle][hidden]).float().cpu()
        values[:, middle] = between
        stride //= 2
    return points, values


def _may_hide(before: Tensor, after: Tensor, span: Tensor) -> Tensor:
    """Whether a surface may lie between two points `span` apart, distances changing by no more than `STEEPEST`."""
    return (before.abs() + after.abs() < STEEPEST * span) | ((before < 0) != (after < 0))


def _behind(flesh: Tensor, first: int, last: int) -> Tensor:
    """Which samples are of flesh that begins and ends between two of them."""
    place, count = torch.arange(flesh.shape[1]), flesh.shape[1]
    before = torch.where(flesh, -1, place).cummax(1).values
    after = torch.where(flesh, count, place).flip(1).cummin(1).values.flip(1)
    return flesh & (before >= first) & (after <= last)


def _crossings(sdf: SDF, start: Tensor, stop: Tensor, values: Tensor) -> Tensor:
    """Place of the sign change in every span, 0 … 1 (½ where there is none)."""
    t = torch.full(start.shape[:2], 0.5)
    change = (values[:, 1:] >= 0) != (values[:, :-1] >= 0)
    if not change.any():
        return t
    a, b, fa, fb = start[change], stop[change], values[:, :-1][change], values[:, 1:][change]
    low, high = torch.zeros(len(a)), torch.ones(len(a))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        value = sdf(a + middle[:, None] * (b - a)).float().cpu()
        same = (value >= 0) == (fa >= 0)
        low, fa = torch.where(same, middle, low), torch.where(same, value, fa)
        high, fb = torch.where(same, high, middle), torch.where(same, fb, value)
    t[change] = low + (high - low) * fa / (fa - fb)
    return t


def _ask(sdf: SDF, points: Tensor) -> Tensor:
    return sdf(points.reshape(-1, 3)).float().cpu().reshape(points.shape[:-1])


def _point(landmarks: Mapping[str, Float[np.ndarray, "3"]], name: str) -> np.ndarray:
    if name not in landmarks:
        raise InputError(f"the identity has no landmark {name!r}; the aperture meter needs it")
    return np.asarray(landmarks[name], np.float64)
