"""Writes the encoder's features of every clip, once, for training and judging motion.

    python -m facetalk.training.speech_features --timed-speech DIR --librispeech DIR --facegood DIR --out DIR

Each clip becomes `<id>.npy`, half precision, [frame, feature] at 30 fps; `encoder.json` names the encoder they are of.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from facetalk.data import corpus, facegood, timed_speech
from facetalk.speech import encoder, waveform
from facetalk.training.feature_note import claim


@dataclass(frozen=True)
class FeatureSources:
    """Clips whose features are written; a folder left out is passed over."""

    out: Path
    """Folder to write; clips already there are kept."""
    timed_speech: Path | None = None
    """Folder with index.jsonl and clips/."""
    facegood: Path | None = None
    """Folder with wav/."""
    librispeech: Path | None = None
    """Folder with LibriSpeech parts; its held-out parts are written."""
    encoder: str = encoder.BUNDLED
    """"bundled", a .safetensors file, a folder or a name on the hub."""
    threads: int = 1


def main(sources: FeatureSources) -> None:
    """Write the features of all clips, and `DONE` when they are complete.

    Raises:
        InputError: the folder holds features of another encoder.
    """
    torch.set_num_threads(sources.threads)
    model = encoder.load(sources.encoder)
    sources.out.mkdir(parents=True, exist_ok=True)
    claim(sources.out, model)
    for name, path in track(list(clips(sources)), "features"):
        if not (sources.out / f"{name}.npy").exists():
            _write(model(waveform.read(path)).values.numpy(), sources.out / f"{name}.npy")
    (sources.out / "DONE").touch()


def clips(sources: FeatureSources) -> Iterator[tuple[str, Path]]:
    """Id and file of every clip, the real recordings first."""
    if sources.facegood is not None:
        for name in facegood.names(sources.facegood):
            yield name, sources.facegood / "wav" / f"{name}.wav"
    if sources.timed_speech is not None:
        for clip in timed_speech.read(sources.timed_speech):
            yield clip.id, clip.path
    if sources.librispeech is not None:
        for utterance in corpus.read(sources.librispeech):
            if utterance.split == "test":
                yield utterance.id, utterance.path


def _write(values: np.ndarray, path: Path) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, values.astype(np.float16))
    os.replace(partial, path)


if __name__ == "__main__":
    import tyro

    main(tyro.cli(FeatureSources))
