"""Calmer noise for the mouth: speech decides what lips do, chance what lids, brows and eyes do."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.arkit import ARKIT_NAMES

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


def temper(
    noise: Float[Tensor, "batch frame live"], projection: Float[Tensor, "live live"], amount: float
) -> Float[Tensor, "batch frame live"]:
    """Noise whose share along the projection is multiplied by `amount`; the rest stays as drawn.

    Below 1 samples keep near the middle of what the model holds possible (truncation, as in Brock et al. 2019).
    """
    return noise - (1 - amount) * noise @ projection
