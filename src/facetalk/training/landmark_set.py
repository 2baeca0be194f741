"""Training clips for following landmarks: performances as made trackings show them, with the features of these.

    python -m facetalk.training.landmark_set --map map.safetensors --performances DIR --out DIR

Written like any performance set, with the features beside, so that motion trains on it as on speech. Landmarks do not
come with one meaning only, as speech does: mirrored, stronger and fainter performances and other expressions are put
into the curves themselves, before they are tracked.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from facetalk import checkpoint
from facetalk.arkit import ARKIT_NAMES
from facetalk.data import performance_files
from facetalk.data.performance_files import Entry
from facetalk.landmarks.encoder import LandmarkEncoder
from facetalk.landmarks.face_map import KIND, FaceMap
from facetalk.rig.curves import resample
from facetalk.training.landmark_views import View, draw_view, track
from facetalk.training.motion_clips import MIRRORED
from facetalk.types import FRAME_RATE, RigCurves

Weights = Float[np.ndarray, "frame 52"]
FREE = tuple(
    index
    for index, name in enumerate(ARKIT_NAMES)
    if name.startswith(
        ("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "mouthUpper", "brow", "cheek", "nose")
    )
    or name in ("mouthLeft", "mouthRight", "jawLeft", "jawRight", "eyeSquintLeft", "eyeWideLeft")
)
"""Weights that may rise for a while whatever is said."""


@dataclass(frozen=True)
class LandmarkSet:
    """What to make."""

    map: Path
    """The landmark map (`facetalk.training.landmark_map`)."""
    performances: Path
    """A performance set; only its training clips are used."""
    out: Path
    """Folder to write: index.jsonl, `<id>.npz` and `<id>.npy` for each clip."""
    clips: int = 600
    """Clips, drawn from the set."""
    frames: int = 300
    """Longer clips are cut to this."""
    minutes: float = float("inf")
    """Stop after so long, with what there is by then."""
    seed: int = 0


def main(config: LandmarkSet) -> None:
    """Write the set."""
    encoder = LandmarkEncoder(load_map(config.map))
    config.out.mkdir(parents=True, exist_ok=True)
    entries, begun = [], time.monotonic()
    for number, entry in enumerate(_drawn(config)):
        if time.monotonic() - begun > 60 * config.minutes:
            break
        random = np.random.default_rng((config.seed, 1, number))
        performance = performance_files.read(config.performances, entry.id)
        weights = varied(performance.weights[: config.frames], random)
        features = followed(encoder, weights, draw_view(random), random)
        frames = len(features)
        performance = replace(performance, weights=weights[:frames], envelope=performance.envelope[:frames])
        name = f"{number:04d}_{entry.id}"
        performance_files.write(performance, config.out, name)
        np.save(config.out / f"{name}.npy", features.astype(np.float16))
        entries.append(replace(entry, id=name, frames=frames, seed=number, audio="", sha256=performance.sha256))
    performance_files.write_index(entries, config.out)


def load_map(path: Path) -> FaceMap:
    """The map of a file."""
    return FaceMap.of(checkpoint.load(path, KIND).tensors, str(path))


def followed(
    encoder: LandmarkEncoder, weights: Weights, view: View, random: np.random.Generator
) -> Float[np.ndarray, "frame feature"]:
    """Features of performed weights as a view shows them, one row for each frame of the weights, or one fewer."""
    shown = resample(RigCurves(weights, FRAME_RATE), view.rate).weights
    return encoder(track(encoder.face, shown, view, random)).values.numpy()[: len(weights)]


def varied(weights: Weights, random: np.random.Generator) -> Weights:
    """The same line by somebody else: mirrored or not, stronger or fainter, perhaps smiling or with raised brows."""
    if random.random() < 0.5:
        weights = weights[:, list(MIRRORED)]
    strength = random.uniform(0.7, 1.25)
    extra = np.zeros_like(weights)
    if random.random() < 0.5:
        for channel in random.choice(FREE, 4, replace=False):
            bump = random.uniform(0.1, 0.8) * swell(len(weights), random)
            extra[:, channel] += bump
            if random.random() < 0.8:
                extra[:, MIRRORED[channel]] += bump * random.uniform(0.7, 1.0)
    # Strength leaves the eyes alone: half a blink is none.
    eyes = np.array([name.startswith("eye") for name in ARKIT_NAMES])
    return np.clip(np.where(eyes, weights, strength * weights) + extra, 0, 1).astype(np.float32)


def swell(frames: int, random: np.random.Generator) -> Float[np.ndarray, " frame"]:
    """0 to 1 and back, somewhere in a run of frames, over half a second to four."""
    width, middle = random.uniform(15, 120), random.uniform(0, frames)
    phase = np.clip((np.arange(frames) - middle) / width, -1, 1)
    return (0.5 + 0.5 * np.cos(np.pi * phase)).astype(np.float32)


def _drawn(config: LandmarkSet) -> Iterator[Entry]:
    """Training clips in random order, again and again where more are asked for than there are."""
    entries = [entry for entry in performance_files.read_index(config.performances) if entry.split == "train"]
    for number in range(config.clips):
        lap, place = divmod(number, len(entries))
        yield entries[int(np.random.default_rng((config.seed, 0, lap)).permutation(len(entries))[place])]


if __name__ == "__main__":
    import tyro

    main(tyro.cli(LandmarkSet))
