"""One window of a sequence: what was measured of its frames, and where the search starts. Solvers take nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.head.model import Head
from facetalk.recording.areas import NEAR, counted, shares
from facetalk.recording.kept import Kept
from facetalk.recording.poses import Placement
from facetalk.recording.response import Responder
from facetalk.recording.states import State

CELL = 0.008
"""Of the grid on which a person's surface is kept, in units: 2 mm leave .015 mm of error near it."""


@dataclass(frozen=True)
class Person:
    """Whose frames they are."""

    head: Head
    z_id: Float[Tensor, " identity"]
    responder: Responder
    face: Float[np.ndarray, "3"]
    """Middle between mouth and eyes."""
    mouth: Float[np.ndarray, "3"]
    eyes: tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]

    @classmethod
    def of(cls, head: Head, z_id: Float[Tensor, " identity"]) -> "Person":
        """Somebody of a head."""
        with torch.no_grad():
            state = head.identify(z_id)
            marks = {name: place.double().numpy() for name, place in state.landmarks.items()}
        surface = Kept.of(lambda points: head.canonical(state, points), NEAR, CELL)
        mouth, eyes = marks["mouth_centre"], (marks["eye_left"], marks["eye_right"])
        return cls(head, z_id, Responder(head, z_id, surface), (mouth + sum(eyes) / 2) / 2, mouth, eyes)


@dataclass(frozen=True)
class Window:
    """Successive frames of one person."""

    person: Person
    first: int
    """Number of the first frame: draws depend on it and on nothing else."""
    clouds: tuple[Float[np.ndarray, "_ 3"], ...]
    """Points near the head in the recording's millimetres; none of a frame that is missing."""
    start: State
    before: State | None
    """The frames just before the first one, which are settled already."""
    seed: int = 0

    def random(self, frame: int) -> np.random.Generator:
        """What draws the points of a frame of the window."""
        return np.random.default_rng([self.seed, self.first + frame])


Solver = Callable[[Window], State]
"""Finds the frames of a window."""


@dataclass(frozen=True)
class Drawn:
    """As many points of every frame."""

    world: Float[np.ndarray, "frame point 3"]
    """Millimetres of the recording."""
    counts: Float[np.ndarray, "frame point"]
    """What each counts: 0 in missing frames, and where a frame has fewer."""

    def first(self, count: int) -> "Drawn":
        """As many of them, drawn alike."""
        return Drawn(self.world[:, :count], self.counts[:, :count])

    def placed(self, placements: list[Placement]) -> Float[Tensor, "frame point 3"]:
        """The points in head space."""
        placed = np.stack([place(points) for place, points in zip(placements, self.world, strict=True)])
        return torch.from_numpy(placed).float()


def drawn(window: Window, count: int) -> Drawn:
    """Points of every frame, each of them once, most of them where a face speaks and blinks."""
    count = min(count, max(1, *map(len, window.clouds)))
    world, counts = np.zeros((len(window.clouds), count, 3)), np.zeros((len(window.clouds), count))
    for frame, (cloud, place) in enumerate(zip(window.clouds, window.start.placements, strict=True)):
        if len(cloud):
            points = place(cloud)
            share = shares(points, window.person.face, (window.person.mouth, *window.person.eyes))
            there = min(count, len(cloud))
            chosen = window.random(frame).choice(len(cloud), there, p=share, replace=False)
            world[frame, :there], counts[frame, :there] = cloud[chosen], counted(points[chosen])
    return Drawn(world, counts)
