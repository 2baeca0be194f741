"""Calmer noise for the mouth: speech decides what lips do, chance what lids, brows and eyes do."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.arkit import ARKIT_NAMES
from facetalk.motion.noise import REACH, lingering

MOUTH = tuple(name.startswith(("jaw", "mouth")) for name in ARKIT_NAMES)
"""Which ARKit weights move jaw and lips."""
FAINT = 0.05
"""Live directions that move the mouth less than this share of the strongest are none of its own."""


def mouth_projection(decode: Float[Tensor, "52 live"]) -> Float[Tensor, "live live"]:
    """The live directions that move jaw and lips, as an orthogonal projection.

    Args:
        decode: live space → ARKit weights, the linear part.
    """
    mouth: Bool[Tensor, " 52"] = torch.tensor(MOUTH, device=decode.device)
    _, strength, directions = torch.linalg.svd(decode[mouth], full_matrices=False)
    own = directions[strength > FAINT * strength[0]]
    return own.T @ own


@dataclass(frozen=True)
class Temper:
    """What noise the mouth gets, and what the rest of the face."""

    mouth: Float[Tensor, "live live"]
    """Projection on the directions that move jaw and lips (`mouth_projection`)."""
    linger: float = 0.0
    """How slowly the noise of the rest forgets itself, see `noise.lingering`; belongs to the weights."""

    def __call__(self, white: Float[Tensor, "batch longer live"], amount: float) -> Float[Tensor, "batch frame live"]:
        """Noise for the denoiser out of white noise that begins `REACH` − 1 frames before the first frame wanted.

        Along the mouth's directions it stays white and is multiplied by `amount`: below 1 samples keep near the middle
        of what the model holds possible (truncation, as in Brock et al. 2019).
        """
        fresh, slow = white[:, REACH - 1 :], lingering(white, self.linger)
        return slow + (amount * fresh - slow) @ self.mouth
