"""What a sequence needs before its windows are fitted: who it is, and where the head is in every frame."""

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.fitting.guide import Guide
from facetalk.head.fitting import Cloud, FitConfig, fit
from facetalk.head.model import Head
from facetalk.recording.areas import counted
from facetalk.recording.layout import Recording
from facetalk.recording.poses import Placement, followed, found, is_head
from facetalk.recording.states import matrices


@dataclass(frozen=True)
class SetupConfig:
    """How identity and poses are sought."""

    frames: int = 8
    """Frames that an unknown identity is fitted to, spread over the sequence."""
    points: int = 3000
    """Points of each that are looked at."""
    identity: FitConfig = field(default_factory=lambda: FitConfig(steps=200, points=200, pose=0.3, own=0.02))


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
        InputError: no head is found in the recording.
    """
    good = np.ones(recording.about.frames, bool)
    good[list(bad)] = False
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
    """One identity for some frames spread over the sequence, their expressions and poses fitted with it."""
    spread = np.linspace(0, len(good) - 1, min(config.frames, len(good))).round().astype(int)
    clouds = []
    for frame in good[spread].tolist():
        points = recording.points(frame)
        placed = followed(guide, points, start, frame)(points.places)
        random = np.random.default_rng(frame)
        placed = placed[is_head(guide, placed) & (random.uniform(size=len(placed)) < counted(placed))]
        chosen = random.permutation(len(placed))[: config.points]
        clouds.append(Cloud(torch.from_numpy(placed[chosen]).float(), None))
    return fit(head, clouds, config.identity).z_id.detach()


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
