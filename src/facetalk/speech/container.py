"""The sound track of a media container (M4A, MP4, MOV, WebM, MKV …), decoded by FFmpeg through PyAV."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from jaxtyping import Float

from facetalk.errors import InputError


class ContainerSound:
    """The first sound track of a file.

    Raises:
        InputError: FFmpeg cannot read the file, or there is no sound in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with av.open(str(path)) as container:
                streams = container.streams.audio
                if not streams:
                    raise InputError(f"{path}: has no sound track; give a file with speech in it")
                self.rate: int = streams[0].codec_context.sample_rate
        except (av.FFmpegError, UnicodeDecodeError) as error:
            raise InputError(
                f"{path}: is not a sound or video file that can be read; give WAV, FLAC, MP3, OGG, M4A or MP4"
            ) from error
        if not self.rate:
            raise InputError(f"{path}: its sound track cannot be decoded; convert it to WAV")

    def blocks(self) -> Iterator[Float[np.ndarray, "sample channel"]]:
        """Decoded samples, block by block, as 32-bit floats at `rate`.

        Raises:
            InputError: the track is damaged.
        """
        resampler = av.AudioResampler(format="fltp", rate=self.rate)
        try:
            with av.open(str(self.path)) as container:
                for frame in container.decode(audio=0):
                    yield from self._planes(resampler, frame)
                yield from self._planes(resampler, None)
        except av.FFmpegError as error:
            raise InputError(f"{self.path}: its sound track is damaged; convert it to WAV") from error

    @staticmethod
    def _planes(
        resampler: av.AudioResampler, frame: av.AudioFrame | None
    ) -> Iterator[Float[np.ndarray, "sample channel"]]:
        for converted in resampler.resample(frame):
            yield converted.to_ndarray().T
