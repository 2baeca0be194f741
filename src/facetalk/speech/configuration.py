"""Sizes of our own encoders, and what follows from them: hop, receptive field, halo."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class EncoderConfig:
    """A small Wav2Vec 2.0 (Baevski et al. 2020) whose transformer runs at the frame rate."""

    conv_channels: tuple[int, ...] = (64, 64, 96, 128, 160, 192, 192)
    conv_kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    conv_strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    size: int = 256
    """Width of the transformer, and of the features."""
    layers: int = 6
    heads: int = 4
    inner: int = 1024
    """Width inside the feed-forward parts."""
    position_kernel: int = 9
    """Frames of the convolution that tells positions; odd. It looks back only."""
    position_groups: int = 16
    gain: float = 8.0
    """The sound is multiplied by this and by nothing else: no statistics of the file are taken."""
    left: int = 16
    """Frames back that a layer attends to."""
    right: int = 8
    """Frames ahead that a layer attends to."""
    slopes: tuple[float, ...] = (0.5, 0.125, 0.03125, 0.0)
    """Attention falls by this much for each frame of distance, one value a head (ALiBi, Press et al. 2022)."""

    def __post_init__(self) -> None:
        if len(self.slopes) != self.heads:
            raise ValueError(f"{len(self.slopes)} slopes for {self.heads} heads; give one a head")

    @property
    def hop_samples(self) -> int:
        """Samples between two outputs of the convolutions."""
        return Receptive.of(self.conv_kernels, self.conv_strides).hop_samples

    @property
    def halo(self) -> tuple[int, int]:
        """Frames before and after that a frame's features depend on."""
        return self.layers * self.left + self.position_kernel - 1, self.layers * self.right


@dataclass(frozen=True)
class Receptive:
    """What one output of a stack of convolutions sees."""

    hop_samples: int
    samples: int

    @classmethod
    def of(cls, kernels: tuple[int, ...], strides: tuple[int, ...]) -> "Receptive":
        """The hop and field of stacked convolutions without padding."""
        hop, samples = 1, 1
        for kernel, stride in zip(kernels, strides, strict=True):
            samples += (kernel - 1) * hop
            hop *= stride
        return cls(hop, samples)

    @property
    def first_centre(self) -> Fraction:
        """Middle of the samples the first output sees."""
        return Fraction(self.samples - 1, 2)


@dataclass(frozen=True)
class RotaryConfig:
    """The encoder of Moonshine (Jeffries et al. 2024), its transformer at the frame rate and its attention local."""

    size: int = 288
    """Width of the transformer, and of the features."""
    conv_kernels: tuple[int, ...] = (127, 7, 3)
    conv_strides: tuple[int, ...] = (64, 3, 2)
    layers: int = 6
    heads: int = 8
    inner: int = 1152
    """Width inside the feed-forward parts."""
    turned: int = 32
    """Numbers of a head's queries and keys that are turned by time (rotary positions, Su et al. 2021); even."""
    gain: float = 1.0
    """The sound is multiplied by this and by nothing else: no statistics of the file are taken."""
    left: int = 32
    """Frames back that a layer attends to."""
    right: int = 16
    """Frames ahead that a layer attends to."""

    @property
    def conv_channels(self) -> tuple[int, ...]:
        """Channels that each convolution puts out."""
        return self.size, 2 * self.size, self.size

    @property
    def slopes(self) -> tuple[float, ...]:
        """Attention does not fall with distance by itself."""
        return (0.0,)

    @property
    def hop_samples(self) -> int:
        """Samples between two outputs of the convolutions."""
        return Receptive.of(self.conv_kernels, self.conv_strides).hop_samples

    @property
    def halo(self) -> tuple[int, int]:
        """Frames before and after that a frame's features depend on."""
        return self.layers * self.left, self.layers * self.right


TINY_ROTARY = RotaryConfig(size=16, layers=2, heads=2, inner=32, turned=4, left=6, right=3)
"""For tests."""
TINY = EncoderConfig(
    conv_channels=(8,) * 7, size=16, layers=2, heads=2, inner=32, position_kernel=3, position_groups=4, left=6, right=3,
    slopes=(0.5, 0.0),
)  # fmt: skip
"""For tests."""
