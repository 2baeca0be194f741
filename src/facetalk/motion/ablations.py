"""The denoiser without one of its parts, as the paper's ablations want it (§6).

What they leave out is all that differs: same space, same features, same loop.
"""

from dataclasses import dataclass

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from facetalk.motion.denoiser import Block, Denoiser, DenoiserConfig
from facetalk.motion.layers import rotate


@dataclass(frozen=True)
class WithoutFilmConfig(DenoiserConfig):
    """Sizes of a `WithoutFilm`."""


@dataclass(frozen=True)
class WithoutMaskConfig(DenoiserConfig):
    """Sizes of a `WithoutMask`."""


class Unchanged(nn.Module):
    """In the place of a FiLM layer: the time changes nothing."""

    def forward(
        self, frames: Float[Tensor, "batch frame width"], time: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch frame width"]:
        """The frames as they are."""
        return frames


class WithoutFilm(Denoiser):
    """The diffusion time is added to the frames at the entrance, once, as Ho et al. (2020) add it; no block has FiLM.

    The paper does not say what is left of the time without FiLM. Without any the network could only guess the noise.
    """

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__(config)
        for block in self.blocks:
            block.attention_film = block.hearing_film = block.forward_film = Unchanged()

    def enter(
        self, noisy: Float[Tensor, "batch frame live"], time: Float[Tensor, "batch width"]
    ) -> Float[Tensor, "batch frame width"]:
        """Noisy motion and its time."""
        return super().enter(noisy, time) + time[:, None]


class FullCrossAttention(nn.Module):
    """Cross-attention without the alignment mask: every frame may look at every frame of audio.

    Positions are rotary, so where a frame's own moment lies can be learnt.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(
        self, frames: Float[Tensor, "batch frame width"], speech: Float[Tensor, "batch frame width"]
    ) -> Float[Tensor, "batch frame width"]:
        """What each video frame receives from all audio frames."""
        query = rearrange(self.query(frames), "b f (h c) -> b h f c", h=self.heads)
        key, value = rearrange(self.key_value(speech), "b f (two h c) -> two b h f c", two=2, h=self.heads)
        mixed = functional.scaled_dot_product_attention(rotate(query, 0), rotate(key, 0), value)
        return self.out(rearrange(mixed, "b h f c -> b f (h c)"))


class SearchingBlock(Block):
    """A block that has to find in the audio what belongs to a frame."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__(config)
        self.hearing_norm = nn.LayerNorm(config.width)
        self.hearing = FullCrossAttention(config.width, config.heads)

    def receive(
        self, frames: Float[Tensor, "batch frame width"], speech: Float[Tensor, "batch frame width"]
    ) -> Float[Tensor, "batch frame width"]:
        """What the frames find."""
        return self.hearing(self.hearing_norm(frames), speech)


class WithoutMask(Denoiser):
    """Looks at all the audio of a window at once; two windows are therefore not one pass."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__(config)
        self.blocks = nn.ModuleList(SearchingBlock(config) for _ in range(config.depth))
