"""Two other ways from speech to motion, to compare with: one frame after the other, and diffusion by recurrence.

Both live in the same space, hear the same features and are trained by the same loop as the denoiser, so that a table
of all of them compares designs and nothing else.
"""

from dataclasses import dataclass

import torch
from einops import repeat
from jaxtyping import Float, Int
from torch import Tensor, nn

from facetalk.motion.layers import DiagonalCrossAttention, FeedForward, LookBackAttention, TimeEmbedding
from facetalk.motion.listener import Listener, Memory

REHEARSALS = 2
"""Passes over its own output before the pass that is trained."""
DOUBT = 0.5
"""Spread of the noise on the true past that the first of them begins with."""


@dataclass(frozen=True)
class RecurrentConfig:
    """Sizes of a `RecurrentDenoiser`."""

    live: int
    features: int
    width: int = 192
    depth: int = 2
    hearing: int = 0


class RecurrentDenoiser(Listener):
    """FaceDiffuser's network (Stan, Haque and Yumak 2023): noisy motion, speech and time → GRU → x̂0.

    Theirs hears HuBERT and draws vertices or rig curves; this one hears what ours does and draws codes.
    """

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__(config)
        width = config.width
        self.entrance = nn.Linear(config.live, width)
        self.time = TimeEmbedding(width)
        self.memory = nn.GRU(3 * width, width, config.depth, batch_first=True)
        self.exit = nn.Linear(width, config.live)

    def recall(
        self,
        noisy: Float[Tensor, "batch frame live"],
        time: Int[Tensor, " batch"],
        speech: Float[Tensor, "batch frame width"] | None,
        memory: Memory | None,
    ) -> tuple[Float[Tensor, "batch frame live"], Memory]:
        """x̂0 of a window; the memory is the state of the recurrence."""
        embedded = repeat(self.time(time), "batch width -> batch frame width", frame=noisy.shape[1])
        inputs = torch.cat([self.entrance(noisy), self.heard(speech, noisy), embedded], -1)
        states, last = self.memory(inputs, None if memory is None else memory[0])
        return self.exit(states), (last,)


@dataclass(frozen=True)
class AutoregressiveConfig:
    """Sizes of an `Autoregressive`."""

    live: int
    features: int
    width: int = 128
    heads: int = 4
    depth: int = 5
    hidden: int = 256
    look_back: int = 32
    hearing: int = 0


class Autoregressive(Listener):
    """FaceFormer's way (Fan et al. 2022): each frame from the frames before and its own moment of speech; no chance.

    Its biased causal attention is here the denoiser's attention with rotary positions, its alignment mask the diagonal
    one. FaceFormer is trained on its own output frame by frame; here whole crops pass `REHEARSALS` times over their
    own output (parallel scheduled sampling, Duckworth et al. 2019), which costs a few passes and not one a frame.
    """

    def __init__(self, config: AutoregressiveConfig) -> None:
        super().__init__(config)
        self.entrance = nn.Linear(config.live, config.width)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.width)
        self.exit = nn.Linear(config.width, config.live)

    def taught(
        self,
        clean: Float[Tensor, "batch frame live"],
        noisy: Float[Tensor, "batch frame live"],
        time: Int[Tensor, " batch"],
        speech: Float[Tensor, "batch frame width"],
    ) -> Float[Tensor, "batch frame live"]:
        """Every frame at once, from a past that the network made itself, at first of the truth with noise."""
        guess = clean + DOUBT * torch.randn_like(clean)
        with torch.no_grad():
            for _ in range(REHEARSALS):
                guess = self._next(_shifted(guess), speech, None)[0].to(clean.dtype)
        return self._next(_shifted(guess), speech, None)[0]

    def recall(
        self,
        noisy: Float[Tensor, "batch frame live"],
        time: Int[Tensor, " batch"],
        speech: Float[Tensor, "batch frame width"] | None,
        memory: Memory | None,
    ) -> tuple[Float[Tensor, "batch frame live"], Memory]:
        """A window, frame by frame; noise and time are not looked at. It begins with the mean pose."""
        speech = self.heard(speech, noisy)
        last = torch.zeros_like(noisy[:, :1]) if memory is None else memory[0]
        kept = None if memory is None else memory[1:]
        frames = []
        for place in range(noisy.shape[1]):
            last, kept = self._next(last, speech[:, place : place + 1], kept)
            frames.append(last)
        return torch.cat(frames, 1), (last, *(kept or ()))

    def _next(
        self,
        before: Float[Tensor, "batch frame live"],
        speech: Float[Tensor, "batch frame width"],
        memory: Memory | None,
    ) -> tuple[Float[Tensor, "batch frame live"], Memory]:
        """For each frame the one that follows, at the moment of speech given."""
        frames, kept = self.entrance(before), []
        for index, block in enumerate(self.blocks):
            frames, remembered = block(frames, speech, None if memory is None else memory[index])
            kept.append(remembered)
        return self.exit(self.norm(frames)), tuple(kept)


class _Block(nn.Module):
    """Causal self-attention, diagonal cross-attention, feed-forward, each added on."""

    def __init__(self, config: AutoregressiveConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width)
        self.attention = LookBackAttention(config.width, config.heads, config.look_back)
        self.hearing = DiagonalCrossAttention(config.width)
        self.forward_norm = nn.LayerNorm(config.width)
        self.feed_forward = FeedForward(config.width, config.hidden, 0.0)

    def forward(
        self,
        frames: Float[Tensor, "batch frame width"],
        speech: Float[Tensor, "batch frame width"],
        remembered: Tensor | None,
    ) -> tuple[Float[Tensor, "batch frame width"], Tensor]:
        seen, kept = self.attention(self.attention_norm(frames), remembered)
        frames = frames + seen
        frames = frames + self.hearing(speech)
        return frames + self.feed_forward(self.forward_norm(frames)), kept


def _shifted(frames: Float[Tensor, "batch frame live"]) -> Float[Tensor, "batch frame live"]:
    """Each frame in the place of the one after it; first the mean pose."""
    return torch.cat([torch.zeros_like(frames[:, :1]), frames[:, :-1]], 1)
