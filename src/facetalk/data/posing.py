"""The corrected mesh: heads of any source whose eyes turn, lids close over the eyeball and lips seal.

What the raw blendshapes leave wrong is mended here, and the result is the truth that models are trained and
measured on: neutral lips stand apart (ICT's by 0.8 mm), lips and lids pass through each other, lids cut into the
eyeball, nostrils into each other, and the eyeballs do not turn with the eyeLook shapes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from facetalk.arkit import ARKIT_INDEX
from facetalk.data import contact
from facetalk.data.clearance import LidRoom, template_room
from facetalk.data.eyeballs import MILLIMETRE, Eyeball, LidCover, fit_sphere, gaze, rotation
from facetalk.data.nostrils import Nostrils
from facetalk.data.source import SIDES, HeadSource

PRESS = 0.15 * MILLIMETRE
"""How deep closed lips and lids stand in each other, so that they are sealed and not merely touching."""
CANONICAL_RIG = {"jawOpen": 0.25}
SHUT_JAW, SHUT_LIDS = 0.95, 0.8
"""Shares of closing from which on lips and lids are squeezed, where the source asks for it."""
SEAL_REACH = 6.0 * MILLIMETRE
"""How far from the contact line the flesh follows when lips or lids are drawn together."""


def rig_weights(**named: float) -> Float[np.ndarray, "52"]:
    """ARKit weights from names."""
    weights = np.zeros(len(ARKIT_INDEX))
    for name, value in named.items():
        weights[ARKIT_INDEX[name]] = value
    return weights


class Topology:
    """What is known of a source's mesh before any identity: the flaps of lips and lids, and the nostrils."""

    def __init__(self, source: HeadSource) -> None:
        self.source = source
        self.neighbours = contact.rings(len(source.neutral), source.parts.flesh)
        self.in_flesh = np.isin(np.arange(len(source.neutral)), source.parts.flesh)

    @cached_property
    def lips(self) -> contact.Flaps:
        """Upper and lower lip, told apart with the jaw open."""
        neutral, mark = self.source.neutral, self.source.marks.at
        opened = neutral + 0.5 * self.source.expressions[ARKIT_INDEX["jawOpen"]]
        corner = opened[mark(60, 64)].mean(axis=0)
        middle = neutral[mark(62, 66)].mean(axis=0)
        reach = np.array([30.0, 14.0, 22.0]) * MILLIMETRE
        near = (np.abs((neutral - middle) / reach) < 1).all(axis=1)
        return self._flaps(near, opened[:, 1] > corner[1])

    def lids(self, side: str) -> contact.Flaps:
        """Upper and lower lid, told apart by the line through the corners of the eye."""
        inner, outer = (42, 45) if side == "left" else (39, 36)
        neutral, eyeball = self.source.neutral, fit_sphere(self.source.neutral[self.source.parts.eyeballs[side]])
        chart = eyeball.chart(neutral)
        ends = chart[self.source.marks.at(inner, outer)]
        slope = (ends[1, 1] - ends[0, 1]) / (ends[1, 0] - ends[0, 0])
        line = ends[0, 1] + slope * (chart[:, 0] - ends[0, 0])
        span = np.sort(ends[:, 0])
        within = (chart[:, 0] > span[0] - 3 * MILLIMETRE) & (chart[:, 0] < span[1] + 3 * MILLIMETRE)
        near = within & (np.abs(chart[:, 1]) < 0.9 * eyeball.radius) & (chart[:, 2] < 1.35 * eyeball.radius)
        return self._flaps(near & (neutral[:, 2] > eyeball.centre[2]), chart[:, 1] > line)

    def _flaps(self, near: np.ndarray, above: np.ndarray) -> contact.Flaps:
        """Faces wholly near and wholly on one side."""
        near = near & self.in_flesh
        faces = self.source.parts.flesh
        upper = faces[(near & above)[faces].all(axis=1)]
        lower = faces[(near & ~above)[faces].all(axis=1)]
        return contact.Flaps(upper, lower, np.unique(upper), np.unique(lower), self.neighbours)

    @cached_property
    def eye_flaps(self) -> dict[str, contact.Flaps]:
        """Lids of both eyes."""
        return {side: self.lids(side) for side in SIDES}

    @cached_property
    def lid_room(self) -> dict[str, Float[np.ndarray, " vertex"]]:
        """Distances from both eyeballs that the mean head keeps, in their radii."""
        return {side: template_room(self.source, side) for side in SIDES}

    @cached_property
    def nostrils(self) -> Nostrils | None:
        """Where they end too near to each other; None of a source whose nostrils are sound."""
        ends = self.source.marks.nostril_ends
        return ends and Nostrils(self.source.neutral, self.source.parts.skin_faces, ends)


@dataclass(frozen=True)
class PosedHead:
    """A corrected head: vertices for the faces of its source."""

    vertices: Float[np.ndarray, "vertex 3"]
    source: HeadSource
    lids: tuple[LidCover, ...] = ()
    eyeballs: tuple[Eyeball, ...] = ()

    @property
    def faces(self) -> Int[np.ndarray, "face 3"]:
        """Faces of the source."""
        return self.source.faces


class SourceHead:
    """One person of a head source, posed by ARKit weights, corrected."""

    def __init__(self, topology: Topology, identity: Float[np.ndarray, " mode"]) -> None:
        self.topology, self.source, self.weights = topology, topology.source, identity
        unposed = self.source.unposed(identity)
        self.eyeballs = {side: fit_sphere(unposed[part]) for side, part in self.source.parts.eyeballs.items()}
        if topology.nostrils:
            unposed = unposed + topology.nostrils.parted(unposed)
        self.lid_room = {side: self._lid_room(side, unposed) for side in self.eyeballs}
        self.neutral = unposed
        sealed, squeezed = (self._seal_lips(unposed, further) for further in (0.0, self.source.squeeze))
        self.neutral, self.lip_squeeze = unposed + sealed, squeezed - sealed
        self.lid_closing = {side: self._close_lids(side, 0.0) for side in self.eyeballs}
        self.lid_squeeze = {
            side: self._close_lids(side, self.source.squeeze) - closing for side, closing in self.lid_closing.items()
        }

    def pose(self, weights: Float[np.ndarray, "52"]) -> PosedHead:
        """Vertices for ARKit weights; mouthClose is held to at most jawOpen."""
        weights = np.array(weights, np.float64)
        close, jaw = ARKIT_INDEX["mouthClose"], ARKIT_INDEX["jawOpen"]
        weights[close] = min(weights[close], weights[jaw])
        vertices = self.neutral + np.tensordot(weights, self.source.expressions, axes=1)
        vertices += _ramp(1 - (weights[jaw] - weights[close]), SHUT_JAW) * self.lip_squeeze
        for side in self.eyeballs:
            vertices = self._turn_eye(vertices, side, weights)
            vertices = self._lay_lids(vertices, side, weights[ARKIT_INDEX[f"eyeBlink{side.capitalize()}"]])
        vertices[:, 1] += contact.resolve(vertices, self.topology.lips, self.mouth_raster, press=PRESS)
        lids = tuple(LidCover.of(ball, vertices, self.topology.eye_flaps[side]) for side, ball in self.eyeballs.items())
        return PosedHead(vertices, self.source, lids, tuple(self.eyeballs.values()))

    @cached_property
    def canonical(self) -> PosedHead:
        """The pose that the identity network learns."""
        return self.pose(rig_weights(**CANONICAL_RIG))

    @cached_property
    def rest(self) -> PosedHead:
        """All weights zero: lips sealed, eyes open."""
        return self.pose(rig_weights())

    @cached_property
    def mouth_raster(self) -> contact.Raster:
        """The window in x and z over the lips, wide enough for every pose."""
        mark = self.source.marks.at
        corners = self.neutral[mark(60, 64)]
        front = self.neutral[mark(62)[0], 2]
        step = 0.35 * MILLIMETRE
        width = float(corners[1, 0] - corners[0, 0]) + 16 * MILLIMETRE
        lower = (float(corners[0, 0]) - 8 * MILLIMETRE, float(front) - 20 * MILLIMETRE)
        return contact.Raster(lower, (step, step), (int(width / step), int(32 * MILLIMETRE / step)))

    def _lid_room(self, side: str, unposed: Float[np.ndarray, "vertex 3"]) -> LidRoom:
        """How near the lids of one eye may come to its ball."""
        flaps = self.topology.eye_flaps[side]
        lids = np.concatenate([flaps.upper, flaps.lower])
        return LidRoom.of(
            self.eyeballs[side], unposed, self.source.parts.eyeballs[side], lids, self.topology.lid_room[side]
        )

    def _seal_lips(self, unposed: Float[np.ndarray, "vertex 3"], further: float) -> Float[np.ndarray, "vertex 3"]:
        """Displacement that draws the neutral lips together and further, half from each side."""
        corners = unposed[self.source.marks.at(60, 64), 0]
        gap, columns = _column_gaps(unposed, self.topology.lips, self.mouth_raster, corners, further)
        moved = np.zeros_like(unposed)
        line = _contact_line(unposed, self.topology.lips, columns)
        for vertices, side in ((self.topology.lips.upper, -1.0), (self.topology.lips.lower, 1.0)):
            here = unposed[vertices]
            reach = np.abs(here[:, 1] - line(here[:, 0])) / SEAL_REACH
            moved[vertices, 1] = side * 0.5 * gap(here[:, 0]) * np.exp(-(reach**2))
        return moved

    def _close_lids(self, side: str, further: float) -> Float[np.ndarray, " vertex"]:
        """Length that the upper lid must still fall at eyeBlink 1 to meet the lower one, or to go further."""
        ball, flaps = self.eyeballs[side], self.topology.eye_flaps[side]
        blink = self.source.expressions[ARKIT_INDEX[f"eyeBlink{side.capitalize()}"]]
        chart = ball.chart(self.lid_room[side].pushed(self.neutral + blink))
        ends = chart[self.source.marks.at(*((42, 45) if side == "left" else (36, 39))), 0]
        gap, columns = _column_gaps(chart, flaps, ball.raster(), ends, further)
        line = _contact_line(chart, flaps, columns)
        fall = np.zeros(len(chart))
        here = chart[flaps.upper]
        missing = np.maximum(gap(here[:, 0]), 0)
        # From the edge of the upper lid on: what lies higher falls less.
        reach = np.maximum(here[:, 1] - line(here[:, 0]) - missing, 0) / SEAL_REACH
        fall[flaps.upper] = missing * np.exp(-(reach**2))
        return fall

    def _turn_eye(
        self, vertices: Float[np.ndarray, "vertex 3"], side: str, weights: Float[np.ndarray, "52"]
    ) -> Float[np.ndarray, "vertex 3"]:
        """The eyeball turned rigidly about its centre; it takes no part in any other expression."""
        ball, part = self.eyeballs[side], self.source.parts.eyeballs[side]
        turned = vertices.copy()
        turned[part] = ball.centre + (self.neutral[part] - ball.centre) @ rotation(*gaze(weights, side)).T
        return turned

    def _lay_lids(
        self, vertices: Float[np.ndarray, "vertex 3"], side: str, blink: float
    ) -> Float[np.ndarray, "vertex 3"]:
        """Lids pushed out of the eyeball, closed by the share of a blink, and pressed on each other."""
        ball, flaps = self.eyeballs[side], self.topology.eye_flaps[side]
        chart = ball.chart(self.lid_room[side].pushed(vertices))
        chart[:, 1] -= np.clip(blink, 0, 1) * self.lid_closing[side] + _ramp(blink, SHUT_LIDS) * self.lid_squeeze[side]
        chart[:, 1] += contact.resolve(chart, flaps, ball.raster(), press=PRESS)
        laid = vertices.copy()
        lids = np.concatenate([flaps.upper, flaps.lower])
        laid[lids] = ball.unchart(chart[lids])
        return laid


def _ramp(share: float, start: float) -> float:
    """0 up to `start`, 1 at 1, linear in between."""
    return float(np.clip((share - start) / (1 - start), 0, 1))


def _column_gaps(chart: np.ndarray, flaps: contact.Flaps, raster: contact.Raster, ends: np.ndarray, further: float):
    """The gap to close as a smooth function of the first coordinate, fading out beyond the corners."""
    gap = contact.gaps(chart, flaps, raster) + PRESS + further
    columns = raster.lower[0] + raster.step[0] * np.arange(raster.shape[0])
    known = ~np.isnan(gap) & (columns > ends.min()) & (columns < ends.max())
    kernel = np.hanning(9) / np.hanning(9).sum()
    filled = np.interp(columns, columns[known], gap[known])
    smooth = np.maximum(np.convolve(np.pad(filled, 4, mode="edge"), kernel, mode="valid"), filled)
    margin = 2.0 * MILLIMETRE
    fade = np.clip((np.minimum(columns - ends.min(), ends.max() - columns) + margin) / margin, 0, 1)
    return lambda across: np.interp(across, columns, smooth * fade), columns


def _contact_line(chart: np.ndarray, flaps: contact.Flaps, columns: np.ndarray):
    """Height of the line of contact as a function of the first coordinate."""
    step = columns[1] - columns[0]
    bottom = np.full(len(columns), np.nan)
    index = np.rint((chart[flaps.lower, 0] - columns[0]) / step).astype(int)
    for column in range(len(columns)):
        near = np.abs(index - column) <= 3
        if near.any():
            bottom[column] = chart[flaps.lower[near], 1].max()
    known = ~np.isnan(bottom)
    return lambda across: np.interp(across, columns[known], bottom[known])
