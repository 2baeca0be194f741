"""What stereo makes of a true depth picture: noise that hangs together, lone wrong depths, holes, wet eyes, hair."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter

from facetalk.errors import InputError

HOLE_SHARE = (0.015, 0.06)
"""Least and largest radius of a hole, in picture heights."""
MOST_HOLES = 60


@dataclass(frozen=True)
class StereoConfig:
    """Errors of a depth picture."""

    noise_mm: float = 0.7
    """Spread of a depth on a surface that faces the camera; it grows as the surface turns away."""
    together: float = 0.5
    """Share of the variance that neighbouring pixels have in common."""
    patch: float = 3.0
    """Pixels over which it does."""
    outliers: float = 0.03
    """Share of pixels with a depth of nothing."""
    outlier_mm: float = 25.0
    """Spread of these."""
    holes: float = 0.1
    """Share of the pixels in holes."""
    grazing: float = 0.25
    """Cosine below which a surface is not matched at all."""
    eyes: float = 3.0
    """Times that noise is larger on wet eyes."""
    hair_mm: float = 2.0
    """Spread of the points above the scalp: hair hides it."""
    missing: float = 0.0
    """Share of frames that are lost."""

    def check(self) -> None:
        """Refuse what is no error of a camera.

        Raises:
            InputError: a share is none, or a spread is negative.
        """
        for name in ("together", "outliers", "holes", "missing"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"--{name} {getattr(self, name)} is no share; use 0 to 1")
        if min(self.noise_mm, self.outlier_mm, self.hair_mm, self.eyes) < 0:
            raise InputError("spreads of noise are not negative; use 0 for none")


@dataclass(frozen=True)
class TrueView:
    """What one camera would see without error."""

    depth: Float[np.ndarray, "row column"]
    """Millimetres, 0 where there is nothing."""
    cosine: Float[np.ndarray, "row column"]
    """Of the angle between surface and ray."""
    wet: Bool[np.ndarray, "row column"]
    hairy: Bool[np.ndarray, "row column"]


def measured(view: TrueView, config: StereoConfig, random: np.random.Generator) -> Float[np.ndarray, "row column"]:
    """The depth picture with its errors, 0 where nothing was matched."""
    known = (view.depth > 0) & (view.cosine > config.grazing)
    spread = config.noise_mm / np.maximum(view.cosine, config.grazing) * np.where(view.wet, config.eyes, 1.0)
    white, smooth = random.normal(size=(2, *view.depth.shape))
    smooth = gaussian_filter(smooth, config.patch)
    smooth /= max(float(smooth.std()), 1e-9)
    depth = view.depth + spread * (np.sqrt(1 - config.together) * white + np.sqrt(config.together) * smooth)
    depth -= np.where(view.hairy, config.hair_mm * np.abs(random.normal(size=depth.shape)), 0.0)
    wrong = random.uniform(size=depth.shape) < config.outliers
    depth += np.where(wrong, config.outlier_mm * random.standard_t(2, size=depth.shape), 0.0)
    return np.where(known & ~_holes(known, config.holes, random) & (depth > 0), depth, 0.0)


def _holes(
    known: Bool[np.ndarray, "row column"], share: float, random: np.random.Generator
) -> Bool[np.ndarray, "row column"]:
    """Discs until `share` of the known pixels are gone."""
    rows, columns = np.nonzero(known)
    gone = np.zeros_like(known)
    row, column = np.ogrid[: known.shape[0], : known.shape[1]]
    for _ in range(MOST_HOLES):
        if not len(rows) or gone[known].mean() >= share:
            break
        pick = random.integers(len(rows))
        radius = random.uniform(*HOLE_SHARE) * known.shape[0]
        gone |= (row - rows[pick]) ** 2 + (column - columns[pick]) ** 2 < radius**2
    return gone
