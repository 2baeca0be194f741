"""Landmarks in place of speech: a landmark encoder and the motion model that was trained on it, in one file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint
from facetalk.errors import CheckpointError
from facetalk.landmarks.encoder import LandmarkEncoder
from facetalk.landmarks.face_map import FaceMap
from facetalk.motion import Motion, Rig, Sampling, restamp
from facetalk.motion.calm import AS_DRAWN
from facetalk.types import SpeechStream

KIND = "landmarks"
MAP = "map."
"""How the names of the map's tensors begin."""


@dataclass(frozen=True)
class Follower:
    """What follows landmarks."""

    encoder: LandmarkEncoder
    motion: Motion

    def __post_init__(self) -> None:
        if self.motion.speech_hash != self.encoder.hash:
            raise CheckpointError(
                f"motion was trained on landmark map {self.motion.speech_hash}, not {self.encoder.hash}; "
                "train it on this map (recipes/landmarks.md)"
            )

    def windows(self, features: SpeechStream, sampling: Sampling) -> Iterator[Float[Tensor, "frame code"]]:
        """Codes of every frame, window by window, of ARKit weights within 0 and 1.

        Real lids and lips close further than the linear map knows, and would be followed beyond what the head can do.
        Lids are followed as they are seen, however quick, and there is nothing for chance to decide about lips.
        """
        rig = self.motion.rig
        for codes in self.motion.windows(features, replace(sampling, calm=AS_DRAWN, spacing=1.0, mouth_noise=0.0)):
            yield rig.codes(rig.weights(codes).clamp(0, 1))

    def to(self, device: torch.device) -> "Follower":
        """The same with its motion on another device; landmarks are fitted on the CPU."""
        return replace(self, motion=self.motion.to(device))

    def restamped(self, head_hash: str, rig: Rig) -> "Follower":
        """The same for another head that makes the same codes.

        Raises:
            CheckpointError: it makes others.
        """
        return replace(self, motion=restamp(self.motion, head_hash, rig))

    @property
    def checkpoint(self) -> Checkpoint:
        """Both parts."""
        motion = self.motion.checkpoint
        face = {f"{MAP}{name}": value for name, value in self.encoder.face.checkpoint.tensors.items()}
        return Checkpoint(KIND, motion.config, {**motion.tensors, **face})

    def save(self, path: Path | str) -> None:
        """Write them."""
        checkpoint.save(self.checkpoint, path)

    @classmethod
    def load(cls, path: Path | str) -> "Follower":
        """Read what `save` wrote.

        Raises:
            CheckpointError: not landmark weights, damaged ones, or parts that do not belong together.
        """
        saved = checkpoint.load(path, KIND)
        face = {name.removeprefix(MAP): value for name, value in saved.tensors.items() if name.startswith(MAP)}
        return cls(LandmarkEncoder(FaceMap.of(face, str(path))), Motion.of(saved, str(path)))
