"""In which sounds lips go wrong: errors by phone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facetalk.evaluation.figures import Heard
from facetalk.evaluation.stage import Seen


@dataclass(frozen=True)
class SoundError:
    """Over all frames of one phone."""

    frames: int
    aperture_mm: float
    """Mean error of the aperture: above zero lips are too far apart."""
    aperture_off_mm: float
    """Mean absolute error of it."""
    lip_mm: float
    """LVE over these frames."""


def errors(pairs: Sequence[tuple[Heard, Seen]], lips: slice) -> dict[str, SoundError]:
    """By phone, the most frequent first; a stop's burst counts by itself."""
    found: dict[str, list[np.ndarray]] = {}
    for clip, seen in pairs:
        apart = seen.apertures - clip.truth.apertures
        moved = np.linalg.norm(seen.vertices[:, lips] - clip.truth.vertices[:, lips], axis=2).max(axis=1)
        rows = np.stack([apart, np.abs(apart), moved], axis=1)
        times = (np.arange(len(rows)) + 0.5) / clip.rate
        for symbol, start, end in clip.phones:
            found.setdefault(symbol, []).append(rows[(times >= start) & (times < end)])
    joined = {symbol: np.concatenate(rows) for symbol, rows in found.items()}
    joined = {symbol: rows for symbol, rows in joined.items() if np.isfinite(rows).all(axis=1).any()}
    ranked = sorted(joined, key=lambda symbol: -len(joined[symbol]))
    return {symbol: SoundError(len(joined[symbol]), *map(float, np.nanmean(joined[symbol], 0))) for symbol in ranked}
