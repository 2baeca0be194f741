"""The bundled speech encoder: that of Moonshine (Jeffries et al. 2024), at the frame rate, with local attention.

Three convolutions, interpolation to the frames, a transformer whose positions are turns (rotary, Su et al. 2021). Three
things differ from the published one. It normalises a whole file after the first convolution: here the moments are
constants and part of the second convolution's weights. Positions count the steps of the convolutions: here they go on
between them, so that frames at any rate are as far apart as they are in time. And layers attend to a fixed reach.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from facetalk.speech.composition import Stretch, at_frames
from facetalk.speech.configuration import RotaryConfig

SLOWEST = 10_000.0
"""Rotary frequencies fall from 1 to one over this, in radians a step."""
Turns = tuple[Float[Tensor, "frame pair"], Float[Tensor, "frame pair"]]
"""Cosines and sines of each frame."""


class Stem(nn.Module):
    """The convolutional front end."""

    def __init__(self, config: RotaryConfig) -> None:
        super().__init__()
        inputs = (1, *config.conv_channels[:-1])
        sizes = zip(inputs, config.conv_channels, config.conv_kernels, config.conv_strides, strict=True)
        self.convs = nn.ModuleList(nn.Conv1d(*size, bias=number > 0) for number, size in enumerate(sizes))

    def forward(self, samples: Float[Tensor, "batch sample"]) -> Float[Tensor, "batch feature channel"]:
        """Samples to features."""
        first, *rest = self.convs
        hidden = torch.tanh(first(samples[:, None]))
        for conv in rest:
            hidden = functional.gelu(conv(hidden))
        return hidden.transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention whose queries and keys are turned by time."""

    def __init__(self, config: RotaryConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.q, self.k, self.v, self.out = (nn.Linear(config.size, config.size, bias=False) for _ in range(4))

    def forward(
        self, hidden: Float[Tensor, "batch frame feature"], turns: Turns, bias: Float[Tensor, "1 head frame frame"]
    ) -> Float[Tensor, "batch frame feature"]:
        """Each frame's mixture of the frames it may see."""
        q, k, v = (self._split(layer(hidden)).float() for layer in (self.q, self.k, self.v))
        with torch.autocast(hidden.device.type, enabled=False):  # far slower in bfloat16 on a CPU
            mixed = functional.scaled_dot_product_attention(turned(q, turns), turned(k, turns), v, attn_mask=bias)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, hidden: Float[Tensor, "batch frame feature"]) -> Float[Tensor, "batch head frame part"]:
        return hidden.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Layer(nn.Module):
    """One layer of the transformer, layer norms in front."""

    def __init__(self, config: RotaryConfig) -> None:
        super().__init__()
        self.attention_norm, self.inner_norm = (nn.LayerNorm(config.size, bias=False) for _ in range(2))
        self.attention = Attention(config)
        self.enter, self.leave = nn.Linear(config.size, config.inner), nn.Linear(config.inner, config.size)

    def forward(
        self, hidden: Float[Tensor, "batch frame feature"], turns: Turns, bias: Float[Tensor, "1 head frame frame"]
    ) -> Float[Tensor, "batch frame feature"]:
        """Attention, then feed-forward."""
        hidden = hidden + self.attention(self.attention_norm(hidden), turns, bias)
        return hidden + self.leave(functional.gelu(self.enter(self.inner_norm(hidden))))


class RotaryEncoder(nn.Module):
    """All of it: sound to features at the frame rate."""

    def __init__(self, config: RotaryConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = Stem(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.size, bias=False)

    def forward(
        self, samples: Float[Tensor, "batch sample"], span: Stretch, bias: Float[Tensor, "1 head frame frame"]
    ) -> Float[Tensor, "batch frame feature"]:
        """Features of a stretch of frames of sound that has its gain."""
        hidden = at_frames(self.stem(samples), span)
        turns = turns_at(span.places.to(hidden), self.config.turned)
        for layer in self.layers:
            hidden = layer(hidden, turns, bias)
        return self.norm(hidden)


def turns_at(places: Float[Tensor, " frame"], turned: int) -> Turns:
    """How far each pair of numbers is turned at places counted in steps of the convolutions."""
    frequencies = SLOWEST ** (-torch.arange(0, turned, 2, device=places.device) / turned)
    angles = places[:, None] * frequencies
    return angles.cos(), angles.sin()


def turned(values: Float[Tensor, "batch head frame part"], turns: Turns) -> Float[Tensor, "batch head frame part"]:
    """The first numbers of every head turned pair by pair, the others as they are."""
    cosine, sine = turns
    count = 2 * cosine.shape[-1]
    first, second = values[..., 0:count:2], values[..., 1:count:2]
    pairs = torch.stack([first * cosine - second * sine, second * cosine + first * sine], -1)
    return torch.cat([pairs.flatten(-2), values[..., count:]], -1)
