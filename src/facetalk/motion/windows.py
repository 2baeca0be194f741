"""Motion for audio of any length, a window at a time, equal to one long pass.

Self-attention looks back a fixed number of frames. Each window therefore needs of the past only what every block
remembers of the last frames at every diffusion step: with it the noisy past, the style it settled on and its noise
go on as if the window had no beginning. Memory does not grow with the audio.
"""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.motion.calm import HALF_BAND, Kernel
from facetalk.motion.earshot import Earshot
from facetalk.motion.guidance import guided
from facetalk.motion.listener import Listener, Memory
from facetalk.motion.noise import REACH, FrameNoise
from facetalk.motion.retouch import Retouch, as_drawn
from facetalk.motion.sampler import Sampler, dpm_solver
from facetalk.motion.schedule import Schedule
from facetalk.motion.temper import Temper
from facetalk.types import SpeechStream


@dataclass(frozen=True)
class Sampling:
    """How motion is drawn."""

    steps: int = 8
    """Diffusion steps, 1 to 1000."""
    _: KW_ONLY
    spacing: float = 2 / 3
    """How steps are spread over the diffusion times (`Schedule.levels`): below 1 more of them are where noise is strong
    and it is decided whether eyes blink; spread evenly, few steps leave blinks half shut and brows dull."""
    guidance: float = 1.4
    """1 follows speech as trained, more amplifies it, 0 ignores it."""
    seed: int = 0
    """Same seed, same machine: same motion."""
    mouth_noise: float = 0.4
    """Share of the noise that jaw and lips get; 1 samples them as widely as the model allows."""
    calm: Kernel = HALF_BAND
    """How lids, brows and gaze are averaged over neighbouring frames; `calm.AS_DRAWN` leaves them trembling."""
    sampler: Sampler = dpm_solver
    window: int = 240
    """Frames drawn at a time; the result does not depend on it."""
    first_frame: int = 0
    """Number of the first frame. Noise belongs to frame numbers, so −6 gives 200 ms put in front the noise before 0."""


@dataclass
class Remembering:
    """A denoiser that goes on where the window before ended, at every diffusion time by itself."""

    denoiser: Listener
    memories: dict[tuple[int, bool], Memory] = field(default_factory=dict)

    def __call__(self, noisy: Tensor, time: int, speech: Tensor | None) -> Tensor:
        """x̂0 of the next window at one diffusion time; each time is asked once a window, heard and unheard apart."""
        key = (time, speech is None)
        times = torch.full((len(noisy),), time, device=noisy.device)
        clean, self.memories[key] = self.denoiser.recall(noisy, times, speech, self.memories.get(key))
        return clean


def draw_windows(
    denoiser: Listener,
    schedule: Schedule,
    stream: SpeechStream,
    sampling: Sampling,
    temper: Temper,
    retouch: Retouch = as_drawn,
) -> Iterator[Float[Tensor, "frame live"]]:
    """Consecutive windows of motion in live space, one frame for each frame of `stream`.

    Args:
        denoiser: the network.
        schedule: its noise levels.
        stream: features of speech; of them no more is kept than a window hears.
        sampling: how to draw.
        temper: what noise the mouth gets, and what the rest.
        retouch: what becomes of each window.

    Raises:
        InputError: a window, or a number of steps, that is not positive.
    """
    if sampling.window < 1:
        raise InputError(f"windows of {sampling.window} frames: use 1 or more, for example 240")
    levels = schedule.levels(sampling.steps, sampling.spacing)
    noise = FrameNoise(sampling.seed, denoiser.config.live)
    remembering, earshot = Remembering(denoiser), Earshot(stream, denoiser.config.hearing)
    for first in range(0, len(stream), sampling.window):
        frames = min(sampling.window, len(stream) - first)
        features, number_of_first = earshot(range(first, first + frames)), sampling.first_frame + first
        speech = denoiser.listen(features[None])

        def draw(number: int, first: int = number_of_first, frames: int = frames) -> Tensor:
            white = noise.window(number, first - REACH + 1, frames + REACH - 1).to(temper.mouth)
            return temper(white, sampling.mouth_noise)

        live = sampling.sampler(guided(remembering, speech, sampling.guidance), draw, levels)[0]
        yield retouch(live, features, number_of_first)
