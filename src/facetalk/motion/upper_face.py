"""Lids, gaze and brows, one frame after the other: a blink that is begun is carried through.

A denoiser that looks back draws all frames at the same noise level. When it begins a blink it cannot know whether the
frames ahead, as noisy still, will go on with it; and of two things that may happen, a blink or none, the mean that it
predicts is half a blink. Jaw and lips are told by sound and do not suffer. Here a recurrence reads the frames that were
drawn, and says how probable each of some hundred steps to the next frame is; one of them is drawn, never a mean.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES

ACROSS = {"eyeLookOutLeft": 0.5, "eyeLookInLeft": -0.5, "eyeLookInRight": 0.5, "eyeLookOutRight": -0.5}
"""How far both eyes look to the subject's left."""
UP = {"eyeLookUpLeft": 0.5, "eyeLookUpRight": 0.5, "eyeLookDownLeft": -0.5, "eyeLookDownRight": -0.5}
SINGLE = (
    *("eyeBlinkLeft", "eyeBlinkRight", "eyeWideLeft", "eyeWideRight"),
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
)
"""Weights that stand for themselves."""
GROUPS = (slice(0, 2), slice(2, 4), slice(4, 11))
"""Gestures that step together: gaze, lids, and brows with the lids they lift. Groups step without regard to each other,
but they remember each other."""
GAZE = 0
"""The group that goes to places: eyes jump to what they look at, and errors of many steps would add up."""
GESTURES = 2 + len(SINGLE)
"""Gaze across, gaze up, and the single weights."""
LIDS = slice(2, 4)
"""Gestures of blinks."""
NEARLY, DOWN = 0.7, 0.9
"""A lid that is nearly down meets the other one: from the first on weights are stretched, and the second is a shut eye.
Steps out of a book often end a little short of 1. Both numbers are from the validation split (`recipes/blinks.py`).
"""
UPPER_FACE = tuple(name in {*ACROSS, *UP, *SINGLE} for name in ARKIT_NAMES)
"""Which ARKit weights gestures say."""


def gestures(weights: Float[Tensor, "*batch 52"]) -> Float[Tensor, "*batch gesture"]:
    """Gaze across and up, which no sign divides, and the single weights of lids and brows."""
    look = weights.new_zeros(GESTURES, len(ARKIT_NAMES))
    for row, shares in enumerate((ACROSS, UP, *({name: 1.0} for name in SINGLE))):
        for name, share in shares.items():
            look[row, ARKIT_INDEX[name]] = share
    return weights @ look.T


def curves(made: Float[Tensor, "*batch gesture"]) -> Float[Tensor, "*batch 52"]:
    """ARKit weights of gestures, both eyes looking the same way; 0 where gestures say nothing."""
    weights = made.new_zeros(*made.shape[:-1], len(ARKIT_NAMES))
    for column, shares in enumerate((ACROSS, UP)):
        for name, share in shares.items():
            weights[..., ARKIT_INDEX[name]] = (made[..., column] * (1 if share > 0 else -1)).clamp(min=0)
    for column, name in enumerate(SINGLE, start=2):
        weights[..., ARKIT_INDEX[name]] = made[..., column]
    return weights


def possible(made: Float[Tensor, "*batch gesture"]) -> Float[Tensor, "*batch gesture"]:
    """Gestures within what weights can say: −1..1 for gaze, 0..1 for lids and brows."""
    return torch.cat([made[..., :2].clamp(-1, 1), made[..., 2:].clamp(0, 1)], -1)


def met(made: Float[Tensor, "*batch gesture"]) -> Float[Tensor, "*batch gesture"]:
    """Gestures with lids that are nearly down all the way down; what is not nearly down stays."""
    lids = made[..., LIDS]
    lids = lids + (lids - NEARLY).clamp(min=0) * ((1 - NEARLY) / (DOWN - NEARLY) - 1)
    return torch.cat([made[..., : LIDS.start], lids.clamp(max=1), made[..., LIDS.stop :]], -1)


@dataclass(frozen=True)
class UpperFaceConfig:
    """Sizes of an `UpperFace`."""

    features: int
    """Size of one speech feature vector."""
    width: int = 96
    heard: int = 32
    """Size of what is heard at a frame; small, so that the sound of a clip does not tell which clip it is."""
    hearing: int = 2
    """Audio frames heard on each side of frame i."""
    choices: tuple[int, ...] = (128, 96, 128)
    """Steps to choose from in each of `GROUPS`, standing still among them."""


class UpperFace(nn.Module):
    """p(step to this frame | frames before, speech) of gestures, each group's choices out of a book of its own.

    The first choice of every book is to stand still; the others are steps, and places for the gaze.
    """

    speech_mean: Tensor
    speech_scale: Tensor
    scale: Tensor

    def __init__(self, config: UpperFaceConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("speech_mean", torch.zeros(config.features))
        self.register_buffer("speech_scale", torch.ones(config.features))
        self.register_buffer("scale", torch.ones(GESTURES))
        for number, (group, count) in enumerate(zip(GROUPS, config.choices, strict=True)):
            self.register_buffer(f"book_{number}", torch.zeros(count, group.stop - group.start))
        self.listening = nn.Conv1d(config.features, config.heard, 2 * config.hearing + 1)
        self.memory = nn.GRU(2 * GESTURES + config.heard, config.width, batch_first=True)
        self.exit = nn.Linear(config.width, sum(config.choices))

    @property
    def books(self) -> list[Float[Tensor, "choice dimension"]]:
        """The choices of each group."""
        return [getattr(self, f"book_{number}") for number in range(len(GROUPS))]

    def listen(self, features: Float[Tensor, "batch longer feature"]) -> Float[Tensor, "batch frame heard"]:
        """What is heard at each frame; features reach `config.hearing` frames further on each side."""
        standard = (features - self.speech_mean) / self.speech_scale
        return self.listening(standard.mT).mT

    def chances(
        self,
        place: Float[Tensor, "batch frame gesture"],
        step: Float[Tensor, "batch frame gesture"],
        heard: Float[Tensor, "batch frame heard"],
        state: Float[Tensor, "1 batch width"] | None,
    ) -> tuple[list[Float[Tensor, "batch frame _"]], Float[Tensor, "1 batch width"]]:
        """Logits of each group's steps, from where the face was a frame before, how it came there, and speech."""
        # A frame's step is ten times smaller than the way between frames far apart.
        seen = torch.cat([place / self.scale, 10 * step / self.scale, heard], -1)
        states, last = self.memory(seen, state)
        return list(self.exit(states).split(self.config.choices, -1)), last

    def nearest(
        self, place: Float[Tensor, "batch gesture"], wanted: Float[Tensor, "batch gesture"]
    ) -> Int[Tensor, "batch group"]:
        """Which choice of each book leads nearest to the place that is wanted; standing still, if several do."""
        found = []
        for number, (group, book) in enumerate(zip(GROUPS, self.books, strict=True)):
            ends = book if number == GAZE else place[:, None, group] + book
            ends = torch.cat([place[:, None, group], ends.expand(len(place), -1, -1)[:, 1:]], 1)
            found.append((ends - wanted[:, None, group]).square().sum(-1).argmin(1))
        return torch.stack(found, 1)

    def moved(
        self, place: Float[Tensor, "batch gesture"], chosen: Int[Tensor, "batch group"]
    ) -> Float[Tensor, "batch gesture"]:
        """Where the choices lead."""
        ends = []
        for number, (group, book, which) in enumerate(zip(GROUPS, self.books, chosen.T, strict=True)):
            gone = book[which] if number == GAZE else place[:, group] + book[which]
            ends.append(torch.where(which[:, None] == 0, place[:, group], gone))
        return possible(torch.cat(ends, 1))


class Performance:
    """An upper face as it goes on: where it is and what it remembers. It begins with eyes open, straight ahead."""

    def __init__(self, model: UpperFace) -> None:
        self.model = model
        self._place = torch.zeros(1, GESTURES, device=model.scale.device)
        self._step = torch.zeros_like(self._place)
        self._state: Tensor | None = None

    def __call__(
        self, heard: Float[Tensor, "frame heard"], noise: Float[Tensor, "frame group"]
    ) -> Float[Tensor, "frame gesture"]:
        """The next frames, from what is heard at them (`UpperFace.listen`) and standard normal noise."""
        pairs = zip(heard.split(1), torch.special.ndtr(noise).split(1), strict=True)
        return torch.cat([self._next(sound[None], chance) for sound, chance in pairs])

    def _next(self, heard: Float[Tensor, "1 1 heard"], chance: Float[Tensor, "1 group"]) -> Float[Tensor, "1 gesture"]:
        logits, self._state = self.model.chances(self._place[None], self._step[None], heard, self._state)
        chosen = torch.stack([drawn(each[:, 0], chance[:, group]) for group, each in enumerate(logits)], 1)
        before, self._place = self._place, self.model.moved(self._place, chosen)
        self._step = self._place - before
        return self._place


def drawn(logits: Float[Tensor, "batch choice"], chance: Float[Tensor, " batch"]) -> Int[Tensor, " batch"]:
    """The choice that a number between 0 and 1 falls on, choices being as wide as they are probable."""
    ends = logits.softmax(-1).cumsum(-1)
    return (ends < chance[:, None]).sum(-1).clamp(max=logits.shape[-1] - 1)
