"""The speech encoder while it is trained."""

from dataclasses import asdict

from jaxtyping import Float
from torch import Tensor, nn

from facetalk.checkpoint import Checkpoint
from facetalk.speech.composition import Stretch
from facetalk.speech.own import Config, network_of, packed


class Student(nn.Module):
    """An encoder being trained: it hears sound as it is, and applies the fixed gain itself."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config, self.network = config, network_of(config)

    def forward(
        self, samples: Float[Tensor, "batch sample"], span: Stretch, bias: Float[Tensor, "1 head frame frame"]
    ) -> Float[Tensor, "batch frame feature"]:
        """Features of a stretch of frames."""
        return self.network(samples * self.config.gain, span, bias)

    def checkpoint(self) -> Checkpoint:
        """The encoder in few bytes, as `facetalk.speech` loads it."""
        return Checkpoint("speech", asdict(self.config), packed(self.network.state_dict(), self.config))
