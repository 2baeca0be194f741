"""How the paper puts Wav2Vec 2.0 together: convolutions → interpolation to the frame rate → transformer.

It works on anything built like `transformers.Wav2Vec2Model`: that class itself, or `facetalk.speech.network`, which
shares its names.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from facetalk.speech.configuration import Receptive
from facetalk.speech.timing import places


@dataclass(frozen=True)
class Stretch:
    """A run of frames and the samples their features need."""

    first_sample: int
    """May lie before the waveform, `last_sample` behind it: silence is heard there."""
    last_sample: int
    before: tuple[int, ...]
    """For each frame the feature before its midpoint, counted from the stretch's first feature."""
    shares: tuple[Fraction, ...]
    """How far each midpoint lies on the way to the next feature."""

    @property
    def places(self) -> Float[Tensor, " frame"]:
        """Each frame's midpoint, in steps from the stretch's first feature."""
        return torch.tensor([float(index + share) for index, share in zip(self.before, self.shares, strict=True)])


def stretch(frames: range, rate: Fraction, receptive: Receptive) -> Stretch:
    """The samples that frames `frames` are computed from."""
    before, shares = places(frames, rate, receptive.hop_samples, receptive.first_centre)
    first = before[0]
    first_sample = first * receptive.hop_samples
    last_sample = (before[-1] + 1) * receptive.hop_samples + receptive.samples
    return Stretch(first_sample, last_sample, tuple(index - first for index in before), tuple(shares))


def at_frames(
    features: Float[Tensor, "batch feature channel"], stretch: Stretch
) -> Float[Tensor, "batch frame channel"]:
    """Features interpolated linearly by time at the frames of a stretch."""
    before = torch.tensor(stretch.before, device=features.device)
    share = torch.tensor([float(share) for share in stretch.shares], device=features.device, dtype=features.dtype)
    return torch.lerp(features[:, before], features[:, before + 1], share[:, None])


def sliding(frames: int, left: int, right: int) -> Bool[Tensor, "frame frame"]:
    """Which frames (columns) a frame (row) attends to: `left` behind to `right` ahead."""
    distance = torch.arange(frames)[None] - torch.arange(frames)[:, None]
    return (distance >= -left) & (distance <= right)


def chunked(frames: int, left: int, chunk: int) -> Bool[Tensor, "frame frame"]:
    """Attention that can stream: a frame sees `left` frames behind and ahead to the end of its chunk, no further."""
    index = torch.arange(frames)
    end = (index // chunk + 1) * chunk
    return (index[None] >= index[:, None] - left) & (index[None] < end[:, None])


def attention_bias(
    allowed: Bool[Tensor, "frame frame"], slopes: tuple[float, ...]
) -> Float[Tensor, "1 head frame frame"]:
    """What is added to attention scores: minus infinity where forbidden, else minus slope × distance."""
    index = torch.arange(len(allowed))
    distance = (index[None] - index[:, None]).abs().float()
    bias = -torch.tensor(slopes)[:, None, None] * distance
    return bias.masked_fill(~allowed, float("-inf"))[None]


def convolved(model: Any, samples: Float[Tensor, "batch sample"]) -> Float[Tensor, "batch feature channel"]:
    """Output of the convolutional front end."""
    return model.feature_extractor(samples).transpose(1, 2)


def transformed(
    model: Any, features: Float[Tensor, "batch frame channel"], bias: Float[Tensor, "1 head frame frame"]
) -> Float[Tensor, "batch frame feature"]:
    """Output of our transformer (layer norms in front) for convolutional features at the frame rate."""
    hidden, _ = model.feature_projection(features)
    hidden = hidden + past_positions(model, hidden)
    for layer in model.encoder.layers:
        hidden = layer(hidden, attention_mask=bias)
    return model.encoder.layer_norm(hidden)


def past_positions(model: Any, hidden: Float[Tensor, "batch frame feature"]) -> Float[Tensor, "batch frame feature"]:
    """The positional convolution, moved so that a frame sees itself and what is behind it."""
    reach = model.encoder.pos_conv_embed.conv.kernel_size[0] // 2
    frames = hidden.shape[1]
    return model.encoder.pos_conv_embed(functional.pad(hidden, (0, 0, reach, 0)))[:, :frames]
