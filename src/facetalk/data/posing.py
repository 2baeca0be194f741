"""The corrected mesh: ICT heads whose eyes turn, lids close over the eyeball and lips seal.

What the raw blendshapes leave wrong is mended here, and the result is the truth that models are trained and
measured on: the neutral lips stand 0.8 mm apart, lips and lids pass through each other, lids cut into the
eyeball, and the eyeballs do not turn with the eyeLook shapes.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from facetalk.arkit import ARKIT_INDEX
from facetalk.data import contact, ict
from facetalk.geometry import UNIT_MM

MILLIMETRE = 1.0 / UNIT_MM
PRESS = 0.15 * MILLIMETRE
"""How deep closed lips and lids stand in each other, so that they are sealed and not merely touching."""
LID_CLEARANCE = 0.3 * MILLIMETRE
"""Least distance of a lid's outer skin from the eyeball."""
GAZE_RANGE_DEGREES = {"In": 30.0, "Out": 30.0, "Up": 25.0, "Down": 30.0}
"""Turn of the eyeball at weight 1: comfortable eye-only range, as ARKit's rigs use."""
CANONICAL_RIG = {"jawOpen": 0.25}
SEAL_REACH = 6.0 * MILLIMETRE
"""How far from the contact line the flesh follows when lips or lids are drawn together."""


def rig_weights(**named: float) -> Float[np.ndarray, "52"]:
    """ARKit weights from names."""
    weights = np.zeros(len(ARKIT_INDEX))
    for name, value in named.items():
        weights[ARKIT_INDEX[name]] = value
    return weights


@dataclass(frozen=True)
class Eyeball:
    """A fitted sphere; its centre is the centre of rotation."""

    centre: Float[np.ndarray, "3"]
    radius: float

    def chart(self, points: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """(azimuth, elevation, radius) about the centre, angles times the radius so that all are lengths."""
        x, y, z = (points - self.centre).T
        radius = np.sqrt(x * x + y * y + z * z)
        angles = np.arctan2(x, z), np.arcsin(y / np.maximum(radius, 1e-9))
        return np.stack([angles[0] * self.radius, angles[1] * self.radius, radius], axis=1)

    def unchart(self, chart: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """Inverse of `chart`."""
        azimuth, elevation, radius = chart[:, 0] / self.radius, chart[:, 1] / self.radius, chart[:, 2]
        flat = radius * np.cos(elevation)
        return self.centre + np.stack(
            [flat * np.sin(azimuth), radius * np.sin(elevation), flat * np.cos(azimuth)], axis=1
        )

    def raster(self) -> contact.Raster:
        """The window over the opening of the lids."""
        return contact.Raster((-1.1 * self.radius, 0.85 * self.radius), (self.radius / 60, self.radius / 60), (133, 40))


@dataclass(frozen=True)
class LidCover:
    """How far from the centre of an eyeball the outer skin of its lids lies, over azimuth and elevation."""

    eyeball: Eyeball
    window: contact.Raster
    radius: Float[np.ndarray, "azimuth elevation"]
    """-contact.NOTHING where the eye is open."""

    @classmethod
    def of(cls, eyeball: Eyeball, vertices: Float[np.ndarray, "vertex 3"], flaps: contact.Flaps) -> "LidCover":
        """Look at the lids from the eyeball's centre."""
        step = eyeball.radius / 50
        window = contact.Raster((-1.2 * eyeball.radius, -0.8 * eyeball.radius), (step, step), (121, 81))
        lids = np.concatenate([flaps.upper_faces, flaps.lower_faces])
        seen = eyeball.chart(vertices)[:, [0, 2, 1]]
        return cls(eyeball, window, contact.height_map(seen, lids, 1.0, window.lower, window.step, window.shape))

    def depth(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
        """How far points lie behind the lids' skin; NaN where no lid is in front, or too far from the eyeball."""
        chart = self.eyeball.chart(points)
        skin = contact.sample(self.radius, self.window, chart[:, [0, 2, 1]])
        near = (
            (chart[:, 2] > self.eyeball.radius - 2 * MILLIMETRE) & (skin > 0) & (points[:, 2] > self.eyeball.centre[2])
        )
        return np.where(near & (skin > chart[:, 2]), skin - chart[:, 2], np.nan)


def fit_sphere(points: Float[np.ndarray, "vertex 3"]) -> Eyeball:
    """Least-squares sphere through points."""
    system = np.concatenate([2 * points, np.ones((len(points), 1))], axis=1)
    solution = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    centre = solution[:3]
    return Eyeball(centre, float(np.sqrt(solution[3] + centre @ centre)))


def rotation(yaw: float, pitch: float) -> Float[np.ndarray, "3 3"]:
    """Turn about y by `yaw` (towards +x) after a turn about x by `pitch` (upwards), radians."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    return about_y @ about_x


def gaze(weights: Float[np.ndarray, "52"], side: str) -> tuple[float, float]:
    """Yaw towards the subject's left and pitch upwards of one eyeball, radians."""
    amount = {
        way: weights[ARKIT_INDEX[f"eyeLook{way}{side.capitalize()}"]] * np.radians(degrees)
        for way, degrees in GAZE_RANGE_DEGREES.items()
    }
    outward = amount["Out"] - amount["In"]
    return float(outward if side == "left" else -outward), float(amount["Up"] - amount["Down"])


class Topology:
    """What is known of ICT's mesh before any identity: the flaps, the shape of the eyeball."""

    def __init__(self, model: ict.IctModel) -> None:
        self.model = model
        self.neighbours = contact.rings(len(model.neutral), model.skin_faces)

    @cached_property
    def lips(self) -> contact.Flaps:
        """Upper and lower lip, told apart with the jaw open."""
        opened = self.model.neutral + 0.5 * self.model.expressions[ARKIT_INDEX["jawOpen"]]
        corner = opened[[ict.LANDMARKS_68[60], ict.LANDMARKS_68[64]]].mean(axis=0)
        middle = self.model.neutral[[ict.LANDMARKS_68[62], ict.LANDMARKS_68[66]]].mean(axis=0)
        reach = np.array([30.0, 14.0, 22.0]) * MILLIMETRE
        near = (np.abs((self.model.neutral - middle) / reach) < 1).all(axis=1)
        return self._flaps(near, opened[:, 1] > corner[1])

    def lids(self, side: str) -> contact.Flaps:
        """Upper and lower lid, told apart by the line through the corners of the eye."""
        inner, outer = (42, 45) if side == "left" else (39, 36)
        neutral, eyeball = self.model.neutral, fit_sphere(self.model.neutral[ict.EYEBALLS[side]])
        chart = eyeball.chart(neutral)
        ends = chart[[ict.LANDMARKS_68[inner], ict.LANDMARKS_68[outer]]]
        slope = (ends[1, 1] - ends[0, 1]) / (ends[1, 0] - ends[0, 0])
        line = ends[0, 1] + slope * (chart[:, 0] - ends[0, 0])
        span = np.sort(ends[:, 0])
        within = (chart[:, 0] > span[0] - 3 * MILLIMETRE) & (chart[:, 0] < span[1] + 3 * MILLIMETRE)
        near = within & (np.abs(chart[:, 1]) < 0.9 * eyeball.radius) & (chart[:, 2] < 1.35 * eyeball.radius)
        return self._flaps(near & (neutral[:, 2] > eyeball.centre[2]), chart[:, 1] > line)

    def _flaps(self, near: np.ndarray, above: np.ndarray) -> contact.Flaps:
        """Faces wholly near and wholly on one side."""
        near = near.copy()
        near[ict.EYE_SOCKETS.stop :] = False
        faces = self.model.skin_faces
        upper = faces[(near & above)[faces].all(axis=1)]
        lower = faces[(near & ~above)[faces].all(axis=1)]
        return contact.Flaps(upper, lower, np.unique(upper), np.unique(lower), self.neighbours)

    @cached_property
    def eye_flaps(self) -> dict[str, contact.Flaps]:
        """Lids of both eyes."""
        return {side: self.lids(side) for side in ict.EYEBALLS}


@dataclass(frozen=True)
class PosedHead:
    """A corrected head: vertices for the faces of the model."""

    vertices: Float[np.ndarray, "vertex 3"]
    faces: Int[np.ndarray, "face 3"]
    oral_pocket: Int[np.ndarray, "pocket 3"]
    """The mouth socket, closed behind the lips."""
    lids: tuple[LidCover, ...] = ()
    eyeballs: tuple[Eyeball, ...] = ()


class IctHead:
    """One identity of ICT-FaceKit, posed by ARKit weights, corrected."""

    def __init__(self, topology: Topology, identity: Float[np.ndarray, " mode"]) -> None:
        self.topology, self.model, self.weights = topology, topology.model, identity
        unposed = self.model.unposed(identity)
        self.eyeballs = {side: fit_sphere(unposed[part]) for side, part in ict.EYEBALLS.items()}
        self.clearance = {
            side: np.clip(np.linalg.norm(unposed - ball.centre, axis=1) - ball.radius, -4 * MILLIMETRE, LID_CLEARANCE)
            for side, ball in self.eyeballs.items()
        }
        self.neutral = unposed
        self.neutral = unposed + self._seal_lips(unposed)
        self.lid_closing = {side: self._close_lids(side) for side in self.eyeballs}

    def pose(self, weights: Float[np.ndarray, "52"]) -> PosedHead:
        """Vertices for ARKit weights; mouthClose is held to at most jawOpen."""
        weights = np.array(weights, np.float64)
        close, jaw = ARKIT_INDEX["mouthClose"], ARKIT_INDEX["jawOpen"]
        weights[close] = min(weights[close], weights[jaw])
        vertices = self.neutral + np.tensordot(weights, self.model.expressions, axes=1)
        for side in self.eyeballs:
            vertices = self._turn_eye(vertices, side, weights)
            vertices = self._lay_lids(vertices, side, weights[ARKIT_INDEX[f"eyeBlink{side.capitalize()}"]])
        vertices[:, 1] += contact.resolve(vertices, self.topology.lips, self.mouth_raster, press=PRESS)
        lids = tuple(LidCover.of(ball, vertices, self.topology.eye_flaps[side]) for side, ball in self.eyeballs.items())
        return PosedHead(vertices, self.model.faces, self.model.oral_pocket, lids, tuple(self.eyeballs.values()))

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
        corners = self.neutral[[ict.LANDMARKS_68[60], ict.LANDMARKS_68[64]]]
        front = self.neutral[ict.LANDMARKS_68[62], 2]
        step = 0.35 * MILLIMETRE
        width = float(corners[1, 0] - corners[0, 0]) + 16 * MILLIMETRE
        lower = (float(corners[0, 0]) - 8 * MILLIMETRE, float(front) - 20 * MILLIMETRE)
        return contact.Raster(lower, (step, step), (int(width / step), int(32 * MILLIMETRE / step)))

    def _seal_lips(self, unposed: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """Displacement that draws the neutral lips together, half from each side."""
        corners = unposed[[ict.LANDMARKS_68[60], ict.LANDMARKS_68[64]], 0]
        gap, columns = _column_gaps(unposed, self.topology.lips, self.mouth_raster, corners)
        moved = np.zeros_like(unposed)
        line = _contact_line(unposed, self.topology.lips, columns)
        for vertices, side in ((self.topology.lips.upper, -1.0), (self.topology.lips.lower, 1.0)):
            here = unposed[vertices]
            reach = np.abs(here[:, 1] - line(here[:, 0])) / SEAL_REACH
            moved[vertices, 1] = side * 0.5 * gap(here[:, 0]) * np.exp(-(reach**2))
        return moved

    def _close_lids(self, side: str) -> Float[np.ndarray, " vertex"]:
        """Elevation, as a length, that the upper lid must still fall at eyeBlink 1 to meet the lower one."""
        ball, flaps = self.eyeballs[side], self.topology.eye_flaps[side]
        blink = self.model.expressions[ARKIT_INDEX[f"eyeBlink{side.capitalize()}"]]
        chart = ball.chart(self._outside_eyeball(self.neutral + blink, side))
        ends = chart[[ict.LANDMARKS_68[i] for i in ((42, 45) if side == "left" else (36, 39))], 0]
        gap, columns = _column_gaps(chart, flaps, ball.raster(), ends)
        line = _contact_line(chart, flaps, columns)
        fall = np.zeros(len(chart))
        here = chart[flaps.upper]
        reach = np.maximum(here[:, 1] - line(here[:, 0]), 0) / SEAL_REACH
        fall[flaps.upper] = np.maximum(gap(here[:, 0]), 0) * np.exp(-(reach**2))
        return fall

    def _turn_eye(
        self, vertices: Float[np.ndarray, "vertex 3"], side: str, weights: Float[np.ndarray, "52"]
    ) -> Float[np.ndarray, "vertex 3"]:
        """The eyeball turned rigidly about its centre; it takes no part in any other expression."""
        ball, part = self.eyeballs[side], ict.EYEBALLS[side]
        turned = vertices.copy()
        turned[part] = ball.centre + (self.neutral[part] - ball.centre) @ rotation(*gaze(weights, side)).T
        return turned

    def _lay_lids(
        self, vertices: Float[np.ndarray, "vertex 3"], side: str, blink: float
    ) -> Float[np.ndarray, "vertex 3"]:
        """Lids pushed out of the eyeball, closed by the share of a blink, and pressed on each other."""
        ball, flaps = self.eyeballs[side], self.topology.eye_flaps[side]
        chart = ball.chart(self._outside_eyeball(vertices, side))
        chart[:, 1] -= np.clip(blink, 0, 1) * self.lid_closing[side]
        chart[:, 1] += contact.resolve(chart, flaps, ball.raster(), press=PRESS)
        laid = vertices.copy()
        lids = np.concatenate([flaps.upper, flaps.lower])
        laid[lids] = ball.unchart(chart[lids])
        return laid

    def _outside_eyeball(self, vertices: Float[np.ndarray, "vertex 3"], side: str) -> Float[np.ndarray, "vertex 3"]:
        """No lid vertex nearer to the eyeball than in the neutral head or than the clearance."""
        ball, flaps = self.eyeballs[side], self.topology.eye_flaps[side]
        lids = np.concatenate([flaps.upper, flaps.lower])
        arm = vertices[lids] - ball.centre
        distance = np.linalg.norm(arm, axis=1)
        least = ball.radius + self.clearance[side][lids] + self._cornea(side)
        pushed = vertices.copy()
        pushed[lids] = ball.centre + arm * (np.maximum(distance, least) / distance)[:, None]
        return pushed

    def _cornea(self, side: str) -> float:
        """How far the cornea stands out beyond the fitted sphere."""
        ball = self.eyeballs[side]
        shell = np.linalg.norm(self.neutral[ict.EYEBALLS[side]] - ball.centre, axis=1)
        return float(shell.max() - ball.radius) * 0.5


def _column_gaps(chart: np.ndarray, flaps: contact.Flaps, raster: contact.Raster, ends: np.ndarray):
    """The gap to close as a smooth function of the first coordinate, fading out beyond the corners."""
    gap = contact.gaps(chart, flaps, raster) + PRESS
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
