"""Training clips heard through noise, other voices, rooms and lines: the same motion, features of disturbed sound.

    python -m facetalk.training.motion_disturbed --performances DIR --out DIR [--encoder FILE]

An encoder says of disturbed sound nearly what it says of clean sound. Motion that never met the difference takes it for
speech; this set shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from rich.progress import track

from facetalk.data import performance_files
from facetalk.data.performance_files import Entry
from facetalk.errors import InputError
from facetalk.speech import encoder, waveform
from facetalk.training.augmentation import Augmentation, babble, disturbed
from facetalk.training.feature_note import claim
from facetalk.types import Waveform


@dataclass(frozen=True)
class DisturbedSet:
    """What to make of what."""

    performances: Path
    """Set whose training clips are heard."""
    out: Path
    """Folder to write; features lie beside the curves."""
    encoder: str = encoder.BUNDLED
    """Weights of the speech encoder."""
    clips: int = 600
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    """Its change of speed is left out: lips would be late."""


def main(config: DisturbedSet) -> None:
    """Write the set.

    Raises:
        InputError: the performances have no training clip, or the folder holds another encoder's features.
    """
    chosen = chosen_entries(config)
    hear = encoder.load(config.encoder)
    config.out.mkdir(parents=True, exist_ok=True)
    claim(config.out, hear)
    made = []
    for number, entry in enumerate(track(chosen, "disturbed clips")):
        random = np.random.default_rng((config.seed, number))
        features = hear(heard(config, entry, chosen, random)).values.numpy().astype(np.float16)
        name = f"disturbed_{entry.id}"
        performance = performance_files.read(config.performances, entry.id)
        performance_files.write(performance, config.out, name)
        np.save(config.out / f"{name}.npy", features)
        made.append(replace(entry, id=name, audio=""))
    performance_files.write_index(made, config.out)


def chosen_entries(config: DisturbedSet) -> list[Entry]:
    """Training clips, drawn without repetition."""
    train = [entry for entry in performance_files.read_index(config.performances) if entry.split == "train"]
    if not train:
        raise InputError(f"{config.performances}: no clip of split train; see the splits in its index.jsonl")
    count = min(config.clips, len(train))
    return [train[index] for index in np.random.default_rng((config.seed, 5)).choice(len(train), count, replace=False)]


def heard(config: DisturbedSet, entry: Entry, others: Sequence[Entry], random: np.random.Generator) -> Waveform:
    """The sound of a clip, disturbed; in some, others talk in the background."""
    samples = _samples(config, entry)
    voices = babble(
        lambda: _samples(config, others[int(random.integers(len(others)))]), len(samples), config.augmentation, random
    )
    return Waveform(disturbed(samples, config.augmentation, random, voices))


def _samples(config: DisturbedSet, entry: Entry) -> np.ndarray:
    return waveform.read(performance_files.audio_path(config.performances, entry)).samples


if __name__ == "__main__":
    import tyro

    main(tyro.cli(DisturbedSet))
