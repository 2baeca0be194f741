"""A recording on disk: a folder with `recording.json`, sound and one file a frame (docs/recordings.md). Reads only.

Numbers are the file's own; `unit` says what they are. Points come out in millimetres.
"""

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from facetalk.errors import InputError
from facetalk.fitting.pose import UNITS_MM
from facetalk.geometry import UNIT_MM
from facetalk.mesh import files
from facetalk.recording.cameras import CalibratedCamera, from_json

DESCRIPTION = "recording.json"
VERSION = 1
CLOUDS, DEPTH, IMAGES, LANDMARKS = "clouds", "depth", "images", "landmarks.npz"
CLOUD_SUFFIXES = (".npz", ".ply")
DEPTH_STEP_MM = 0.1
"""What one step of a 16-bit depth picture is, unless `depth_step_mm` says otherwise."""
HIGHEST_RATE = 1000


@dataclass(frozen=True)
class Points:
    """What a rig measured of one frame, in millimetres of the rig's world."""

    places: Float[np.ndarray, "point 3"]
    normals: Float[np.ndarray, "point 3"] | None = None
    """Outward, of unit length; of none where one is not known."""

    def __len__(self) -> int:
        return len(self.places)


@dataclass(frozen=True)
class Description:
    """Everything that `recording.json` says."""

    subject: str
    sequence: str
    rate: Fraction
    """Frames a second, exact."""
    frames: int
    unit: str = "mm"
    audio: str = "audio.wav"
    first: Fraction | None = None
    """When frame 0 was taken, in seconds of the sound; half a frame where it is not said."""
    cameras: tuple[CalibratedCamera, ...] = ()
    depth_step_mm: float = DEPTH_STEP_MM

    @property
    def name(self) -> str:
        """What the training folder is called."""
        return f"{self.subject}_{self.sequence}"

    @property
    def unit_mm(self) -> float:
        """Millimetres in one of the recording's numbers."""
        return UNITS_MM[self.unit]

    def time(self, frame: int) -> Fraction:
        """When a frame was taken, in seconds of the sound, exact."""
        first = Fraction(1, 2) / self.rate if self.first is None else self.first
        return first + frame / self.rate

    def to_json(self) -> dict:
        """What `describe` reads."""
        found = {
            "version": VERSION,
            "subject": self.subject,
            "sequence": self.sequence,
            "rate": str(self.rate),
            "frames": self.frames,
            "unit": self.unit,
            "audio": self.audio,
            "depth_step_mm": self.depth_step_mm,
            "cameras": [camera.to_json() for camera in self.cameras],
        }
        return found if self.first is None else {**found, "first": str(self.first)}


@dataclass(frozen=True)
class Recording:
    """A folder that holds a recording."""

    folder: Path
    about: Description

    @property
    def audio(self) -> Path:
        """The sound."""
        return self.folder / self.about.audio

    @property
    def has_clouds(self) -> bool:
        """Whether there are clouds; where not, they are made of depth."""
        return (self.folder / CLOUDS).is_dir()

    @property
    def depth_cameras(self) -> tuple[CalibratedCamera, ...]:
        """Cameras that have a folder of depth pictures."""
        return tuple(camera for camera in self.about.cameras if (self.folder / DEPTH / camera.name).is_dir())

    def cloud_file(self, frame: int) -> Path | None:
        """The cloud of a frame, None where there is none."""
        places = (self.folder / CLOUDS / f"{stem(frame)}{suffix}" for suffix in CLOUD_SUFFIXES)
        return next((path for path in places if path.is_file()), None)

    def points(self, frame: int) -> Points:
        """What was measured of a frame: its cloud, or its depth pictures back-projected; millimetres.

        Raises:
            InputError: the frame is missing or cannot be read.
        """
        if self.has_clouds:
            path = self.cloud_file(frame)
            if path is None:
                raise InputError(f"{self.folder}: frame {frame} is missing; there is no {CLOUDS}/{stem(frame)}.npz")
            return _read_cloud(path, self.about.unit_mm)
        parts = [self._depth_points(camera, frame) for camera in self.depth_cameras]
        known = [part for part in parts if part is not None]
        if not known:
            raise InputError(f"{self.folder}: frame {frame} is missing; no camera has a {DEPTH} picture of it")
        return Points(np.concatenate(known))

    def depth(self, camera: CalibratedCamera, frame: int) -> Float[np.ndarray, "row column"] | None:
        """A depth picture in millimetres, 0 where nothing was measured; None where it is missing.

        Raises:
            InputError: it cannot be read, or is not as large as the calibration says.
        """
        path = self.folder / DEPTH / camera.name / f"{stem(frame)}.png"
        if not path.is_file():
            return None
        try:
            with Image.open(path) as picture:
                steps = np.asarray(picture, np.float64)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not a readable depth picture ({error}); export it again") from error
        if steps.shape != (camera.height, camera.width):
            size = " × ".join(map(str, steps.shape[::-1]))
            raise InputError(f"{path}: is {size} pixels, not {camera.width} × {camera.height} as calibrated")
        return steps * self.about.depth_step_mm

    def _depth_points(self, camera: CalibratedCamera, frame: int) -> Float[np.ndarray, "point 3"] | None:
        depth = self.depth(camera, frame)
        unit = self.about.unit_mm
        return None if depth is None else camera.back_projected(depth / unit) * unit

    def landmarks(self) -> Mapping[str, Float[np.ndarray, "frame 3"]]:
        """Places of named points in millimetres, NaN where they are not known; empty where none were recorded.

        Raises:
            InputError: the file cannot be read, or has another number of frames.
        """
        path = self.folder / LANDMARKS
        if not path.exists():
            return {}
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                names, places = [str(name) for name in file["names"]], np.asarray(file["places"], np.float64)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path}: no landmarks ({error}); give names and places [frame, name, 3]") from error
        wanted = (self.about.frames, len(names), 3)
        if places.shape != wanted:
            raise InputError(f"{path}: places are {places.shape}, not {wanted} (frames, names, 3)")
        return dict(zip(names, np.moveaxis(places, 1, 0) * self.about.unit_mm, strict=True))


def stem(frame: int) -> str:
    """A frame's file name without suffix."""
    return f"{frame:06d}"


def read(folder: Path | str) -> Recording:
    """The recording in a folder; frames are read when they are asked for.

    Raises:
        InputError: there is no description, or it lacks something.
    """
    folder = Path(folder)
    path = folder / DESCRIPTION
    if not path.is_file():
        raise InputError(f"{folder}: no recording ({DESCRIPTION} is missing); see docs/recordings.md, or import one")
    try:
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it is no object")
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable JSON ({error}); write it again") from error
    try:
        return Recording(folder, describe(found))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def describe(found: Mapping) -> Description:
    """A description from its JSON.

    Raises:
        InputError: an entry is missing or makes no sense.
    """
    try:
        first = found.get("first")
        about = Description(
            subject=str(found["subject"]),
            sequence=str(found["sequence"]),
            rate=rational(found["rate"], "rate"),
            frames=int(found["frames"]),
            unit=str(found.get("unit", "mm")),
            audio=str(found.get("audio", "audio.wav")),
            first=None if first is None else rational(first, "first"),
            cameras=tuple(from_json(camera) for camera in found.get("cameras", ())),
            depth_step_mm=float(found.get("depth_step_mm", DEPTH_STEP_MM)),
        )
    except KeyError as error:
        raise InputError(f"has no {error.args[0]!r}; see docs/recordings.md") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"has an unreadable entry ({error}); see docs/recordings.md") from error
    _check(about, found.get("version", VERSION))
    return about


def rational(text: object, name: str) -> Fraction:
    """An exact number: an integer, or a fraction or decimal in quotes. Floats are refused: 24.33 is not 73/3.

    Raises:
        InputError: it is none.
    """
    if isinstance(text, float):
        raise InputError(f'{name} {text} is rounded; write it exactly, for example "73/3"')
    try:
        return Fraction(str(text))
    except (ValueError, ZeroDivisionError) as error:
        raise InputError(f'{name} {text!r} is no number; write it exactly, for example "73/3"') from error


def _check(about: Description, version: object) -> None:
    names = [camera.name for camera in about.cameras]
    if version != VERSION:
        raise InputError(f"is of version {version}; this program reads version {VERSION}")
    if not 0 < about.rate <= HIGHEST_RATE:
        raise InputError(f"rate {about.rate} is none; give frames a second, 1 to {HIGHEST_RATE}")
    if about.frames < 1:
        raise InputError(f"{about.frames} frames are none; count them again")
    if about.unit not in UNITS_MM:
        raise InputError(f"unit {about.unit!r} is unknown; use {', '.join(UNITS_MM)}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"camera {twice} is there twice; give every camera a name of its own")
    for word in (about.subject, about.sequence):
        if not word or not all(letter.isalnum() or letter in "-_." for letter in word) or word.startswith("."):
            raise InputError(f"subject or sequence {word!r} is no name for a folder; use letters, digits, - and _")


def _read_cloud(path: Path, unit_mm: float) -> Points:
    if path.suffix == ".ply":
        mesh = files.read(path)
        scale = UNIT_MM * unit_mm  # `files` divides by the unit of head space, whatever the numbers were
        normals = None if mesh.normals is None else mesh.normals.astype(np.float64)
        return Points(mesh.vertices.astype(np.float64) * scale, _unit(normals))
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            places = np.asarray(file["points"], np.float64).reshape(-1, 3) * unit_mm
            normals = np.asarray(file["normals"], np.float64).reshape(places.shape) if "normals" in file else None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a readable cloud ({error}); give an array points (n × 3)") from error
    return Points(places, _unit(normals))


def _unit(normals: Float[np.ndarray, "point 3"] | None) -> Float[np.ndarray, "point 3"] | None:
    """Normals of length one, and of none where the file has no direction."""
    if normals is None:
        return None
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    known = np.isfinite(length) & (length > 0)
    return np.where(known, normals, 0.0) / np.where(known, length, 1.0)
