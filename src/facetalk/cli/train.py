"""`facetalk head|motion|speech train`: the options of each training are its own configuration.

Settings of nested parts share names, so here their options keep the name of the part in front.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from facetalk.cli.command import Job, ReportingJob
from facetalk.training import head as head_training
from facetalk.training import motion_job
from facetalk.training import speech as speech_training


@dataclass(frozen=True, kw_only=True)
class Head(head_training.HeadTraining, Job):
    """Train a head, going on where an earlier call stopped.

    Example:
      facetalk head train --data sets/heads --out runs/head
    """

    markers: ClassVar[tuple[Any, ...]] = ()

    def run_job(self) -> None:
        """Train."""
        print(head_training.train(self))


@dataclass(frozen=True, kw_only=True)
class Speech(speech_training.Run, Job):
    """Train the speech encoder, going on where an earlier call stopped.

    Example:
      facetalk speech train --data sets/speech --out runs/speech
    """

    markers: ClassVar[tuple[Any, ...]] = ()

    def run_job(self) -> None:
        """Train."""
        speech_training.main(self)


@dataclass(frozen=True, kw_only=True)
class Motion(motion_job.Make, ReportingJob):
    """Train the motion model, going on where an earlier call stopped.

    Example:
      facetalk motion train --sets sets/performances --features sets/features --speech runs/speech/speech.safetensors
        --head runs/head/head.safetensors --run runs/motion --out runs/motion/motion.safetensors
    """

    markers: ClassVar[tuple[Any, ...]] = ()

    def run_job(self) -> None:
        """Train, and say what was done."""
        done = motion_job.make(self)
        self.report(done, [f"{name}: {value}" for name, value in done.items()])


@dataclass(frozen=True, kw_only=True)
class Stamp(motion_job.Stamp, Job):
    """Give motion weights to a head that was trained on but still makes the same codes of the same weights.

    Example:
      facetalk motion stamp --model motion.safetensors --head head.safetensors
    """

    markers: ClassVar[tuple[Any, ...]] = ()

    def run_job(self) -> None:
        """Stamp them."""
        motion_job.stamp(self)
        print(self.model)
