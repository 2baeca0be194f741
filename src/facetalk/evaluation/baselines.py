"""What ours is compared with: a loudness envelope, phoneme rules on known phones, retrieval, and mean motion.

Each is fitted on training clips to curves, and measured as ours is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

SMOOTHING_S = 0.04
"""Of the phoneme rules."""
NEIGHBOURS = (-2, 0, 2)
"""Frames whose features are compared in retrieval."""
LAGS = range(-3, 4)
"""Frames by which the envelope may lead or trail."""

Phones = tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class BaselineClip:
    """What a baseline may look at, and the targets it should give."""

    loudness: Float[np.ndarray, " frame"]
    phones: Phones
    targets: Float[np.ndarray, "frame target"]
    rate: float
    features: Float[np.ndarray, "frame feature"]
    """What the motion model hears."""


Baseline = Callable[[BaselineClip], Float[np.ndarray, "frame target"]]
"""Targets of a clip, guessed without looking at its own."""


def mean_motion(clips: Sequence[BaselineClip]) -> Baseline:
    """The mean of all training frames, for every frame."""
    mean = np.concatenate([clip.targets for clip in clips]).mean(0)
    return lambda clip: np.repeat(mean[None], len(clip.loudness), axis=0)


def loudness_envelope(clips: Sequence[BaselineClip]) -> Baseline:
    """Each target as a straight line in loudness, at the lag that fits best."""
    outputs = np.concatenate([clip.targets for clip in clips])

    def fitted(lag: int) -> tuple[float, np.ndarray]:
        inputs = np.concatenate([_line(clip.loudness, lag) for clip in clips])
        weights = np.linalg.lstsq(inputs, outputs, rcond=None)[0]
        return float(((inputs @ weights - outputs) ** 2).sum()), weights

    lag = min(LAGS, key=lambda lag: fitted(lag)[0])
    weights = fitted(lag)[1]
    return lambda clip: _line(clip.loudness, lag) @ weights


def phoneme_rules(clips: Sequence[BaselineClip]) -> Baseline:
    """The training mean of each phone, in its place, smoothed over `SMOOTHING_S`."""
    table: dict[str, list[np.ndarray]] = {}
    for clip in clips:
        for symbol, frames in _frames(clip):
            if len(frames):
                table.setdefault(symbol, []).append(clip.targets[frames])
    means = {symbol: np.concatenate(values).mean(0) for symbol, values in table.items()}
    overall = np.concatenate([clip.targets for clip in clips]).mean(0)

    def predict(clip: BaselineClip) -> Float[np.ndarray, "frame target"]:
        steps = np.repeat(overall[None], len(clip.loudness), axis=0)
        for symbol, frames in _frames(clip):
            steps[frames] = means.get(symbol, overall)
        return gaussian_filter1d(steps, SMOOTHING_S * clip.rate, axis=0, mode="nearest")

    return predict


def nearest_neighbour(clips: Sequence[BaselineClip]) -> Baseline:
    """Each frame as the training frame that sounds most like it and its surroundings; smoothed over `SMOOTHING_S`."""
    known = np.concatenate([_surroundings(clip.features) for clip in clips])
    targets = np.concatenate([clip.targets for clip in clips])
    mean, scale = known.mean(0), np.maximum(known.std(0), 1e-6)
    known = (known - mean) / scale
    lengths = (known**2).sum(1)

    def predict(clip: BaselineClip) -> Float[np.ndarray, "frame target"]:
        asked = (_surroundings(clip.features) - mean) / scale
        nearest = (lengths - 2 * asked @ known.T).argmin(1)[: len(clip.loudness)]
        return gaussian_filter1d(targets[nearest], SMOOTHING_S * clip.rate, axis=0, mode="nearest")

    return predict


BASELINES: dict[str, Callable[[Sequence[BaselineClip]], Baseline]] = {
    "loudness envelope": loudness_envelope,
    "phoneme rules": phoneme_rules,
    "nearest neighbour": nearest_neighbour,
    "mean motion": mean_motion,
}
"""How each baseline is fitted, by the name of its row."""


def _surroundings(features: Float[np.ndarray, "frame feature"]) -> Float[np.ndarray, "frame surrounding"]:
    places = np.arange(len(features))[:, None] + np.array(NEIGHBOURS)
    return features[np.clip(places, 0, len(features) - 1)].reshape(len(features), -1).astype(np.float32)


def _line(loudness: Float[np.ndarray, " frame"], lag: int) -> Float[np.ndarray, "frame 2"]:
    shifted = loudness[np.clip(np.arange(len(loudness)) - lag, 0, len(loudness) - 1)]
    return np.stack([shifted, np.ones_like(shifted)], axis=1)


def _frames(clip: BaselineClip) -> list[tuple[str, np.ndarray]]:
    times = (np.arange(len(clip.loudness)) + 0.5) / clip.rate
    return [(symbol, np.flatnonzero((times >= start) & (times < end))) for symbol, start, end in clip.phones]
