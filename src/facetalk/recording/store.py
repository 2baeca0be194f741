"""Recordings written: every file beside its place and then renamed, so that none is ever seen half."""

import json
import os
import wave
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from facetalk.errors import InputError
from facetalk.recording.cameras import CalibratedCamera
from facetalk.recording.layout import (
    CLOUDS,
    DEPTH,
    DESCRIPTION,
    IMAGES,
    LANDMARKS,
    Description,
    Points,
    Recording,
    stem,
)
from facetalk.types import SAMPLE_RATE, Frame, Waveform

DEEPEST = 65_535
"""Steps of a depth picture."""
LOUDEST = 32_767
PICTURE_QUALITY = 95
"""Of JPEG."""


def written(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` write beside `path`, then rename.

    Raises:
        InputError: the place cannot be written, or the disk is full.
    """
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place, or make room") from error


def start(folder: Path | str, about: Description) -> Recording:
    """Begin a recording: its description.

    Raises:
        InputError: the place cannot be written.
    """
    recording = Recording(Path(folder), about)
    text = json.dumps(about.to_json(), indent=1, ensure_ascii=False)
    written(recording.folder / DESCRIPTION, lambda path: path.write_text(text, "utf-8"))
    return recording


def write_audio(recording: Recording, sound: Waveform) -> None:
    """The sound as 16-bit WAV."""
    write_wave(recording.audio, sound)


def write_wave(path: Path, sound: Waveform) -> None:
    """A waveform as 16-bit WAV; what is beyond full scale is clipped."""
    steps = np.rint(np.clip(sound.samples, -1, 1) * LOUDEST).astype("<i2").tobytes()

    def write(partial: Path) -> None:
        with wave.open(str(partial), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(steps)

    written(path, write)


def write_points(recording: Recording, frame: int, points: Points) -> None:
    """One frame's cloud, given in millimetres, in the recording's unit and single precision."""
    arrays = {"points": (points.places / recording.about.unit_mm).astype(np.float32)}
    if points.normals is not None:
        arrays["normals"] = points.normals.astype(np.float16)
    write_arrays(points_file(recording, frame), arrays)


def points_file(recording: Recording, frame: int) -> Path:
    """Where `write_points` writes."""
    return recording.folder / CLOUDS / f"{stem(frame)}.npz"


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Named arrays as an .npz whose bytes depend on nothing but the arrays."""
    written(path, lambda partial: np.savez(partial, **arrays))


def write_depth(
    recording: Recording, camera: CalibratedCamera, frame: int, depth_mm: Float[np.ndarray, "row column"]
) -> None:
    """One camera's depth picture, in millimetres, 0 where nothing was measured."""
    steps = np.clip(np.rint(depth_mm / recording.about.depth_step_mm), 0, DEEPEST).astype(np.uint16)
    written(depth_file(recording, camera, frame), lambda path: Image.fromarray(steps).save(path, "png"))


def depth_file(recording: Recording, camera: CalibratedCamera, frame: int) -> Path:
    """Where `write_depth` writes."""
    return recording.folder / DEPTH / camera.name / f"{stem(frame)}.png"


def write_picture(recording: Recording, camera: CalibratedCamera, frame: int, picture: Frame) -> None:
    """One camera's photograph."""
    place = picture_file(recording, camera, frame)
    written(place, lambda path: Image.fromarray(picture.pixels).save(path, "jpeg", quality=PICTURE_QUALITY))


def picture_file(recording: Recording, camera: CalibratedCamera, frame: int) -> Path:
    """Where `write_picture` writes."""
    return recording.folder / IMAGES / camera.name / f"{stem(frame)}.jpg"


def write_landmarks(recording: Recording, places: Mapping[str, Float[np.ndarray, "frame 3"]]) -> None:
    """Named points in millimetres, NaN where they are not known."""
    stacked = np.stack(list(places.values()), axis=1) / recording.about.unit_mm
    write_arrays(recording.folder / LANDMARKS, {"names": np.array(list(places)), "places": stacked})
