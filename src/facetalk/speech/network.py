"""A small Wav2Vec 2.0 (Baevski et al. 2020), the paper's encoder, as a plain torch network.

Modules and parameters carry the names of `transformers.Wav2Vec2Model` (layer-norm front end, layer norms in front of
attention), so that the weights load strictly into it, and it computes the same; but that library takes a second to
import, and is not at hand wherever the encoder is trained.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from facetalk.speech.composition import Stretch, at_frames, convolved, transformed
from facetalk.speech.configuration import EncoderConfig


class ConvLayer(nn.Module):
    """Convolution, layer norm over channels, GELU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride)
        self.layer_norm = nn.LayerNorm(outputs)
        nn.init.kaiming_normal_(self.conv.weight)

    def forward(self, sound: Float[Tensor, "batch channel time"]) -> Float[Tensor, "batch channel2 time2"]:
        """One step of the front end."""
        return functional.gelu(self.layer_norm(self.conv(sound).transpose(1, 2))).transpose(1, 2)


class FeatureExtractor(nn.Module):
    """The convolutional front end."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        inputs = (1, *config.conv_channels[:-1])
        sizes = zip(inputs, config.conv_channels, config.conv_kernels, config.conv_strides, strict=True)
        self.conv_layers = nn.ModuleList(ConvLayer(*size) for size in sizes)

    def forward(self, samples: Float[Tensor, "batch sample"]) -> Float[Tensor, "batch channel feature"]:
        """Samples to features."""
        hidden = samples[:, None]
        for layer in self.conv_layers:
            hidden = layer(hidden)
        return hidden


class FeatureProjection(nn.Module):
    """Layer norm and a linear map to the transformer's width."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(config.conv_channels[-1])
        self.projection = nn.Linear(config.conv_channels[-1], config.size)

    def forward(self, features: Float[Tensor, "batch frame channel"]) -> tuple[Tensor, Tensor]:
        """Projected and normalised features."""
        normed = self.layer_norm(features)
        return self.projection(normed), normed


class PositionalConvolution(nn.Module):
    """Grouped convolution over time, weight-normed."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        kernel = config.position_kernel
        conv = nn.Conv1d(config.size, config.size, kernel, padding=kernel // 2, groups=config.position_groups)
        self.conv = nn.utils.parametrizations.weight_norm(conv, dim=2)

    def forward(self, hidden: Float[Tensor, "batch frame feature"]) -> Float[Tensor, "batch frame feature"]:
        """What tells a frame where it is."""
        return functional.gelu(self.conv(hidden.transpose(1, 2))).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.k_proj, self.v_proj, self.q_proj, self.out_proj = (nn.Linear(config.size, config.size) for _ in range(4))

    def forward(
        self, hidden: Float[Tensor, "batch frame feature"], bias: Float[Tensor, "1 head frame frame"]
    ) -> Float[Tensor, "batch frame feature"]:
        """Each frame's mixture of the frames it may see."""
        split = [self._split(layer(hidden)).float() for layer in (self.q_proj, self.k_proj, self.v_proj)]
        with torch.autocast(hidden.device.type, enabled=False):  # far slower in bfloat16 on a CPU
            mixed = functional.scaled_dot_product_attention(*split, attn_mask=bias)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))

    def _split(self, hidden: Float[Tensor, "batch frame feature"]) -> Float[Tensor, "batch head frame part"]:
        return hidden.unflatten(2, (self.heads, -1)).transpose(1, 2)


class FeedForward(nn.Module):
    """Two linear maps with a GELU between."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.intermediate_dense = nn.Linear(config.size, config.inner)
        self.output_dense = nn.Linear(config.inner, config.size)

    def forward(self, hidden: Float[Tensor, "batch frame feature"]) -> Float[Tensor, "batch frame feature"]:
        """Frame by frame."""
        return self.output_dense(functional.gelu(self.intermediate_dense(hidden)))


class Layer(nn.Module):
    """One layer of the transformer, layer norms in front."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.layer_norm = nn.LayerNorm(config.size)
        self.feed_forward = FeedForward(config)
        self.final_layer_norm = nn.LayerNorm(config.size)

    def forward(
        self, hidden: Float[Tensor, "batch frame feature"], attention_mask: Float[Tensor, "1 head frame frame"]
    ) -> Float[Tensor, "batch frame feature"]:
        """Attention, then feed-forward."""
        hidden = hidden + self.attention(self.layer_norm(hidden), attention_mask)
        return hidden + self.feed_forward(self.final_layer_norm(hidden))


class Transformer(nn.Module):
    """Positions, layers and a last norm; `facetalk.speech.composition` runs them."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.pos_conv_embed = PositionalConvolution(config)
        self.layer_norm = nn.LayerNorm(config.size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))


class SmallWav2Vec2(nn.Module):
    """All of it: sound to features at the frame rate."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.feature_extractor = FeatureExtractor(config)
        self.feature_projection = FeatureProjection(config)
        self.encoder = Transformer(config)

    def forward(
        self, samples: Float[Tensor, "batch sample"], span: Stretch, bias: Float[Tensor, "1 head frame frame"]
    ) -> Float[Tensor, "batch frame feature"]:
        """Features of a stretch of frames of sound that has its gain."""
        return transformed(self, at_frames(convolved(self, samples), span), bias)
