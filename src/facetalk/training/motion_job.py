"""From folders to motion weights, and what to do when the head changes.

python -m facetalk.training.motion_job make --sets DIR --features DIR --out motion.safetensors --run DIR
python -m facetalk.training.motion_job stamp --model motion.safetensors --head head.safetensors
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch

from facetalk import checkpoint, device
from facetalk.arkit import ARKIT_NAMES
from facetalk.errors import InputError
from facetalk.head.model import load as load_head
from facetalk.head.rig import RigEncoder
from facetalk.motion import (
    AnyConfig,
    AutoregressiveConfig,
    DenoiserConfig,
    Motion,
    RecurrentConfig,
    Rig,
    Schedule,
    WithoutFilmConfig,
    WithoutMaskConfig,
    restamp,
)
from facetalk.pipeline import follower
from facetalk.pipeline.follower import Follower
from facetalk.training import team
from facetalk.training.feature_note import encoder_hash
from facetalk.training.motion import MotionTask, MotionTraining, train
from facetalk.training.motion_clips import join, read_performances

SIZES: dict[str, Callable[[int, int], AnyConfig]] = {
    "base": DenoiserConfig.base,
    "paper": DenoiserConfig.paper,
    "small": DenoiserConfig.small,
    "tiny": DenoiserConfig.tiny,
    "recurrent": RecurrentConfig,
    "autoregressive": AutoregressiveConfig,
    "small-without-film": WithoutFilmConfig.small,
    "small-without-mask": WithoutMaskConfig.small,
}
"""The last four are rivals of the denoiser, and denoisers without a part (`facetalk.motion.rivals`, `ablations`)."""
NO_HEAD = "unstamped"
"""Stands for the hash of a head that is not trained yet; `stamp` replaces it."""


@dataclass(frozen=True)
class Make:
    """Train motion on performances whose speech features are cached."""

    sets: tuple[Path, ...]
    """Performance folders: index.jsonl and `<id>.npz`."""
    features: tuple[Path, ...]
    """The folder with `<id>.npy` of each set, in the same order."""
    out: Path
    """Weights to write."""
    run: Path
    """Folder of the run; an interrupted one goes on from there."""
    speech: Path | None = None
    """Weights of the encoder that made the features; not needed where their folders name it."""
    head: Path | None = None
    """Weights of the head; without them the codes are those of the rig encoder every head starts from."""
    size: Literal[
        "base", "paper", "small", "tiny", "recurrent", "autoregressive", "small-without-film", "small-without-mask"
    ] = "base"
    hearing: int = 2
    """Audio frames heard on each side of a frame; 0 is the paper's diagonal mask."""
    times: int = 1000
    """Diffusion times. 1 is no diffusion: one pass from noise that tells nothing. The autoregressive rival wants 1."""
    initial: Path | None = None
    """Motion weights to start from."""
    minutes: float = float("inf")
    """Stop after so long; the same command goes on."""
    device: str = "auto"
    """cpu, cuda …; auto is CUDA where there is one. Processes of `accelerate launch` take one each."""
    training: MotionTraining = field(default_factory=MotionTraining)


@dataclass(frozen=True)
class Stamp:
    """Give motion or landmark weights to a head that makes the same codes of the same weights."""

    model: Path
    head: Path


def make(job: Make) -> dict[str, float | int | str]:
    """Train as told; returns what was done.

    Raises:
        InputError: a folder is not as documented.
    """
    if len(job.sets) != len(job.features):
        raise InputError(f"{len(job.sets)} sets and {len(job.features)} feature folders: give one for each set")
    known = None if job.speech is None else checkpoint.load(job.speech, "speech").hash
    heard = encoder_hash(job.features, known)
    team.current()  # of several CUDA devices, says which one is this process's
    clips = join([read_performances(*pair, ["train"]) for pair in zip(job.sets, job.features, strict=True)])
    clips = clips.to(device.pick(job.device))
    initial = None if job.initial is None else Motion.load(job.initial)
    rig, head_hash = rig_of(job.head)
    live = MotionTask.live(clips, rig) if initial is None else initial.normaliser.live
    sizes = replace(SIZES[job.size](live, clips.features.shape[1]), hearing=job.hearing)
    begun = time.monotonic()
    task = train(
        job.training, sizes, clips, rig, job.run, initial=initial, schedule=Schedule(job.times), minutes=job.minutes
    )
    motion = task.motion(head_hash, heard)
    motion.save(job.out)
    minutes = round((time.monotonic() - begun) / 60, 1)
    frames = int(clips.lengths.sum())
    return {"out": str(job.out), "clips": len(clips), "frames": frames, "live": live, "minutes": minutes}


def stamp(job: Stamp) -> dict[str, str]:
    """Rewrite the weights with another head's hash.

    Raises:
        CheckpointError: the head's codes differ; motion has to be trained again.
    """
    rig, head_hash = rig_of(job.head)
    if checkpoint.kind_of(job.model) == follower.KIND:
        Follower.load(job.model).restamped(head_hash, rig).save(job.model)
    else:
        restamp(Motion.load(job.model), head_hash, rig).save(job.model)
    return {"model": str(job.model), "head_hash": head_hash}


def rig_of(path: Path | None) -> tuple[Rig, str]:
    """The linear rig of a head and the head's hash; without a head, the rig encoder every head starts from."""
    head = None if path is None else load_head(path)
    encoder = RigEncoder() if head is None else head.rig
    with torch.no_grad():
        rest = encoder(torch.zeros(len(ARKIT_NAMES)))
        matrix = (encoder(torch.eye(len(ARKIT_NAMES))) - rest).T.contiguous()
    return Rig(rest, matrix), NO_HEAD if head is None else head.hash


if __name__ == "__main__":
    import tyro

    chosen = tyro.cli(Make | Stamp)
    print(json.dumps(make(chosen) if isinstance(chosen, Make) else stamp(chosen)))
