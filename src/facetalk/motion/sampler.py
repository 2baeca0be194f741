"""Samplers: from noise to motion by any denoiser (x, t) → x̂0. One sampler, one short function.

`draw(k)` gives standard normal noise in the shape of the sample; 0 is the initial noise, k ≥ 1 that of step k.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from torch import Tensor

from facetalk.motion.guidance import Denoise
from facetalk.motion.schedule import Level

Draw = Callable[[int], Tensor]
"""Number of a draw → standard normal noise; the same number gives the same noise."""


Sampler = Callable[[Denoise, Draw, Sequence[Level]], Tensor]
"""(denoiser, noise, levels from the noisiest down to the clean one) → a sample."""


def ddim(denoise: Denoise, draw: Draw, levels: Sequence[Level], *, eta: float = 0.0) -> Tensor:
    """DDIM (Song et al. 2021, eq. 12 and 16): with `eta` 0 only the initial noise decides, with 1 it is DDPM."""
    noisy = draw(0)
    for step, (now, then) in enumerate(pairwise(levels), start=1):
        clean = denoise(noisy, now.time)
        noise = (noisy - now.alpha * clean) / now.sigma
        fresh = eta * then.sigma / now.sigma * math.sqrt(max(0.0, 1 - (now.alpha / then.alpha) ** 2))
        noisy = then.alpha * clean + math.sqrt(max(0.0, then.sigma**2 - fresh**2)) * noise
        if fresh > 0:
            noisy = noisy + fresh * draw(step)
    return noisy


ddpm: Sampler = partial(ddim, eta=1.0)
"""Ancestral sampling (Ho et al. 2020, eq. 6 and 7), the paper's; any number of steps."""


def dpm_solver(denoise: Denoise, draw: Draw, levels: Sequence[Level]) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): second order, so few steps do; deterministic."""
    noisy, before, last_stride = draw(0), None, 0.0
    for now, then in pairwise(levels):
        clean = denoise(noisy, now.time)
        if then.sigma == 0:
            return clean  # the limit of the update below
        stride = math.log(then.alpha / then.sigma) - math.log(now.alpha / now.sigma)
        slope = 0.0 if before is None else stride / (2 * last_stride)
        corrected = clean if before is None else (1 + slope) * clean - slope * before
        noisy = then.sigma / now.sigma * noisy - then.alpha * math.expm1(-stride) * corrected
        before, last_stride = clean, stride
    return noisy


SAMPLERS: dict[str, Sampler] = {"ddpm": ddpm, "ddim": ddim, "dpm-solver": dpm_solver}
"""By the names used on the command line."""
