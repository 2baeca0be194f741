"""How much of the signal is left at each diffusion time: the cosine schedule of Nichol and Dhariwal (2021)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from facetalk.errors import InputError


@dataclass(frozen=True)
class Level:
    """One diffusion time: x_t = alpha · x0 + sigma · noise."""

    time: int
    """0..T−1; −1 is clean."""
    alpha: float
    sigma: float


CLEAN = Level(-1, 1.0, 0.0)
"""No noise at all."""


@dataclass(frozen=True)
class Schedule:
    """Cosine schedule: ᾱ(t) = cos²((t/T + s)/(1 + s) · π/2) / ᾱ(0), β at most .999 (eq. 17)."""

    times: int = 1000
    offset: float = 0.008

    @cached_property
    def alpha_bar(self) -> Float[Tensor, " time"]:
        """Share of the signal's variance left at times 0..T−1, in double precision."""
        phase = (torch.arange(self.times + 1, dtype=torch.float64) / self.times + self.offset) / (1 + self.offset)
        curve = torch.cos(phase * math.pi / 2) ** 2
        beta = (1 - curve[1:] / curve[:-1]).clamp(max=0.999)
        return torch.cumprod(1 - beta, 0)

    def level(self, time: int) -> Level:
        """Alpha and sigma at one time."""
        alpha_bar = float(self.alpha_bar[time])
        return Level(time, math.sqrt(alpha_bar), math.sqrt(1 - alpha_bar))

    def levels(self, steps: int, spacing: float = 1.0) -> Sequence[Level]:
        """`steps` levels from the noisiest down, then the clean one.

        They are "trailing" (Lin et al. 2024): the first is always T−1, where only noise is left.

        Args:
            steps: how many.
            spacing: step i of n is at time T(1 − i/n)^spacing: 1 spaces evenly, less puts more steps where noise is
                strong. No time is taken twice.

        Raises:
            InputError: `steps` is not between 1 and T.
        """
        if not 1 <= steps <= self.times:
            raise InputError(f"{steps} diffusion steps: use 1 to {self.times}, for example --steps 12")
        times = [self.times - 1]
        for step in range(1, steps):
            wanted = round(self.times * (1 - step / steps) ** spacing)
            times.append(min(times[-1] - 1, max(wanted, steps - step) - 1))
        return [*(self.level(time) for time in times), CLEAN]

    def diffuse(
        self,
        clean: Float[Tensor, "batch frame live"],
        noise: Float[Tensor, "batch frame live"],
        time: Int[Tensor, " b"],
    ) -> Float[Tensor, "batch frame live"]:
        """x_t of q(x_t | x0), one time for each sequence."""
        alpha_bar = self.alpha_bar.to(clean.device)[time][:, None, None]
        return alpha_bar.sqrt().to(clean.dtype) * clean + (1 - alpha_bar).sqrt().to(clean.dtype) * noise
