"""Codes ↔ the live space in which diffusion works: few directions, about unit size."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError

DEAD = 1e-3
"""Directions whose spread is below this share of the widest one's are dropped: they hold rounding, not motion."""
FLOOR = 0.05
"""No direction is divided by less than this share of the widest spread: faint ones stay faint."""


@dataclass(frozen=True)
class Normaliser:
    """Principal axes of the codes seen in training, each scaled to about unit variance."""

    mean: Float[Tensor, " code"]
    basis: Float[Tensor, "code live"]
    """Orthonormal columns, widest first."""
    scale: Float[Tensor, " live"]

    @property
    def live(self) -> int:
        """Number of live directions."""
        return len(self.scale)

    @classmethod
    def fit(cls, codes: Float[Tensor, "sample code"]) -> "Normaliser":
        """Axes and scales of a set of codes.

        Raises:
            InputError: the codes do not vary, or are not finite.
        """
        if len(codes) < 2 or not torch.isfinite(codes).all() or torch.equal(codes.amin(0), codes.amax(0)):
            raise InputError(f"{len(codes)} codes that do not vary or are not finite: give performances that move")
        exact = codes.double()
        centred = exact - exact.mean(0)
        variance, axes = torch.linalg.eigh(centred.T @ centred / len(codes))
        spread = variance.flip(0).clamp(min=0).sqrt()
        alive = int((spread > DEAD * spread[0]).sum())
        axes = axes.flip(1)[:, :alive]
        # An axis may point either way: the largest component decides, so that equal data give equal bytes.
        axes = axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
        return cls(exact.mean(0).float(), axes.float(), spread[:alive].clamp(min=FLOOR * float(spread[0])).float())

    def normalise(self, codes: Float[Tensor, "*batch code"]) -> Float[Tensor, "*batch live"]:
        """Codes → live space."""
        return (codes - self.mean) @ self.basis / self.scale

    def restore(self, live: Float[Tensor, "*batch live"]) -> Float[Tensor, "*batch code"]:
        """Live space → codes; what lies outside the live directions comes back as the mean."""
        return (live * self.scale) @ self.basis.T + self.mean

    def to(self, device: torch.device) -> "Normaliser":
        """The same on another device."""
        return Normaliser(self.mean.to(device), self.basis.to(device), self.scale.to(device))
