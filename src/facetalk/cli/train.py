"""`facetalk head|motion|speech train`: the options of each training are its own configuration."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from facetalk.cli.command import Job
from facetalk.errors import InputError
from facetalk.head import model as head_model
from facetalk.motion import DenoiserConfig, Rig
from facetalk.training import head as head_training
from facetalk.training import motion as motion_training
from facetalk.training import speech as speech_training
from facetalk.training.motion import MotionTraining
from facetalk.training.motion_clips import read_performances


@dataclass(frozen=True, kw_only=True)
class Head(head_training.HeadTraining, Job):
    """Train a head, going on where an earlier call stopped.

    Example:
      facetalk head train --data sets/heads --out runs/head
    """

    def run(self) -> None:
        """Train."""
        print(head_training.train(self))


@dataclass(frozen=True, kw_only=True)
class Speech(speech_training.Run, Job):
    """Train the speech encoder, going on where an earlier call stopped.

    Example:
      facetalk speech train --data sets/speech --out runs/speech
    """

    def run(self) -> None:
        """Train."""
        speech_training.main(self)


@dataclass(frozen=True, kw_only=True)
class Motion(Job):
    """Train the motion model, going on where an earlier call stopped.

    Example:
      facetalk motion train --data sets/performances --features sets/features --head runs/head/head.safetensors \\
        --out runs/motion
    """

    data: Path
    """Performances, as facetalk data performances writes them."""
    features: Path
    """Speech features of their clips, with encoder.json (recipes/motion.md)."""
    head: Path
    """The head whose codes are learnt."""
    out: Path
    """Receives state, log and motion.safetensors."""
    splits: tuple[str, ...] = ("train",)
    """Splits to train on."""
    training: MotionTraining = field(default_factory=MotionTraining)
    preset: Literal["base", "paper", "tiny"] = "base"
    """Size of the denoiser."""
    hearing: int = 2
    """Audio frames heard on each side of a frame; 0 is the paper's diagonal mask."""
    minutes: float = float("inf")
    """Stop after this many minutes, to go on in another call."""

    def run(self) -> None:
        """Train, and write the model."""
        head = head_model.load(self.head)
        rig = Rig(head.rest, head.rig.basis)
        clips = read_performances(self.data, self.features, self.splits)
        size = {"base": DenoiserConfig.base, "paper": DenoiserConfig.paper, "tiny": DenoiserConfig.tiny}[self.preset]
        live, heard = motion_training.MotionTask.live(clips, rig), clips.features.shape[1]
        sizes = replace(size(live, heard), hearing=self.hearing)
        task = motion_training.train(self.training, sizes, clips, rig, self.out, minutes=self.minutes)
        path = self.out / "motion.safetensors"
        task.motion(head.hash, encoder_hash(self.features)).save(path)
        print(path)


def encoder_hash(features: Path) -> str:
    """The encoder that a folder of features is of.

    Raises:
        InputError: the folder does not say.
    """
    path = features / "encoder.json"
    if not path.is_file():
        raise InputError(f"{path}: missing, so nobody knows which encoder made these features; write them again")
    return json.loads(path.read_text())["hash"]
