"""What every motion network does with speech, whatever it makes of it; and what they all are asked for."""

from typing import Protocol, runtime_checkable

import torch
from einops import repeat
from jaxtyping import Float, Int
from torch import Tensor, nn

Memory = tuple[Tensor, ...]
"""What a later window needs of an earlier one: keys and values of the last frames, a state, the last frame."""


@runtime_checkable
class Sizes(Protocol):
    """What the configuration of every network says."""

    @property
    def live(self) -> int:
        """Live dimensions of the normalised codes."""
        ...

    @property
    def features(self) -> int:
        """Size of one speech feature vector."""
        ...

    @property
    def width(self) -> int:
        """Size of what is heard at a frame."""
        ...

    @property
    def hearing(self) -> int:
        """Audio frames heard on each side of frame i."""
        ...


class Listener(nn.Module):
    """Speech features → what a network hears at each frame; the rest is the network's own.

    A network gives x̂0 of a window from its noise, the diffusion time and what is heard (`recall`).
    """

    speech_mean: Tensor
    speech_scale: Tensor

    def __init__(self, config: Sizes) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("speech_mean", torch.zeros(config.features))
        self.register_buffer("speech_scale", torch.ones(config.features))
        self.listening = nn.Conv1d(config.features, config.width, 2 * config.hearing + 1)
        self.unheard = nn.Parameter(torch.randn(config.width) * 0.02)

    def listen(self, features: Float[Tensor, "batch heard feature"]) -> Float[Tensor, "batch frame width"]:
        """Speech features → what is heard, once for all diffusion steps.

        Args:
            features: `config.hearing` frames more on each side than there are frames to move.
        """
        standard = (features - self.speech_mean) / self.speech_scale
        return self.listening(standard.transpose(1, 2)).transpose(1, 2)

    def forward(
        self,
        noisy: Float[Tensor, "batch frame live"],
        time: Int[Tensor, " batch"],
        speech: Float[Tensor, "batch frame width"] | None,
    ) -> Float[Tensor, "batch frame live"]:
        """x̂0 of a whole sequence; `speech` as `listen` gives it, or None for the learnt "nothing heard"."""
        return self.recall(noisy, time, speech, None)[0]

    def taught(
        self,
        clean: Float[Tensor, "batch frame live"],
        noisy: Float[Tensor, "batch frame live"],
        time: Int[Tensor, " batch"],
        speech: Float[Tensor, "batch frame width"],
    ) -> Float[Tensor, "batch frame live"]:
        """x̂0 as training asks for it; only a network that reads its own past looks at `clean`."""
        return self(noisy, time, speech)

    def recall(
        self,
        noisy: Float[Tensor, "batch frame live"],
        time: Int[Tensor, " batch"],
        speech: Float[Tensor, "batch frame width"] | None,
        memory: Memory | None,
    ) -> tuple[Float[Tensor, "batch frame live"], Memory]:
        """x̂0 of a window that follows the one `memory` was returned for, and the memory for the next."""
        raise NotImplementedError

    def heard(
        self, speech: Float[Tensor, "batch frame width"] | None, noisy: Float[Tensor, "batch frame live"]
    ) -> Float[Tensor, "batch frame width"]:
        """`speech`, or "nothing heard" for as many frames."""
        if speech is not None:
            return speech
        return repeat(self.unheard, "width -> batch frame width", batch=noisy.shape[0], frame=noisy.shape[1])
