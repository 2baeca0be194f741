"""Our own encoders, whichever network: built from a checkpoint, their matrices in eight bits where that was wanted."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint
from facetalk.errors import CheckpointError
from facetalk.speech.composition import Stretch, attention_bias, sliding
from facetalk.speech.configuration import EncoderConfig, Receptive, RotaryConfig
from facetalk.speech.network import SmallWav2Vec2
from facetalk.speech.rotary import RotaryEncoder

Config = EncoderConfig | RotaryConfig
STEP = ".step"
"""Ends the name of what the eight-bit rows of a matrix count."""
MOST = 127
"""Eight-bit numbers run from minus this to this."""


def network_of(config: Config) -> SmallWav2Vec2 | RotaryEncoder:
    """A network with random weights."""
    return RotaryEncoder(config) if isinstance(config, RotaryConfig) else SmallWav2Vec2(config)


def config_of(values: Mapping[str, Any]) -> Config:
    """A configuration as checkpoints hold it; only rotary ones say how much is turned."""
    kind = RotaryConfig if "turned" in values else EncoderConfig
    return kind(**{name: _tuples(value) for name, value in values.items()})


def packed(tensors: Mapping[str, Tensor], config: Config) -> dict[str, Tensor]:
    """Weights in few bytes: halves, and of a rotary encoder matrices in eight bits with one step a row."""
    small = {}
    for name, tensor in tensors.items():
        if isinstance(config, EncoderConfig) or tensor.ndim != 2:
            small[name] = tensor.detach().to(torch.float16)
            continue
        step = (tensor.detach().abs().amax(1, keepdim=True) / MOST).clamp_min(1e-6).to(torch.float16)
        small[name], small[name + STEP] = torch.round(tensor.detach() / step.float()).clamp(-MOST, MOST).char(), step
    return small


def unpacked(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights as the network takes them."""
    steps = {name.removesuffix(STEP): tensor.float() for name, tensor in tensors.items() if name.endswith(STEP)}
    return {name: tensor.float() * steps.get(name, 1.0) for name, tensor in tensors.items() if not name.endswith(STEP)}


class OwnBackbone(nn.Module):
    """Our own encoder: fixed gain, attention that reaches a fixed number of frames.

    Raises:
        CheckpointError: the tensors do not fit the configuration.
    """

    def __init__(self, weights: Checkpoint) -> None:
        super().__init__()
        try:
            self.config = config_of(weights.config)
            with checkpoint.unseeded():
                self.model = network_of(self.config)
            self.model.load_state_dict(unpacked(weights.tensors), strict=True, assign=True)
        except (TypeError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise CheckpointError(
                f"speech weights do not fit their configuration ({reason}); get them again"
            ) from error
        self.model.eval().requires_grad_(False)
        self.size, self.halo, self.hash = self.config.size, self.config.halo, weights.hash
        self.receptive = Receptive.of(self.config.conv_kernels, self.config.conv_strides)

    def prepared(self, samples: Float[np.ndarray, " sample"]) -> tuple[float, float]:
        """Offset and gain of the sound: fixed."""
        return 0.0, self.config.gain

    def forward(self, samples: Float[Tensor, "batch sample"], span: Stretch) -> Float[Tensor, "batch frame feature"]:
        """Features of a stretch of frames."""
        allowed = sliding(len(span.before), self.config.left, self.config.right)
        return self.model(samples, span, attention_bias(allowed, self.config.slopes).to(samples.device))


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
