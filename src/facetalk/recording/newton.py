"""The fast settings: rig weights and poses of a window's frames by Gauss-Newton, all frames together.

Codes stay in the live subspace, `code = rest + A w`. Robust weights (Geman and McClure) tighten from step to step;
successive frames are tied by a Huber penalty on the differences of weights and poses, so that what rests stays at rest
and what moves is not held back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Float32

from facetalk.arkit import ARKIT_NAMES
from facetalk.geometry import UNIT_MM
from facetalk.recording import blend, lids, lips
from facetalk.recording.poses import apart
from facetalk.recording.problem import Drawn, Person, Window, drawn
from facetalk.recording.states import Evidence, State, matrices
from facetalk.recording.walk import WEIGHTS, Contact, Expected, Walk
from facetalk.recording.whole import whole

SOUGHT = WEIGHTS + 6
"""Numbers sought of a frame: weights, a turn in radians, a shift in millimetres."""
LEAST_SPREAD_MM = 0.2
"""Distances are never trusted more than this."""
NORMAL_SPREAD = 1.4826
QUICK = np.array([5.0 if name.startswith("eye") else 1.0 for name in ARKIT_NAMES] + [1.0] * 6)
"""How much faster than mouths lids and eyes are."""
FULL = np.array([6.0 if name.startswith("eyeBlink") else 1.0 for name in ARKIT_NAMES])
"""How much larger lids' weights are expected to be than others: lids shut altogether, lips hardly ever move so far."""
BEFORE = 2
"""Settled frames that a window is tied to."""
LONGEST_STEP = np.array([0.3] * WEIGHTS + [0.1] * 3 + [10.0] * 3)
"""Most that one step changes."""
STRIDE = np.array([0.05] * 3 + [5.0] * 3)
"""What one step usually changes of a pose: holds back turns that points say nothing of."""


@dataclass(frozen=True)
class Tie:
    """Huber's penalty on one kind of difference, for each number sought of a frame."""

    weight: tuple[float, float]
    """The difference of a rig weight that costs 1, and the one below which it is noise."""
    turn: tuple[float, float]
    """Radians."""
    shift: tuple[float, float]
    """Millimetres."""

    def precision(self, gap: Float[np.ndarray, "*gap number"], loose: float) -> Float[np.ndarray, "*gap number"]:
        """Precision at which a square costs what Huber's penalty does, its noise widened `loose` times."""
        cost, noise = np.array([self.weight] * WEIGHTS + [self.turn] * 3 + [self.shift] * 3).T
        return 1 / (QUICK * cost * np.maximum(np.abs(gap), loose * noise))


@dataclass(frozen=True)
class Ties:
    """How successive frames are tied."""

    speed: Tie = Tie((0.18, 0.002), (0.01, 0.0005), (1.0, 0.05))
    """First differences: what rests stays at rest. Weights are tied loosely, since lips turn round within a frame;
    heads go on as they went."""
    change: Tie = Tie((0.09, 0.002), (0.0006, 0.0005), (0.06, 0.05))
    """Second differences: what moves goes on."""
    strength: float = 1.0
    """0 leaves every frame alone."""
    loose: float = 40.0
    """How much wider noise is taken to be in the first step, so that differences can grow; it halves with every one."""


@dataclass(frozen=True)
class FastConfig:
    """Our own settings."""

    window: int = 10
    overlap: int = 2
    points: int = 1200
    """Of a frame, the same ones in all rounds …"""
    last_points: int = 8000
    """… but the last ones, which look at more, for what is left then is noise."""
    last_rounds: int = 1
    rounds: int = 3
    """How often points are asked of the head, with slopes."""
    first_rounds: int = 6
    """In the first window, which starts from rest."""
    lip_rounds: int = 2
    """More of them where lips are tried shut."""
    steps: int = 3
    """Of each round, along these slopes: robust weights and ties follow what is left."""
    soft_mm: float = 6.0
    """Softness of the first step's weights; it halves with every step, but not below `spreads`."""
    spreads: float = 3.0
    independent: float = 0.2
    """So many independent measurements is a point worth: neighbours err alike."""
    prior: float = 0.09
    """Spread of a weight about 0: without it weights explain what an identity gets wrong. Speech is stronger."""
    beyond: float = 0.015
    """Spread of what a weight leaves 0..1 by. Where it is wider, less than no mouthClose opens lips."""
    ties: Ties = Ties()
    walk: Walk | None = field(default_factory=Walk)
    """How frames are tied once all windows are known; None leaves windows as they are."""
    contact: Contact | None = field(default_factory=Contact)
    """What a walk knows of lips that nearly meet."""

    def __call__(self, window: Window) -> State:
        """The frames of a window."""
        points = drawn(window, max(self.points, self.last_points))
        return _Search(self, window, points).run(self.first_rounds if window.before is None else self.rounds)

    @property
    def expected(self) -> Expected:
        """What weights of windows are like."""
        return Expected(self.prior * FULL, self.beyond)

    def joined(self, person: Person, windows: Sequence[State], starts: Sequence[int]) -> State:
        """All frames of windows that begin at `starts`."""
        if self.walk is None:
            return blend.joined(windows, starts)
        return whole(person, windows, starts, replace(self.expected, contact=self.contact), self.walk)


@dataclass(frozen=True)
class _Seen:
    """Distances of points from the head, and how they answer to what is sought."""

    distance: Float[np.ndarray, "frame point"]
    """Millimetres."""
    jacobian: Float32[np.ndarray, "frame point number"]
    counts: Float[np.ndarray, "frame point"]

    def moved(self, step: Float[np.ndarray, "frame number"]) -> "_Seen":
        """After a step, as the slopes have it."""
        change = np.matmul(self.jacobian, step[..., None].astype(np.float32))[..., 0]
        return replace(self, distance=self.distance + change)

    def normal(
        self, config: FastConfig, soft_mm: float
    ) -> tuple[Float[np.ndarray, "frame n n"], Float[np.ndarray, "frame n"]]:
        """Normal equations of the points of every frame, in robust weights."""
        known = np.abs(self.distance)[self.counts > 0.5]
        spread = max(LEAST_SPREAD_MM, NORMAL_SPREAD * float(np.median(known))) if known.size else LEAST_SPREAD_MM
        soft = max(soft_mm, config.spreads * spread)
        trust = self.counts * (soft**2 / (soft**2 + self.distance**2)) ** 2 * config.independent / spread**2
        weighted = self.jacobian * trust[..., None].astype(np.float32)
        squares = np.matmul(weighted.swapaxes(1, 2), self.jacobian).astype(np.float64)
        return squares, np.matmul(self.distance[:, None].astype(np.float32), weighted)[:, 0].astype(np.float64)


class _Search:
    """One window's search."""

    def __init__(self, config: FastConfig, window: Window, points: Drawn) -> None:
        self.config, self.window, self.drawn = config, window, points
        self.weights = window.start.weights.astype(np.float64)
        self.placements = window.start.placements
        self.about = window.person.face

    def run(self, rounds: int) -> State:
        few, many = self.drawn.first(self.config.points), self.drawn.first(self.config.last_points)
        early = rounds - self.config.last_rounds
        self.weights = lids.tried(self.window.person, self.weights, self.placements, self.drawn)
        for number in range(rounds):
            if number == early:
                self._lips(few, number)
            seen = self._round(few if number < early else many, number)
        evidence = Evidence(*seen.normal(self.config, 0.0))
        weights = torch.from_numpy(self.weights).float()
        with torch.no_grad():
            codes = self.window.person.head.rig(weights)
        return State(weights.numpy(), matrices(self.placements), codes.numpy(), evidence)

    def _round(self, points: Drawn, number: int) -> "_Seen":
        """Some steps along the slopes of the points as the head is now; later rounds' are stricter."""
        seen = self._asked(points)
        for step in range(number * self.config.steps, (number + 1) * self.config.steps):
            move = self._step(seen, 0.5**step)
            self._move(move)
            seen = seen.moved(move)
        return seen

    def _lips(self, points: Drawn, number: int) -> None:
        """Lips shut in the frames where that looks better and, searched on from there, is."""
        person, parted = self.window.person, (self.weights, self.placements)
        self.weights = lips.tried(person, self.weights, self.placements, self.drawn)
        shut = (self.weights != parted[0]).any(axis=1)
        if not shut.any():
            return
        for _ in range(self.config.lip_rounds):
            self._round(points, number)
        before, now = (lips.cost(person, *found, self.drawn) for found in (parted, (self.weights, self.placements)))
        back = shut & (now > lips.BETTER * before)
        self.weights = np.where(back[:, None], parted[0], self.weights)
        self.placements = [
            old if gone else new for gone, old, new in zip(back, parted[1], self.placements, strict=True)
        ]

    def _step(self, seen: "_Seen", loose: float) -> Float[np.ndarray, "frame number"]:
        frames = len(self.weights)
        squares, pulls = seen.normal(self.config, loose * self.config.soft_mm)
        self._expected(squares, pulls)
        matrix = np.zeros((frames, SOUGHT, frames, SOUGHT))
        for frame in range(frames):
            matrix[frame, :, frame] = squares[frame]
        self._tied(matrix, pulls, max(1.0, loose * self.config.ties.loose))
        matrix = matrix.reshape(frames * SOUGHT, -1)
        matrix[np.diag_indices(len(matrix))] *= 1.001  # a trace of damping: weights that move nothing stay
        step = -np.linalg.solve(matrix, pulls.reshape(-1)).reshape(frames, SOUGHT)
        return step * np.minimum(1, 1 / np.abs(step / LONGEST_STEP).max(axis=1, keepdims=True).clip(1e-9))

    def _move(self, step: Float[np.ndarray, "frame number"]) -> None:
        self.weights = self.weights + step[:, :WEIGHTS]
        moves = zip(self.placements, step[:, WEIGHTS : WEIGHTS + 3], step[:, WEIGHTS + 3 :], strict=True)
        self.placements = [place.nudged(turn, shift_mm, self.about) for place, turn, shift_mm in moves]

    def _asked(self, points: Drawn) -> "_Seen":
        """The points of every frame beside the head as it is now."""
        placed = points.placed(self.placements)
        found = self.window.person.responder(torch.from_numpy(self.weights).float(), placed)
        slope = found.by_place.numpy()
        turn = np.cross(placed.numpy() - self.about.astype(np.float32), slope) * np.float32(UNIT_MM)
        jacobian = np.concatenate([found.by_weight.numpy() * np.float32(UNIT_MM), turn, slope], axis=-1)
        return _Seen(found.distance.double().numpy() * UNIT_MM, jacobian, points.counts)

    def _expected(self, squares: np.ndarray, pulls: np.ndarray) -> None:
        """What weights are like, and that one step turns no head far."""
        self.config.expected.added(self.weights, squares, pulls)
        pose = np.arange(WEIGHTS, SOUGHT)
        squares[:, pose, pose] += 1 / STRIDE**2

    def _tied(self, matrix: np.ndarray, pulls: np.ndarray, loose: float) -> None:
        """Differences of successive frames, each weighted so that its cost is Huber's."""
        ties, before = self.config.ties, self.window.before
        weights, places = self.weights, self.placements
        if before is not None:
            weights, places = np.concatenate([before.weights, weights]), [*before.placements, *places]
        settled = len(weights) - len(self.weights)
        turned = [apart(*pair, self.about) for pair in pairwise(places)]
        speed = np.concatenate([np.diff(weights, axis=0), np.array(turned).reshape(-1, 6)], axis=1)
        for tie, gaps, stencil in ((ties.speed, speed, (-1, 1)), (ties.change, np.diff(speed, axis=0), (1, -2, 1))):
            for first, gap in enumerate(gaps):
                free = [(first + k - settled, c) for k, c in enumerate(stencil) if first + k >= settled]
                precision = ties.strength * tie.precision(gap, loose)
                self._tie(matrix, pulls, free, precision, gap)

    def _tie(
        self, matrix: np.ndarray, pulls: np.ndarray, free: list[tuple[int, int]], precision: np.ndarray, gap: np.ndarray
    ) -> None:
        """Add one difference, a sum of frames times their share in it, to the normal equations."""
        here = np.arange(SOUGHT)
        for frame, share in free:
            pulls[frame] += share * precision * gap
            for other, other_share in free:
                matrix[frame, here, other, here] += share * other_share * precision
