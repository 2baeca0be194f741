"""A fit that is killed at random moments, again and again, beside the unbroken one: the bytes must be equal.

python recipes/killed.py RECORDING OUT [MOMENTS [WEIGHTS]]
"""

import multiprocessing
import sys
import time
from pathlib import Path

import numpy as np
import torch

from facetalk.head import model
from facetalk.pipeline.weights import BUNDLED
from facetalk.recording import sequence
from facetalk.recording.sequence import Job

MOST = 0.5
"""A run is killed after half of what an unbroken one takes at the latest."""


def fit(recording: Path, dataset: Path, weights: Path) -> None:
    """One sequence of the mean person, whoever it shows: what is compared is bytes."""
    torch.set_num_threads(1)
    head = model.load(weights / "head.safetensors")
    sequence.fit(Job(recording, dataset), head, torch.zeros(head.config.layout.size))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main(recording: Path, out: Path, moments: int, weights: Path) -> None:
    """Print what each killed run left, and whether the last one wrote what the unbroken one did."""
    context, random = multiprocessing.get_context("fork"), np.random.default_rng(0)
    begun = time.perf_counter()
    fit(recording, out / "unbroken", weights)
    longest = MOST * (time.perf_counter() - begun)
    print(f"unbroken: {longest / MOST:.1f} s", flush=True)
    killed, ended = 0, 0
    while killed < moments:
        process = context.Process(target=fit, args=(recording, out / "killed", weights))
        process.start()
        process.join(random.uniform(0.0, longest))
        if process.exitcode is None:
            process.kill()
            process.join()
            killed += 1
            left = sorted(path.name for path in (out / "killed").rglob("*.npz"))
            print(f"killed {killed}: {len(left)} files, {left[-1:]}", flush=True)
            continue
        if process.exitcode:
            sys.exit(f"a run that nobody killed ended with {process.exitcode}")
        # Done before its moment came: begin anew, with earlier moments, until enough runs were killed.
        (out / "killed").rename(out / f"ended_{ended:02d}")
        ended, longest = ended + 1, longest / 2
    fit(recording, out / "killed", weights)
    wanted, ends = contents(out / "unbroken"), [*sorted(out.glob("ended_*")), out / "killed"]
    equal = sum({k: v for k, v in contents(end).items() if ".work" not in k} == wanted for end in ends)
    print(
        f"{killed} moments, {equal} of {len(ends)} results equal the unbroken one in every byte of {len(wanted)} files"
    )
    sys.exit(0 if equal == len(ends) else 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int((sys.argv[3:4] or [20])[0]), Path((sys.argv[4:5] or [BUNDLED])[0]))
