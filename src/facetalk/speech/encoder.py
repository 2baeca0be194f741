"""Waveform → one feature vector a video frame, in windows, so that memory does not grow with the sound."""

from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk import checkpoint
from facetalk.speech.composition import Stretch, stretch
from facetalk.speech.configuration import Receptive
from facetalk.speech.own import OwnBackbone
from facetalk.speech.timing import frame_count
from facetalk.types import FRAME_RATE, SpeechFeatures, SpeechStream, Waveform

KIND = "speech"
BUNDLED = "bundled"
"""Name of the encoder that comes with the project."""
WINDOW_FRAMES = 600
"""Frames computed at a time, beside the halo."""


@runtime_checkable
class Backbone(Protocol):
    """A speech encoder composed for frames: convolutions, interpolation, transformer."""

    size: int
    hash: str
    receptive: Receptive
    halo: tuple[int, int]

    def to(self, device: torch.device | str) -> "Backbone":
        """Itself, moved to a device."""
        ...

    def prepared(self, samples: Float[np.ndarray, " sample"]) -> tuple[float, float]:
        """Offset to take off the sound, and gain to multiply it by."""
        ...

    def __call__(self, samples: Float[Tensor, "batch sample"], span: Stretch) -> Float[Tensor, "batch frame feature"]:
        """Features of a stretch of frames."""
        ...


class Encoder:
    """Speech to features at the frame rate.

    The bundled encoder looks at a limited time round a frame; windows carry that much context, so that their features
    are those of the whole file.
    """

    def __init__(
        self, backbone: Backbone, window_frames: int = WINDOW_FRAMES, device: torch.device | str = "cpu"
    ) -> None:
        self.backbone, self.window_frames, self.device = backbone.to(device), window_frames, device

    @property
    def size(self) -> int:
        """Length of a feature vector."""
        return self.backbone.size

    @property
    def hash(self) -> str:
        """Hash of the weights; motion models ask for it."""
        return self.backbone.hash

    def __call__(self, speech: Waveform, rate: Fraction = FRAME_RATE) -> SpeechFeatures:
        """Features of every frame of `speech` (Wav2Vec 2.0, Baevski et al. 2020, interpolated before attention)."""
        return SpeechFeatures(torch.cat(list(self.stream(speech, rate).pieces)), rate, self.hash)

    def stream(self, speech: Waveform, rate: Fraction = FRAME_RATE) -> SpeechStream:
        """The same features window by window, for sound of any length."""
        frames, scale = frame_count(speech.duration, rate), self.backbone.prepared(speech.samples)
        windows = (
            range(begin, min(begin + self.window_frames, frames)) for begin in range(0, frames, self.window_frames)
        )
        pieces = (self._window(speech, window, frames, rate, scale) for window in windows)
        return SpeechStream(pieces, frames, rate, self.hash)

    @torch.inference_mode()
    def _window(
        self, speech: Waveform, wanted: range, frames: int, rate: Fraction, scale: tuple[float, float]
    ) -> Float[Tensor, "frame feature"]:
        left, right = self.backbone.halo
        heard = range(max(wanted.start - left, 0), min(wanted.stop + right, frames))
        span = stretch(heard, rate, self.backbone.receptive)
        samples = _taken(speech.samples, span, *scale)
        values = self.backbone(torch.from_numpy(samples)[None].to(self.device), span)[0].cpu()
        return values[wanted.start - heard.start : wanted.stop - heard.start]


def load(
    source: str | Path = BUNDLED, window_frames: int = WINDOW_FRAMES, device: torch.device | str = "cpu"
) -> Encoder:
    """An encoder.

    Args:
        source: "bundled"; a .safetensors file of ours; a folder with a Wav2Vec 2.0, HuBERT or WavLM; or its
            name on the hub, such as facebook/wav2vec2-base-960h.
        window_frames: frames computed at a time.
        device: where it runs; features come back to the CPU.

    Raises:
        CheckpointError: the weights are missing or of another kind.
    """
    source = bundled_path() if str(source) == BUNDLED else source
    if Path(source).suffix == ".safetensors":
        return Encoder(OwnBackbone(checkpoint.load(source, KIND)), window_frames, device)
    from facetalk.speech.published import PretrainedBackbone  # transformers takes seconds to import

    return Encoder(PretrainedBackbone(str(source)), window_frames, device)


def bundled_path() -> Path:
    """The weights that come with the project."""
    return Path(str(resources.files("facetalk"))) / "weights" / "speech.safetensors"


def _taken(
    samples: Float[np.ndarray, " sample"], span: Stretch, offset: float, gain: float
) -> Float[np.ndarray, " heard"]:
    """The samples of a stretch, scaled; silence where it reaches beyond the sound."""
    before = max(-span.first_sample, 0)
    inside = samples[max(span.first_sample, 0) : span.last_sample]
    scaled = (inside - np.float32(offset)) * np.float32(gain)
    return np.pad(scaled, (before, span.last_sample - span.first_sample - before - len(scaled)))
