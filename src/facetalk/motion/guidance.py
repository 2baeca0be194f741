"""Classifier-free guidance: how strongly motion follows speech (Ho and Salimans 2021; paper §4)."""

from collections.abc import Callable

from torch import Tensor

Denoise = Callable[[Tensor, int], Tensor]
"""(x_t, t) → x̂0: all that a sampler asks of a model."""
Hearing = Callable[[Tensor, int, Tensor | None], Tensor]
"""(x_t, t, speech or None for nothing heard) → x̂0."""


def guided(denoiser: Hearing, speech: Tensor, weight: float) -> Denoise:
    """A denoiser of (x, t) that hears `speech`: θ = w·θ_c + (1 − w)·θ_u.

    Args:
        denoiser: predicts x̂0 with and without speech.
        speech: the condition.
        weight: 1 is no guidance, above 1 amplifies what speech adds, 0 ignores speech.
    """

    def heard(noisy: Tensor, time: int) -> Tensor:
        return denoiser(noisy, time, speech)

    def unheard(noisy: Tensor, time: int) -> Tensor:
        return denoiser(noisy, time, None)

    def mixed(noisy: Tensor, time: int) -> Tensor:
        alone = unheard(noisy, time)
        return alone + weight * (heard(noisy, time) - alone)

    # The ends need one pass each, and 1 and 0 then hold to the last bit.
    return {1.0: heard, 0.0: unheard}.get(float(weight), mixed)
