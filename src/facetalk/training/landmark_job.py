"""From made trackings to landmark weights.

python -m facetalk.training.landmark_job --sets DIR --map map.safetensors --out landmarks.safetensors --run DIR
"""

import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from facetalk.landmarks.encoder import LandmarkEncoder
from facetalk.motion import DenoiserConfig
from facetalk.pipeline.follower import Follower
from facetalk.training.landmark_set import load_map
from facetalk.training.motion import MotionTask, MotionTraining, train
from facetalk.training.motion_clips import join, read_performances
from facetalk.training.motion_job import rig_of
from facetalk.training.motion_losses import Emphasis

AS_SEEN = MotionTraining(
    steps=4000,
    batch=8,
    average=0.995,
    unheard=0.1,
    expression=(1.0, 1.0),
    mirror=0.0,
    emphasis=Emphasis(mouth=1.0, velocity=1.0, seal=2.0),
    half=False,
)
"""Landmarks show how strong an expression is and on which side: neither is drawn anew against them."""


@dataclass(frozen=True)
class MakeFollower:
    """Train motion that follows landmarks, going on where an earlier call stopped."""

    sets: tuple[Path, ...]
    """Sets with features, as `facetalk.training.landmark_set` writes them."""
    map: Path
    """The landmark map they were made with."""
    out: Path
    """Weights to write."""
    run: Path
    """Folder of the run; an interrupted one goes on from there."""
    head: Path | None = None
    """Weights of the head; without them the codes are those of the rig encoder every head starts from."""
    hearing: int = 4
    """Frames on each side whose landmarks count."""
    minutes: float = float("inf")
    """Stop after so long; the same command goes on."""
    training: MotionTraining = field(default_factory=lambda: AS_SEEN)


def make(job: MakeFollower) -> dict[str, float | int | str]:
    """Train as told; returns what was done.

    Raises:
        InputError: a folder is not as documented.
        CheckpointError: the map is none.
    """
    clips = join([read_performances(folder, folder, ["train"]) for folder in job.sets])
    encoder = LandmarkEncoder(load_map(job.map))
    rig, head_hash = rig_of(job.head)
    live = MotionTask.live(clips, rig)
    sizes = replace(DenoiserConfig.small(live, clips.features.shape[1]), hearing=job.hearing)
    begun = time.monotonic()
    task = train(job.training, sizes, clips, rig, job.run, minutes=job.minutes)
    Follower(encoder, task.motion(head_hash, encoder.hash)).save(job.out)
    minutes = round((time.monotonic() - begun) / 60, 1)
    frames = int(clips.lengths.sum())
    return {"out": str(job.out), "clips": len(clips), "frames": frames, "live": live, "minutes": minutes}


if __name__ == "__main__":
    import tyro

    print(json.dumps(make(tyro.cli(MakeFollower))))
