"""What a linear reader of the teacher says about the mouth: the directions of the teacher that move lips.

    python -m facetalk.training.speech_readout --data PACK --facegood DIR --performances DIR

Two ridges read the packed teacher components: one to captured mouth curves, one to generated ARKit curves (training
recordings and clips alone). What they say of any sound, with or without curves of its own, is a target of the encoder:
plain distances to the teacher spend themselves on what never shows in a face.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
import tyro
from jaxtyping import Float
from rich.progress import track

from facetalk.arkit import ARKIT_NAMES
from facetalk.data import facegood, performance_files
from facetalk.data.ridge import Ridge, fit, stacked
from facetalk.training import speech_set
from facetalk.training.speech_set import READOUT, READOUT_REACH, Example

LEAST_SPREAD = 0.02
"""Curves that move less than this (standard deviation) are not read."""
PENALTIES = {"captured": 1e5, "generated": 1e4}
GENERATED_CLIPS = 600
MOUTH_PREFIXES = ("jaw", "mouth", "tongue", "cheek")


@dataclass(frozen=True)
class Sources:
    """What the reader is fitted on."""

    data: Path
    """Packed set; the reader is written into it."""
    facegood: Path
    """Folder with wav/, bs_value/ and channels.txt."""
    performances: Path
    """Folder of `facetalk data performances`."""


Pairs = list[tuple[np.ndarray, np.ndarray]]


def main(sources: Sources) -> None:
    """Fit both readers and write them as one."""
    examples = {example.id: example for example in speech_set.read(sources.data).examples}
    readers = [
        reader(_captured(sources, examples), PENALTIES["captured"]),
        reader(_generated(sources, examples), PENALTIES["generated"]),
    ]
    joined = {
        "weights": np.concatenate([weights for weights, _ in readers], axis=1).astype(np.float32),
        "offset": np.concatenate([offset for _, offset in readers]).astype(np.float32),
    }
    partial = sources.data / f".{READOUT}"
    safetensors.numpy.save_file(joined, partial)
    partial.rename(sources.data / READOUT)


def _captured(sources: Sources, examples: dict[str, Example]) -> Pairs:
    recordings = [each for each in facegood.read(sources.facegood) if each.split == "train" and each.name in examples]
    moving = np.concatenate([each.curves for each in recordings]).std(axis=0) > LEAST_SPREAD
    mouth = np.array([name.startswith("mouth_") for name in recordings[0].channels])
    return [_pair(examples[each.name], each.curves[:, moving & mouth]) for each in recordings]


def _generated(sources: Sources, examples: dict[str, Example]) -> Pairs:
    entries = [
        entry
        for entry in performance_files.read_index(sources.performances)
        if entry.kind == "generated" and entry.split == "train" and entry.id in examples
    ]
    mouth = [index for index, name in enumerate(ARKIT_NAMES) if name.startswith(MOUTH_PREFIXES)]
    chosen = entries[:: max(len(entries) // GENERATED_CLIPS, 1)]
    curves = [performance_files.read(sources.performances, entry.id).weights[:, mouth] for entry in track(chosen)]
    moving = np.concatenate(curves).std(axis=0) > LEAST_SPREAD
    return [_pair(examples[entry.id], each[:, moving]) for entry, each in zip(chosen, curves, strict=True)]


def _pair(example: Example, curves: Float[np.ndarray, "frame curve"]) -> tuple[np.ndarray, np.ndarray]:
    rows = stacked(example.components, READOUT_REACH)
    frames = min(len(rows), len(curves))
    return rows[:frames], curves[:frames]


def reader(pairs: Pairs, penalty: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights and offset of a reader whose curves have zero mean and unit variance over what it was fitted on."""
    ridge: Ridge = fit(pairs, penalty)
    said = np.concatenate([ridge(inputs) for inputs, _ in pairs])
    truth = np.concatenate([curves for _, curves in pairs])
    print(
        f"{said.shape[1]} curves, {len(said)} frames, {1 - (said - truth).var(0).sum() / truth.var(0).sum():.2f} read"
    )
    weights = ridge.weights / ridge.scale[:, None]
    spread = said.std(axis=0)
    return weights / spread, (ridge.offset - ridge.mean @ weights - said.mean(axis=0)) / spread


if __name__ == "__main__":
    main(tyro.cli(Sources))
