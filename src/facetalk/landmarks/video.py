"""Landmarks straight from a video, by MediaPipe's face mesh; the only place that knows MediaPipe."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

from facetalk.errors import InputError
from facetalk.landmarks.files import Reading, sequence
from facetalk.landmarks.points import MEDIAPIPE, Landmarks

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
Watch = Callable[[int, int], None]


def track(path: Path | str, watch: Watch) -> Landmarks:
    """The landmarks of the one face of a video.

    Raises:
        ModuleNotFoundError: MediaPipe is not installed; the extra `landmarks` brings it.
        InputError: no video, an empty one, or one without a face.
    """
    from mediapipe.python.solutions.face_mesh import FaceMesh  # the extra `landmarks`

    path = Path(path)
    rows, shape = [], (1, 1)
    rate, pictures = _pictures(path)
    with FaceMesh(refine_landmarks=True, max_num_faces=1) as mesh:
        for number, (picture, total) in enumerate(pictures):
            faces = mesh.process(picture).multi_face_landmarks
            shape = picture.shape[:2]
            rows.append(_places(faces[0]) if faces else np.full((MEDIAPIPE, 3), np.nan))
            watch(number + 1, max(total, number + 1))
    if not rows:
        raise InputError(f"{path}: no picture in it; give a video of a face")
    return sequence(np.stack(rows), Reading(rate, Fraction(shape[1], shape[0])), str(path))


def _places(face) -> np.ndarray:
    return np.array([[point.x, point.y, point.z] for point in face.landmark])


def _pictures(path: Path) -> tuple[Fraction, Iterator[tuple[UInt8[np.ndarray, "height width 3"], int]]]:
    """Frames a second, and the pictures with how many there should be."""
    try:
        container = av.open(str(path))
    except (OSError, av.FFmpegError) as error:
        raise InputError(f"{path}: no readable video ({error}); give a video of a face") from error
    if not container.streams.video:
        container.close()
        raise InputError(f"{path}: no picture in it; give a video of a face")
    stream = container.streams.video[0]

    def pictures() -> Iterator[tuple[np.ndarray, int]]:
        with container:
            try:
                for frame in container.decode(stream):
                    yield frame.to_ndarray(format="rgb24"), stream.frames
            except av.FFmpegError as error:
                raise InputError(f"{path}: damaged video ({error}); export it again") from error

    return stream.average_rate or Fraction(30), pictures()
