"""Two towers, one for lips and one for sound, whose outputs lie close where both belong together.

In the manner of SyncNet (Chung and Zisserman 2016), with two changes. Lips come as shapes (`facetalk.rig.lips`), which
every source of motion can give, and sound as a log-mel spectrogram and not as the features that motion hears, so that
what those miss is not missed here too. A window is 15 frames, half a second: SyncNet's fifth of a second holds hardly
more than one sound. Convolutions without padding make the vectors of all windows of a clip in one pass.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint
from facetalk.errors import CheckpointError

KIND = "judge"
STEPS_PER_FRAME = 4
"""Spectrogram steps in a video frame."""
WINDOW = 15
"""Frames of lips, and of sound, that one vector is made of."""
HALF = WINDOW // 2


@dataclass(frozen=True)
class JudgeConfig:
    """Sizes of a `SyncJudge`."""

    shapes: int = 5
    """Lip shapes of a frame."""
    bands: int = 40
    """Bands of the spectrogram."""
    width: int = 64
    size: int = 48
    """Length of a vector."""


class SyncJudge(nn.Module):
    """Vectors of unit length for windows of lips and of sound."""

    lips_mean: Tensor
    lips_scale: Tensor
    sound_mean: Tensor
    sound_scale: Tensor

    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        for name, size in (("lips", config.shapes), ("sound", config.bands)):
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.register_buffer(f"{name}_scale", torch.ones(size))
        width, size = config.width, config.size
        self.lips_tower = nn.Sequential(
            _Layer(config.shapes, width, 5),
            _Layer(width, width, 5),
            _Layer(width, width, 5),
            nn.Conv1d(width, size, 3),
        )
        self.sound_tower = nn.Sequential(
            _Layer(config.bands, width, 2, 2),
            _Layer(width, width, 2, 2),
            _Layer(width, width, 5),
            _Layer(width, width, 5),
            _Layer(width, width, 5),
            nn.Conv1d(width, size, 3),
        )
        self.sharpness = nn.Parameter(torch.tensor(2.3))
        """Logarithm of what similarities are multiplied by in training."""

    def lips(self, shapes: Float[Tensor, "clip frame shape"]) -> Float[Tensor, "clip window size"]:
        """One vector for each whole window; window i begins at frame i."""
        return _unit(self.lips_tower(((shapes - self.lips_mean) / self.lips_scale).transpose(1, 2)))

    def sound(self, mel: Float[Tensor, "clip step band"]) -> Float[Tensor, "clip window size"]:
        """Likewise; `mel` has `STEPS_PER_FRAME` steps a frame."""
        return _unit(self.sound_tower(((mel - self.sound_mean) / self.sound_scale).transpose(1, 2)))

    def save(self, path: Path | str) -> None:
        """Write the weights, half precision."""
        tensors = {name: value.detach().half() for name, value in self.state_dict().items()}
        checkpoint.save(Checkpoint(KIND, asdict(self.config), tensors), path)

    @classmethod
    def load(cls, path: Path | str) -> "SyncJudge":
        """Read what `save` wrote.

        Raises:
            CheckpointError: no weights of a judge, or damaged ones.
        """
        saved = checkpoint.load(path, KIND)
        try:
            judge = cls(JudgeConfig(**saved.config))
            judge.load_state_dict({name: value.float() for name, value in saved.tensors.items()})
        except (TypeError, RuntimeError) as error:
            raise CheckpointError(f"{path}: damaged weights of a judge ({str(error).splitlines()[0]})") from error
        return judge.eval().requires_grad_(False)


class _Layer(nn.Sequential):
    """Convolution, normalisation, non-linearity."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(nn.Conv1d(inputs, outputs, kernel, stride), _ChannelNorm(outputs), nn.GELU())


class _ChannelNorm(nn.LayerNorm):
    """Over the channels of each moment alone, so that no window knows the rest of its clip."""

    def forward(self, input: Float[Tensor, "clip channel step"]) -> Float[Tensor, "clip channel step"]:
        return super().forward(input.transpose(1, 2)).transpose(1, 2)


def _unit(vectors: Float[Tensor, "clip size window"]) -> Float[Tensor, "clip window size"]:
    return functional.normalize(vectors.transpose(1, 2), dim=-1)
