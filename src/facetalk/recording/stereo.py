"""What stereo makes of a true depth picture: noise that hangs together, lone wrong depths, holes, wet eyes, hair."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
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
    """What one camera would see without error: the pixels that see anything."""

    shape: tuple[int, int]
    """Rows and columns of the picture."""
    row: Int[np.ndarray, " pixel"]
    column: Int[np.ndarray, " pixel"]
    depth: Float[np.ndarray, " pixel"]
    """Millimetres."""
    cosine: Float[np.ndarray, " pixel"]
    """Of the angle between surface and ray."""
    wet: Bool[np.ndarray, " pixel"]
    hairy: Bool[np.ndarray, " pixel"]

    def __len__(self) -> int:
        return len(self.row)

    def some(self, chosen: Bool[np.ndarray, " pixel"] | Int[np.ndarray, " some"]) -> "TrueView":
        """Some of the pixels."""
        parts = (self.row, self.column, self.depth, self.cosine, self.wet, self.hairy)
        return TrueView(self.shape, *(part[chosen] for part in parts))

    def picture(self, depth: Float[np.ndarray, " pixel"]) -> Float[np.ndarray, "row column"]:
        """Depths of the pixels as a picture, 0 elsewhere."""
        whole = np.zeros(self.shape)
        whole[self.row, self.column] = depth
        return whole


def measured(view: TrueView, config: StereoConfig, random: np.random.Generator) -> Float[np.ndarray, " pixel"]:
    """Depths with their errors, 0 where nothing was matched."""
    known = view.cosine > config.grazing
    depth = np.zeros(len(view))
    depth[known] = _erring(view.some(known), config, random)
    return depth


def _erring(view: TrueView, config: StereoConfig, random: np.random.Generator) -> Float[np.ndarray, " pixel"]:
    """Depths of pixels that can be matched, 0 in holes."""
    spread = config.noise_mm / view.cosine * np.where(view.wet, config.eyes, 1.0)
    alone = np.sqrt(1 - config.together) * random.normal(size=len(view))
    depth = view.depth + spread * (alone + np.sqrt(config.together) * _shared(view, config.patch, random))
    depth -= np.where(view.hairy, config.hair_mm * np.abs(random.normal(size=len(view))), 0.0)
    wrong = random.uniform(size=len(view)) < config.outliers
    depth[wrong] += config.outlier_mm * random.standard_t(2, size=int(wrong.sum()))
    return np.where(_holes(view, config.holes, random), 0.0, np.maximum(depth, 0.0))


def _shared(view: TrueView, patch: float, random: np.random.Generator) -> Float[np.ndarray, " pixel"]:
    """Noise of spread 1 that neighbouring pixels have in common."""
    smooth = gaussian_filter(random.standard_normal(size=view.shape, dtype=np.float32), patch)
    return smooth[view.row, view.column].astype(np.float64) / max(float(smooth.std()), 1e-9)


def _holes(view: TrueView, share: float, random: np.random.Generator) -> Bool[np.ndarray, " pixel"]:
    """Discs until `share` of the pixels are gone."""
    gone = np.zeros(len(view), bool)
    for _ in range(MOST_HOLES):
        if not len(view) or gone.mean() >= share:
            break
        pick = random.integers(len(view))
        radius = random.uniform(*HOLE_SHARE) * view.shape[0]
        gone |= (view.row - view.row[pick]) ** 2 + (view.column - view.column[pick]) ** 2 < radius**2
    return gone
