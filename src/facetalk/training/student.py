"""The speech encoder while it is trained."""

from dataclasses import asdict

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.checkpoint import Checkpoint
from facetalk.speech.composition import Stretch
from facetalk.speech.network import SmallWav2Vec2


class Student(SmallWav2Vec2):
    """The encoder being trained: it hears sound as it is, and applies the fixed gain itself."""

    def forward(
        self, samples: Float[Tensor, "batch sample"], span: Stretch, bias: Float[Tensor, "1 head frame frame"]
    ) -> Float[Tensor, "batch frame feature"]:
        """Features of a stretch of frames."""
        return super().forward(samples * self.config.gain, span, bias)

    def checkpoint(self) -> Checkpoint:
        """The encoder as half-precision weights that `facetalk.speech` loads."""
        tensors = {name: tensor.detach().to(torch.float16) for name, tensor in self.state_dict().items()}
        return Checkpoint("speech", asdict(self.config), tensors)
