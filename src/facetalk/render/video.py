"""Pictures and sound to an MP4 file: H.264 and AAC, exact rates, one frame in memory at a time."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.types import SAMPLE_RATE, Frame, Waveform

SOUND_RATE = 48_000
"""Samples a second in the file: what every player knows."""


@dataclass(frozen=True)
class VideoConfig:
    """How videos are compressed."""

    quality: int = 18
    """Constant rate factor of x264: lower is better and larger."""
    preset: str = "veryfast"
    """Speed of x264."""
    sound_bits: int = 128_000
    """Bits a second of the sound track."""


def write_video(
    frames: Iterable[Frame], path: Path | str, rate: Fraction, sound: Waveform | None = None,
    config: VideoConfig | None = None,
) -> int:  # fmt: skip
    """Write frames, and sound cut or filled with silence to the same length; the number of frames is returned.

    The file is written beside `path` and renamed when it is whole.

    Raises:
        InputError: the place cannot be written, or the pictures have odd sizes.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(partial), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            count = _mux(container, frames, rate, sound, config or VideoConfig())
        os.replace(partial, path)
    except (FFmpegError, OSError) as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return count


def _mux(container, frames: Iterable[Frame], rate: Fraction, sound: Waveform | None, config: VideoConfig) -> int:
    picture = container.add_stream("libx264", rate=rate, options={"crf": str(config.quality), "preset": config.preset})
    picture.pix_fmt, picture.time_base = "yuv420p", 1 / rate
    picture.codec_context.thread_count = 1
    track = None
    if sound is not None:
        track = container.add_stream("aac", rate=SOUND_RATE, layout="mono", bit_rate=config.sound_bits)
    spoken = None if sound is None else _Sound(sound)
    count = 0
    for frame in frames:
        if count == 0:
            picture.height, picture.width = _even(frame)
        image = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.pixels), format="rgb24")
        image.pts, image.time_base = count, 1 / rate
        container.mux(picture.encode(image))
        count += 1
        if spoken is not None:
            for piece in spoken.until(count / rate):
                container.mux(track.encode(piece))
    if count == 0:
        raise InputError("a video needs at least one frame")
    container.mux(picture.encode(None))
    if track is not None:
        container.mux(track.encode(None))
    return count


def _even(frame: Frame) -> tuple[int, int]:
    height, width = frame.pixels.shape[:2]
    if height % 2 or width % 2:
        raise InputError(f"a video of {width}×{height} pixels is not possible; both sides must be even")
    return height, width


class _Sound:
    """A waveform handed out in pieces as the pictures advance, resampled on the way."""

    def __init__(self, sound: Waveform) -> None:
        self.samples = sound.samples
        self.resampler = av.AudioResampler(format="fltp", layout="mono", rate=SOUND_RATE)
        self.taken = 0
        self.given = 0

    def until(self, time: Fraction) -> Iterator[av.AudioFrame]:
        """Pieces that reach `time` in seconds from the start; silence once the waveform is over."""
        stop = int(time * SAMPLE_RATE)
        if stop == self.taken:
            return
        piece = np.zeros(stop - self.taken, np.float32)
        known = self.samples[self.taken : stop]
        piece[: len(known)] = known
        yield from self._resampled(piece)
        self.taken = stop

    def _resampled(self, piece: Float[np.ndarray, " sample"]) -> Iterator[av.AudioFrame]:
        block = av.AudioFrame.from_ndarray(piece[None], format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = SAMPLE_RATE, self.taken, Fraction(1, SAMPLE_RATE)
        for made in self.resampler.resample(block):
            made.pts, made.time_base = self.given, Fraction(1, SOUND_RATE)
            self.given += made.samples
            yield made
