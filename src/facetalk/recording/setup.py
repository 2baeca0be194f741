"""What a sequence needs before its windows are fitted: who it is, and where the head is in every frame."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.fitting.fit import is_head
from facetalk.fitting.guide import Guide, facing
from facetalk.fitting.scan import estimated_normals
from facetalk.head.fitting import Cloud, FitConfig, fit
from facetalk.head.model import Head
from facetalk.recording.areas import counted
from facetalk.recording.layout import Recording
from facetalk.recording.poses import Placement, followed, found
from facetalk.recording.states import matrices

LEAST = 10
"""Percentile of a weight over frames at which it rests."""


@dataclass(frozen=True)
class SetupConfig:
    """How identity and poses are sought."""

    neutral: tuple[int, ...] = ()
    """Frames in which the face rests, which an unknown identity is fitted to; found where none is named."""
    frames: int = 8
    """So many are looked for …"""
    candidates: int = 24
    """… among so many, spread over the sequence."""
    points: int = 3000
    """Points of each that are looked at."""
    first_look: FitConfig = field(default_factory=lambda: FitConfig(steps=80, points=100, pose=0.3, own=0.02))
    """Identity and expressions of all candidates together, which tells the resting ones."""
    identity: FitConfig = field(
        default_factory=lambda: FitConfig(steps=400, points=200, rate=0.06, pose=0.3, own=0.02, expression=0.1)
    )
    """Faces that rest have hardly an expression: what is seen of them is who they are."""
    resting: float = 30.0
    """Instead of its `expression` where frames are named: these have none."""


@dataclass(frozen=True)
class Setup:
    """Who it is, and where."""

    z_id: Float[np.ndarray, " identity"]
    T_head_world: Float[np.ndarray, "frame 4 4"]
    good: Bool[np.ndarray, " frame"]
    """Frames that were measured."""

    def arrays(self) -> dict[str, np.ndarray]:
        """For a file."""
        return {"z_id": self.z_id, "T_head_world": self.T_head_world, "good": self.good}


def set_up(
    recording: Recording, head: Head, bad: tuple[int, ...], z_id: Float[Tensor, " identity"] | None, config: SetupConfig
) -> Setup:
    """Identity, where it is not known, and poses of all frames; missing frames have their neighbours'.

    Raises:
        InputError: no head is found in the recording, or a neutral frame is named that was not measured.
    """
    good = np.ones(recording.about.frames, bool)
    good[list(bad)] = False
    lost = sorted(set(config.neutral) - set(np.flatnonzero(good).tolist()))
    if lost:
        raise InputError(f"{recording.folder}: neutral frame {lost[0]} is no measured one; name others")
    mean = torch.zeros(head.config.layout.size)
    guide, marks = _guide(head, mean if z_id is None else z_id)
    first = int(np.flatnonzero(good)[good.sum() // 2])
    landmarks = {name: places[first] for name, places in recording.landmarks().items()}
    name = f"{recording.folder}: frame {first}"
    start = found(guide, recording.points(first), landmarks, marks, name)
    if z_id is None:
        z_id = _identity(recording, head, guide, start, np.flatnonzero(good), config)
        guide, _ = _guide(head, z_id)
    placements = _track(recording, guide, start, first, good)
    return Setup(z_id.numpy(), matrices(placements), good)


def _guide(head: Head, z_id: Float[Tensor, " identity"]) -> tuple[Guide, dict[str, np.ndarray]]:
    with torch.no_grad():
        state = head.identify(z_id)
        marks = {name: place.double().numpy() for name, place in state.landmarks.items()}
    return Guide(head.posed(state, head.rest)), marks


def _identity(
    recording: Recording, head: Head, guide: Guide, start: Placement, good: np.ndarray, config: SetupConfig
) -> Float[Tensor, " identity"]:
    """One identity for the frames in which the face rests, small expressions and poses fitted with it."""

    def cloud(frame: int) -> Cloud:
        points = recording.points(frame)
        place = followed(guide, points, start, frame)
        placed = place(points.places)
        there, random = is_head(guide, placed), np.random.default_rng(frame)
        placed = placed[there]
        normals = estimated_normals(placed) if points.normals is None else points.normals[there] @ place.turn.T
        listened = random.uniform(size=len(placed)) < counted(placed)
        chosen = np.flatnonzero(listened)[random.permutation(listened.sum())[: config.points]]
        return facing(guide, placed[chosen], normals[chosen], alike=points.normals is not None)

    if config.neutral:
        named = replace(config.identity, expression=config.resting)
        return fit(head, [cloud(frame) for frame in config.neutral], named).z_id.detach()
    spread = np.linspace(0, len(good) - 1, min(config.candidates, len(good))).round().astype(int)
    candidates = [cloud(frame) for frame in good[spread].tolist()]
    clouds = [candidates[number] for number in _resting(head, candidates, config)]
    return fit(head, clouds, config.identity).z_id.detach()


def _resting(head: Head, clouds: list[Cloud], config: SetupConfig) -> list[int]:
    """The clouds whose expressions are smallest, by a first look at all of them together.

    What all expressions have in common is the identity's: weights are compared with what they are at the least.
    """
    if len(clouds) <= config.frames:
        return list(range(len(clouds)))
    weights = head.rig.solve(fit(head, clouds, config.first_look).codes.detach()).numpy()
    expressed = np.linalg.norm(weights - np.percentile(weights, LEAST, axis=0), axis=1)
    return sorted(np.argsort(expressed)[: config.frames].tolist())


def _track(
    recording: Recording, guide: Guide, start: Placement, first: int, good: Bool[np.ndarray, " frame"]
) -> list[Placement]:
    """From the frame that was found forwards and backwards."""
    placements = [start] * len(good)
    for order in (range(first, len(good)), range(first, -1, -1)):
        here = start
        for frame in order:
            here = followed(guide, recording.points(frame), here, frame) if good[frame] else here
            placements[frame] = here
    return placements
