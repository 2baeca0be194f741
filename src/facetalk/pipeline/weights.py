"""The three models of a weights folder, loaded when they are first needed, and refused when they do not match."""

from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path

import torch

from facetalk import checkpoint
from facetalk.errors import CheckpointError
from facetalk.head import hair, kinds
from facetalk.head.kinds import AnyHead
from facetalk.head.model import Head
from facetalk.motion import Motion
from facetalk.pipeline.follower import Follower
from facetalk.speech import encoder as speech_encoder
from facetalk.speech.encoder import Encoder
from facetalk.types import SpeechStream, Waveform

NAMES = ("head", "speech", "motion")
"""One .safetensors file each."""
BUNDLED = Path(str(resources.files("facetalk"))) / "weights"
"""The weights that come with the project."""


@dataclass(frozen=True)
class Weights:
    """A folder with head.safetensors, speech.safetensors and motion.safetensors; with hair.safetensors, people have
    hair."""

    folder: Path = BUNDLED
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    speech: str | None = None
    """Another encoder than the folder's: a file, a folder, or a name on the hub."""
    head_file: Path | None = None
    """Another head than the folder's: a file, or a folder with head.safetensors."""

    def path(self, name: str) -> Path:
        """The file of one model.

        Raises:
            CheckpointError: it is not there.
        """
        path = self.folder / f"{name}.safetensors"
        if not path.is_file():
            raise CheckpointError(f"{path}: no such weights; give --weights a folder with {name}.safetensors")
        return path

    @cached_property
    def head(self) -> AnyHead:
        """The head, with the hair that lies beside it."""
        wanted = self.head_file or self.path("head")
        path = wanted / "head.safetensors" if wanted.is_dir() else wanted
        head, beside = kinds.load(path), path.with_name("hair.safetensors")
        if isinstance(head, Head) and beside.is_file():
            head.hair = hair.load(beside, head.shape_hash)
        return head.to(self.device)

    @cached_property
    def encoder(self) -> Encoder:
        """The speech encoder."""
        return speech_encoder.load(self.speech or self.path("speech"))

    @cached_property
    def motion(self) -> Motion:
        """The motion model; it is refused unless it was trained for this head and encoder."""
        motion = Motion.load(self.path("motion"))
        motion.check_head(self.head.hash)
        if motion.speech_hash != self.encoder.hash:
            raise CheckpointError(
                f"motion was trained on speech encoder {motion.speech_hash}, not {self.encoder.hash}; "
                "use the encoder that belongs to it, or retrain motion (recipes/motion.md)"
            )
        return motion.to(self.device)

    @cached_property
    def follower(self) -> Follower:
        """What follows landmarks; it is refused unless it was trained for this head."""
        follower = Follower.load(self.path("landmarks"))
        follower.motion.check_head(self.head.hash)
        return follower.to(self.device)

    def listen(self, speech: Waveform) -> SpeechStream:
        """Features of speech, on the device, as they are asked for."""
        return self.encoder.stream(speech).to(self.device)

    @cached_property
    def motion_hash(self) -> str:
        """Hash of the motion model."""
        return checkpoint.load(self.path("motion"), "motion").hash
