"""From folders to lids, gaze and brows, put into the file of the motion that they complete.

python -m facetalk.training.upper_face_job --sets DIR --features DIR --motion FILE --run DIR --out FILE
"""

import json
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from facetalk.errors import InputError
from facetalk.motion import Motion
from facetalk.motion.upper_face import UpperFace, UpperFaceConfig
from facetalk.training.loop import Plan, run
from facetalk.training.motion_clips import join, read_performances
from facetalk.training.upper_face import UpperFaceTask, UpperFaceTraining


@dataclass(frozen=True)
class Job:
    """Train an upper face on performances whose speech features are cached."""

    sets: tuple[Path, ...]
    """Performance folders: index.jsonl and `<id>.npz`."""
    features: tuple[Path, ...]
    """The folder with `<id>.npy` of each set, in the same order, of the encoder that the motion hears."""
    motion: Path
    """Motion weights that are given the upper face."""
    out: Path
    """Weights to write: the same motion with it."""
    run: Path
    """Folder of the run; an interrupted one goes on from there."""
    training: UpperFaceTraining = field(default_factory=UpperFaceTraining)
    initial: Path | None = None
    """Motion weights whose upper face it begins with, books and all; features of another size are learnt anew."""


def main(job: Job) -> None:
    """Train as told; print what was done.

    Raises:
        InputError: a folder is not as documented, or the initial weights have no upper face, or one of other sizes.
    """
    if len(job.sets) != len(job.features):
        raise InputError(f"{len(job.sets)} sets and {len(job.features)} feature folders: give one for each set")
    clips = join([read_performances(*pair, ["train"]) for pair in zip(job.sets, job.features, strict=True)])
    motion = Motion.load(job.motion)
    sizes = UpperFaceConfig(clips.features.shape[1], hearing=motion.denoiser.config.hearing)
    task = UpperFaceTask(job.training, sizes, clips, None if job.initial is None else _initial(job.initial))
    settings = {"training": asdict(job.training), "sizes": asdict(sizes), "clips": len(clips)}
    begun = time.monotonic()
    run(task, Plan(job.training.steps, job.training.seed), job.run, settings)
    replace(motion, upper_face=task.averaged.eval()).save(job.out)
    minutes = round((time.monotonic() - begun) / 60, 1)
    print(json.dumps({"out": str(job.out), "clips": len(clips), "minutes": minutes}))


def _initial(path: Path) -> UpperFace:
    found = Motion.load(path).upper_face
    if found is None:
        raise InputError(f"{path}: has no upper face to begin with; leave --initial out")
    return found


if __name__ == "__main__":
    import tyro

    main(tyro.cli(Job))
