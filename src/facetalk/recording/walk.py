"""A sequence as one walk: what each frame's points say, and how frames follow each other, learnt from the sequence.

Windows leave of every frame a quadratic about where they found it (`Evidence`). Weights walk at random and poses by
their third differences, in steps that are normally distributed with one covariance in the whole sequence, times a
scale of each step's own, for faces rest and speak. Covariances are learnt by expectation and maximisation (Dempster,
Laird and Rubin 1977), scales by MacKay's rule (1992): a step counts as far as points know it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from facetalk.arkit import ARKIT_NAMES
from facetalk.recording.chain import REACH, Posterior, solved
from facetalk.recording.states import Evidence
from facetalk.rig.lips import GAP_MM, column

WEIGHTS = len(ARKIT_NAMES)
GAP = column(GAP_MM)
"""What each weight opens lips by, in millimetres."""
POSE = np.arange(WEIGHTS, WEIGHTS + 6)
EYES = np.array([n for n, name in enumerate(ARKIT_NAMES) if name.startswith("eye")])
SMEARED = np.array([0.25, 0.5, 0.25])
"""Shares of the step before, of a step and of the one after in its scale."""


@dataclass(frozen=True)
class Walk:
    """How steps are learnt."""

    weight: float = 0.01
    """Spread of a weight's step before anything is known."""
    turn: float = 0.0007
    """Of a third difference of turns, in radians …"""
    shift: float = 0.07
    """… and of shifts, in millimetres."""
    worth: float = 3.0
    """So many steps are these spreads worth."""
    usual: float = 1.0
    """So many numbers say that a step has the usual scale."""
    rounds: int = 4
    """Of learning; in later ones misfit that moves slowly is learnt as motion."""
    stride: float = 10.0
    """What a walk may move a pose by that no point tells of, in radians and millimetres: anything."""

    def kinds(self) -> tuple["Kind", ...]:
        """Eyes, the rest of the face, the pose: each with scales of its own."""
        face = np.setdiff1d(np.arange(WEIGHTS), EYES)
        pose = np.array([self.turn] * 3 + [self.shift] * 3)
        return (
            Kind(EYES, (-1.0, 1.0), np.full(len(EYES), self.weight)),
            Kind(face, (-1.0, 1.0), np.full(len(face), self.weight)),
            Kind(POSE, (-1.0, 3.0, -3.0, 1.0), pose),
        )


@dataclass(frozen=True)
class Kind:
    """Numbers that take their steps together."""

    numbers: Int[np.ndarray, " some"]
    stencil: tuple[float, ...]
    """A step, as a sum of successive frames."""
    spread: Float[np.ndarray, " some"]


@dataclass
class _Steps:
    """What is known of one kind's steps."""

    kind: Kind
    before: Float[np.ndarray, "step some"]
    """The steps where the windows found the frames."""
    covariance: Float[np.ndarray, "some some"]
    scale: Float[np.ndarray, " step"]
    """Of variances."""

    def added(self, precision: np.ndarray, pull: np.ndarray) -> None:
        """Add what steps are like to the equations of a chain."""
        usual = np.linalg.inv(self.covariance)
        here = np.ix_(self.kind.numbers, self.kind.numbers)
        for first, (step, scale) in enumerate(zip(self.before, self.scale, strict=True)):
            pulled = usual @ step / scale
            for one, share in enumerate(self.kind.stencil):
                pull[first + one, self.kind.numbers] += share * pulled
                for other in range(one, len(self.kind.stencil)):
                    precision[other - one, first + one][here] += share * self.kind.stencil[other] / scale * usual

    def learnt(self, found: Posterior, walk: Walk) -> None:
        """Scales, then the covariance."""
        steps, unsure = self.before + self._moved(found.mean), self._unsure(found.covariance)
        usual = np.linalg.inv(self.covariance)
        energy = np.einsum("si,ij,sj->s", steps, usual, steps)
        known = len(self.kind.numbers) - np.einsum("sij,ij->s", unsure, usual) / self.scale
        scale = (walk.usual + energy) / (walk.usual + known.clip(0))
        self.scale = np.convolve(np.pad(scale, 1, mode="edge"), SMEARED, "valid")
        squares = (steps[:, :, None] * steps[:, None] + unsure) / self.scale[:, None, None]
        told = walk.worth * np.diag(self.kind.spread**2)
        self.covariance = (squares.sum(axis=0) + told) / (len(steps) + walk.worth)

    def _moved(self, mean: Float[np.ndarray, "frame number"]) -> Float[np.ndarray, "step some"]:
        count = len(self.before)
        parts = [share * mean[k : k + count, self.kind.numbers] for k, share in enumerate(self.kind.stencil)]
        return np.sum(parts, axis=0)

    def _unsure(self, covariance: Float[np.ndarray, "lag frame n n"]) -> Float[np.ndarray, "step some some"]:
        some, count = self.kind.numbers, len(self.before)
        total = np.zeros((count, len(some), len(some)))
        for one, share in enumerate(self.kind.stencil):
            for other in range(one, len(self.kind.stencil)):
                part = covariance[other - one, one : one + count][:, some[:, None], some]
                part = share * self.kind.stencil[other] * part
                total += part if other == one else part + part.swapaxes(1, 2)
        return total


@dataclass(frozen=True)
class Contact:
    """Lips that nearly meet do: to touch is a state of its own, and half a millimetre from it points tell little.

    Points tell that lips are sealed, not how firmly; by what is expected of weights they would hardly touch. Speakers
    press them, which weights call a gap below none.
    """

    spread_mm: float = 0.3
    """Of the gap between lips that touch, as weights have it, around …"""
    pressed_mm: float = 0.5
    """… so much below none; firmer ones are left alone."""
    near_mm: float = 1.0
    """A gap so wide is hardly taken for one of them (Geman and McClure's weights)."""

    def added(
        self, weights: Float[np.ndarray, "frame 52"], squares: np.ndarray, pulls: np.ndarray,
        at: Float[np.ndarray, "frame 52"],
    ) -> None:  # fmt: skip
        """Add it to equations of steps from `weights`; how near lips are is seen `at` another place."""
        gap = at @ GAP
        near = (self.near_mm**2 / (self.near_mm**2 + gap.clip(0) ** 2)) ** 2
        trust = np.where(gap > -self.pressed_mm, near, 0.0) / self.spread_mm**2
        squares[:, :WEIGHTS, :WEIGHTS] += trust[:, None, None] * np.outer(GAP, GAP)
        pulls[:, :WEIGHTS] += (trust * (weights @ GAP + self.pressed_mm))[:, None] * GAP


@dataclass(frozen=True)
class Expected:
    """What weights are like, whatever came before: a spread about 0, and one beyond 0 to 1."""

    spread: Float[np.ndarray, "52"]
    beyond: float
    contact: Contact | None = None

    def added(
        self, weights: Float[np.ndarray, "frame 52"], squares: np.ndarray, pulls: np.ndarray,
        at: Float[np.ndarray, "frame 52"] | None = None,
    ) -> None:  # fmt: skip
        """Add it to equations of steps from `weights`; which side of 0 and 1 they are on is seen `at` another place."""
        at = weights if at is None else at
        outside, edge = (at < 0) | (at > 1), np.clip(at, 0, 1)
        here = np.arange(weights.shape[1])
        squares[:, here, here] += 1 / self.spread**2 + outside / self.beyond**2
        pulls[:, here] += weights / self.spread**2 + outside * (weights - edge) / self.beyond**2
        if self.contact is not None:
            self.contact.added(weights, squares, pulls, at)


def walked(
    weights: Float[np.ndarray, "frame 52"], poses: Float[np.ndarray, "step 6"], evidence: Evidence,
    expected: Expected, walk: Walk,
) -> Float[np.ndarray, "frame number"]:  # fmt: skip
    """How far each frame is moved from where windows found it: weights, then turn (radians) and shift (millimetres).

    Args:
        weights: where windows found them.
        poses: from each frame to the next, there.
        evidence: of every frame, about there.
        expected: of weights.
        walk: how steps are learnt.
    """
    kinds = list(_begun(weights, poses, walk))
    moved = np.zeros_like(evidence.pulls)
    for _ in range(walk.rounds):
        precision = np.zeros((REACH + 1, *evidence.squares.shape))
        precision[0], pull = evidence.squares, evidence.pulls.copy()
        expected.added(weights, precision[0], pull, weights + moved[:, :WEIGHTS])
        precision[0][:, POSE, POSE] += 1 / walk.stride**2
        for steps in kinds:
            steps.added(precision, pull)
        found = solved(precision, pull)
        moved = found.mean
        for steps in kinds:
            steps.learnt(found, walk)
    return moved


def _begun(weights: np.ndarray, poses: np.ndarray, walk: Walk) -> Iterator[_Steps]:
    speeds = np.concatenate([np.diff(weights, axis=0), poses], axis=1)
    for kind in walk.kinds():
        steps = np.diff(speeds[:, kind.numbers], len(kind.stencil) - 2, axis=0)
        if len(steps):
            yield _Steps(kind, steps, np.diag(kind.spread**2), np.ones(len(steps)))
