"""Speech, landmarks or curves in, motion of a head out: the models, and the order in which they are used."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.head.kinds import rig_of
from facetalk.landmarks.encoder import seen_parts
from facetalk.landmarks.points import Landmarks
from facetalk.motion import Sampling, express
from facetalk.pipeline.backstage import Backstage
from facetalk.pipeline.clip import Clip, Origin, Save
from facetalk.pipeline.filling import filled
from facetalk.pipeline.identity import DEFAULT, Identity, find, wearing
from facetalk.pipeline.presenter import Watch, unwatched
from facetalk.pipeline.roads import DEFAULT_SURFACE, Surface
from facetalk.pipeline.weights import Weights
from facetalk.rig.curves import resample
from facetalk.speech import waveform
from facetalk.types import FRAME_RATE, ExpressionCodes, RigCurves, SpeechStream, Waveform

Windows = Callable[[SpeechStream, Sampling], Iterator[Tensor]]
"""Features and how to draw → codes, window by window."""
HIGHEST_EXPRESSIVENESS, HIGHEST_GUIDANCE = 3.0, 20.0


@dataclass(frozen=True)
class Performing:
    """How speech is turned into motion."""

    guidance: float = Sampling.guidance
    """How strongly motion follows speech: 1 as trained, more amplifies it, 0 ignores the sound."""
    steps: int = Sampling.steps
    """Diffusion steps, 1 to 1000; more are slower and hardly better."""
    expressiveness: float = 1.0
    """How far the face strays from rest: 1 as performed, below 1 is calmer, above 1 is livelier."""

    def check(self) -> None:
        """Refuse what cannot be performed.

        Raises:
            InputError: a number is out of range.
        """
        if not 1 <= self.steps <= 1000:
            raise InputError(f"--steps {self.steps} draws no motion; use 1 to 1000, for example {Sampling.steps}")
        for name, highest in (("guidance", HIGHEST_GUIDANCE), ("expressiveness", HIGHEST_EXPRESSIVENESS)):
            value = getattr(self, name)
            if not (isfinite(value) and 0 <= value <= highest):
                raise InputError(f"--{name} {value} is out of range; use 0 to {highest:g}, for example 1")


DEFAULT_PERFORMING = Performing()


@dataclass(frozen=True)
class Talker:
    """A head to be given speech or captured motion."""

    weights: Weights
    writer: Save
    backstage: Backstage = field(default_factory=Backstage, repr=False, compare=False)
    """Where people are made ready to be shown; those shown last stay so."""

    def expect(self, identity: Identity | str = DEFAULT, surface: Surface = DEFAULT_SURFACE) -> None:
        """Begin to make a person ready to be shown, beside what comes next: `animate` and `Clip.save` need not wait.

        Raises:
            InputError: there is no such person, or the surface cannot be made.
        """
        self.backstage.expect(self.weights.head, self._person(identity), surface)

    def animate(
        self, speech: Waveform | Path | str, *, identity: Identity | str = DEFAULT, seed: int = 0,
        performing: Performing = DEFAULT_PERFORMING, landmarks: Landmarks | None = None, watch: Watch = unwatched,
    ) -> Clip:  # fmt: skip
        """The head saying `speech` (a waveform, or a file to read it from), at `FRAME_RATE`.

        Where landmarks of the speaker are given and seen they are followed; speech fills what they do not show.

        Raises:
            InputError: the file, the identity or a setting cannot be used.
            CheckpointError: weights are missing or do not belong together.
        """
        performing.check()
        speech = speech if isinstance(speech, Waveform) else waveform.read(speech)
        motion, heard = self.weights.motion, self.weights.listen(speech)
        values = self._moved(motion.windows, heard, seed, performing, watch)
        if landmarks is not None:
            shown = self.weights.follower.encoder(landmarks)
            followed = self._moved(self.weights.follower.windows, shown.stream(), seed, _as_seen(performing), watch)
            values = filled(followed, values, seen_parts(landmarks), motion.rig.matrix)
        origin = _origin(seed, performing, heard.encoder_hash, self.weights.motion_hash)
        return self._clip(ExpressionCodes(values, heard.rate, motion.head_hash), identity, origin, speech)

    def follow(
        self, landmarks: Landmarks, *, identity: Identity | str = DEFAULT, seed: int = 0,
        performing: Performing = DEFAULT_PERFORMING, speech: Waveform | None = None, watch: Watch = unwatched,
    ) -> Clip:  # fmt: skip
        """The head moving as tracked landmarks do, at `FRAME_RATE`, with their sound where there is one.

        Guidance is about speech: landmarks show how strong an expression is, and are followed as they are.

        Raises:
            InputError: the landmarks, the identity or a setting cannot be used.
            CheckpointError: weights are missing or do not belong together.
        """
        performing.check()
        performing = _as_seen(performing)
        follower = self.weights.follower
        shown = follower.encoder(landmarks)
        values = self._moved(follower.windows, shown.stream(), seed, performing, watch)
        origin = _origin(seed, performing, shown.encoder_hash, follower.checkpoint.hash)
        return self._clip(ExpressionCodes(values, shown.rate, follower.motion.head_hash), identity, origin, speech)

    def perform(
        self, curves: RigCurves, *, identity: Identity | str = DEFAULT, seed: int = 0, expressiveness: float = 1.0,
        speech: Waveform | None = None,
    ) -> Clip:  # fmt: skip
        """The head moving as captured ARKit curves do, with their sound where there is one."""
        Performing(expressiveness=expressiveness).check()
        head = self.weights.head
        weights = resample(curves, FRAME_RATE).weights
        values = rig_of(head)(torch.from_numpy(weights).float().to(self.weights.device))
        codes = ExpressionCodes(self._expressed(values, expressiveness), FRAME_RATE, head.hash)
        return self._clip(codes, identity, Origin(seed, expressiveness=expressiveness), speech)

    def identity(self, wanted: str, hairstyle: str | None = None) -> Identity:
        """The person called by a name, "seed:N" or an .npz file; with another hairstyle where one is given.

        Raises:
            InputError: there is none, or no such hairstyle.
        """
        return wearing(self.weights.head, find(self.weights.head, wanted), hairstyle)

    def _moved(
        self, windows: Windows, features: SpeechStream, seed: int, performing: Performing, watch: Watch
    ) -> Float[Tensor, "frame code"]:
        """Codes of every frame of what is heard or seen, drawn window by window, on the CPU."""
        on_device = features.to(self.weights.device)
        values, done = torch.empty(len(features), len(self.weights.head.rest)), 0
        for window in windows(on_device, Sampling(steps=performing.steps, guidance=performing.guidance, seed=seed)):
            values[done : done + len(window)] = self._expressed(window, performing.expressiveness)
            done += len(window)
            watch(done, len(features))
        return values

    def _expressed(self, codes: Float[Tensor, "frame code"], expressiveness: float) -> Float[Tensor, "frame code"]:
        """Codes nearer to rest or further from it, on the CPU, where clips live."""
        return express(codes, self.weights.head.rest, expressiveness).cpu()

    def _clip(self, codes: ExpressionCodes, identity: Identity | str, origin: Origin, speech: Waveform | None) -> Clip:
        return Clip(codes, self.weights.head, self._person(identity), self.writer, speech, origin, self.backstage)

    def _person(self, identity: Identity | str) -> Identity:
        return identity if isinstance(identity, Identity) else self.identity(identity)


def _as_seen(performing: Performing) -> Performing:
    return replace(performing, guidance=1.0)


def _origin(seed: int, performing: Performing, encoder_hash: str, motion_hash: str) -> Origin:
    return Origin(seed, performing.guidance, performing.steps, performing.expressiveness, encoder_hash, motion_hash)
