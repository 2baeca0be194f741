"""Any sound file, or the sound of a video, to a 16 kHz mono waveform. Knows nothing of features or frames."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
import soxr
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.speech.container import ContainerSound
from facetalk.types import SAMPLE_RATE, Waveform

SHORTEST_SECONDS = Fraction(1, 20)
"""Anything shorter holds no syllable, and less than two frames of video."""

BLOCK_SAMPLES = 1 << 18
"""Samples read at a time from a sound file."""

Block = Float[np.ndarray, "sample channel"]


def read(path: Path | str, *, start: float = 0.0, duration: float | None = None) -> Waveform:
    """Speech of a file, mono at `SAMPLE_RATE`, decoded block by block.

    WAV, FLAC, OGG, MP3 and what else libsndfile knows are read by it; M4A, MP4, WebM and the like by FFmpeg.

    Args:
        path: the file.
        start: seconds to leave out at the front.
        duration: seconds to take; None takes all.

    Raises:
        InputError: the file is missing, empty, no sound, has no sound track, holds NaN, or is too short.
    """
    path = Path(path)
    _check_file(path)
    _check_span(path, start, duration)
    blocks, rate = _open(path)
    samples = _resampled(_span(blocks, rate, start, duration), rate)
    _check_samples(path, samples, start)
    return Waveform(samples)


def _open(path: Path) -> tuple[Iterator[Block], int]:
    try:
        with soundfile.SoundFile(path) as file:
            rate = file.samplerate
        return _soundfile_blocks(path), rate
    except soundfile.LibsndfileError:
        sound = ContainerSound(path)
        return sound.blocks(), sound.rate


def _soundfile_blocks(path: Path) -> Iterator[Block]:
    with soundfile.SoundFile(path) as file:
        yield from file.blocks(BLOCK_SAMPLES, dtype="float32", always_2d=True)


def _span(blocks: Iterator[Block], rate: int, start: float, duration: float | None) -> Iterator[Block]:
    """The part of a stream of blocks between `start` and `start + duration` seconds."""
    first = round(start * rate)
    last = None if duration is None else first + round(duration * rate)
    position = 0
    for block in blocks:
        begin = max(first - position, 0)
        end = len(block) if last is None else min(max(last - position, 0), len(block))
        position += len(block)
        if begin < end:
            yield block[begin:end]
        if last is not None and position >= last:
            return


def _resampled(blocks: Iterator[Block], rate: int) -> Float[np.ndarray, " sample"]:
    """Channels averaged and the rate changed, as a stream, so that only the result is held whole."""
    mono = (block.mean(axis=1, dtype=np.float32) for block in blocks)
    if rate == SAMPLE_RATE:
        return _joined(list(mono))
    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    pieces = [stream.resample_chunk(np.ascontiguousarray(block)) for block in mono]
    pieces.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    return _joined(pieces)


def _joined(pieces: list[Float[np.ndarray, " _"]]) -> Float[np.ndarray, " sample"]:
    """One array of all; each piece is let go once it is copied, so that nothing is held twice."""
    whole, at = np.empty(sum(map(len, pieces)), np.float32), 0
    pieces.reverse()
    while pieces:
        piece = pieces.pop()
        whole[at : at + len(piece)] = piece
        at += len(piece)
    return whole


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give a sound or video file")
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes); record or export it again")


def _check_span(path: Path, start: float, duration: float | None) -> None:
    if not 0 <= start < float("inf"):
        raise InputError(f"{path}: start {start} s is not a time in the file; use 0 or more")
    if duration is not None and not SHORTEST_SECONDS <= duration < float("inf"):
        raise InputError(f"{path}: duration {duration} s is too short; use at least {float(SHORTEST_SECONDS)} s")


def _check_samples(path: Path, samples: Float[np.ndarray, " sample"], start: float) -> None:
    if len(samples) == 0 and start:
        raise InputError(f"{path}: nothing is left after {start} s; start earlier")
    if len(samples) == 0:
        raise InputError(f"{path}: holds 0 s of sound; record or export it again")
    if len(samples) < SHORTEST_SECONDS * SAMPLE_RATE:
        seconds = len(samples) / SAMPLE_RATE
        raise InputError(f"{path}: {seconds:.3f} s of sound is too short; give at least {float(SHORTEST_SECONDS)} s")
    if not np.isfinite(samples).all():
        raise InputError(f"{path}: holds NaN or infinite samples; export it again from the program that wrote it")
