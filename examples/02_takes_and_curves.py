"""Several performances of one recording as ARKit curves, and how they differ.

python examples/02_takes_and_curves.py voice.wav curves/
"""

from pathlib import Path

import numpy as np
import tyro

import facetalk
from facetalk.arkit import ARKIT_INDEX
from facetalk.pipeline.talker import DEFAULT_PERFORMING, Performing


def main(
    speech: tyro.conf.Positional[Path],
    folder: tyro.conf.Positional[Path],
    takes: int = 2,
    weights: Path | None = None,
    performing: Performing = DEFAULT_PERFORMING,
) -> None:
    talker = facetalk.load(weights)
    curves = []
    for seed in range(takes):
        clip = talker.animate(speech, seed=seed, performing=performing)
        clip.save(folder / f"take-{seed}.csv", overwrite=True)
        curves.append(clip.arkit().weights)
    for name in ("jawOpen", "browInnerUp", "eyeBlinkLeft"):
        columns = np.stack([weights[:, ARKIT_INDEX[name]] for weights in curves])
        print(f"{name}: spread over time {columns.std(1).mean():.3f}, between takes {columns.std(0).mean():.3f}")


if __name__ == "__main__":
    tyro.cli(main)
