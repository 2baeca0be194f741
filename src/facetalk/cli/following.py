"""The options of `facetalk animate` that have to do with landmarks."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from facetalk.cli.command import progress
from facetalk.errors import InputError
from facetalk.landmarks import files, video
from facetalk.landmarks.files import Reading
from facetalk.landmarks.points import Landmarks


@dataclass(frozen=True)
class Following:
    """Face landmarks to follow."""

    landmarks: Path | None = None
    """Face landmarks to follow: .npy, .csv (docs/landmarks.md), or a video, which needs the extra facetalk[landmarks];
    with a recording as well, speech moves what they do not show."""
    landmarks_fps: str | None = None
    """Frames a second of the landmarks, such as 25 or 30000/1001; by default what the file says, else 30."""
    landmarks_aspect: str | None = None
    """Shape of the picture, such as 16:9, where landmarks are shares of its width and height."""

    def check(self) -> None:
        """Refuse what cannot be followed before anything is loaded.

        Raises:
            InputError: an option makes no sense, or the file is missing.
        """
        if self.landmarks is None:
            if self.landmarks_fps or self.landmarks_aspect:
                raise InputError("--landmarks-fps and --landmarks-aspect tell of landmarks; give --landmarks FILE")
            return
        if not self.landmarks.is_file():
            what = "is a folder" if self.landmarks.is_dir() else "no such file"
            raise InputError(f"{self.landmarks}: {what}; give landmarks (.npy, .csv) or a video")
        self.reading()

    def reading(self) -> Reading:
        """What the options say of the file."""
        aspect = None if self.landmarks_aspect is None else files.parse_aspect(self.landmarks_aspect)
        return Reading(None if self.landmarks_fps is None else parse_rate(self.landmarks_fps), aspect)

    def read(self) -> Landmarks:
        """The landmarks.

        Raises:
            InputError: there are none, or they cannot be used.
        """
        if self.landmarks is None:
            raise InputError("no landmarks to follow; give --landmarks FILE")
        if self.landmarks.suffix.lower() not in video.SUFFIXES:
            return files.read(self.landmarks, self.reading())
        with progress("landmarks") as watch:
            return video.track(self.landmarks, watch)


def parse_rate(text: str) -> Fraction:
    """Frames a second as a whole number, a decimal or a fraction.

    Raises:
        InputError: it is none, or not positive.
    """
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise InputError(f"--landmarks-fps {text}: give frames a second, 1 to 1000, for example 25 or 30000/1001")
    return rate


def cut(landmarks: Landmarks, frames: slice) -> Landmarks:
    """Some of the frames."""
    return Landmarks(landmarks.places[frames], landmarks.rate)
