"""Landmark files: .npy arrays and .csv tables, one row a frame, and what is refused in them.

.npy: [frame, point, axis], or [frame, point·axis] with each point's numbers side by side; two axes or three.
.csv: the same numbers in a row, with or without a line of names; or columns named x_0, y_0 … (OpenFace writes so; its
X_0, Y_0, Z_0 … are taken instead where they are there), beside which `success` 0 marks a lost frame and `timestamp`
gives the rate. NaN or an empty cell is a point that was not seen.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.landmarks.points import COMMON, MEDIAPIPE, MEDIAPIPE_BARE, POINTS, Landmarks, common
from facetalk.types import FRAME_RATE

SUFFIXES = (".npy", ".csv")
WIDTHS = {points * axes: (points, axes) for points in (COMMON, POINTS, MEDIAPIPE_BARE, MEDIAPIPE) for axes in (2, 3)}
"""Numbers in a row → points and axes."""
NAMED = re.compile(r"([xyzXYZ])_?(\d+)")
RATES = tuple(map(Fraction, (30, 25, 24, 60, 50, 48, 15, 120, Fraction(30000, 1001))))
"""Frames a second that recordings have, likeliest first."""
LONGEST_GAP_S = 1.0
"""Longer without a landmark nobody knows what the face did."""

Table = Float[np.ndarray, "frame point axis"]


@dataclass(frozen=True)
class Reading:
    """What a file does not say of itself."""

    rate: Fraction | None = None
    """Frames a second; by default those of the file's timestamps, else 30."""
    aspect: Fraction | None = None
    """Width over height of the picture, where places are shares of its width and height."""


AS_IT_IS = Reading()


def read(path: Path | str, reading: Reading = AS_IT_IS) -> Landmarks:
    """A sequence of landmarks from a file.

    Raises:
        InputError: no such file, another kind, another number of points, or nothing seen in it.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}; give landmarks, .npy or .csv")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: {path.suffix or 'no suffix'} is no kind of landmarks; give .npy or .csv")
    table, rate = _read_array(path) if path.suffix.lower() == ".npy" else _read_table(path)
    return sequence(table, replace(reading, rate=reading.rate or rate), str(path))


def sequence(table: Table, reading: Reading, name: str) -> Landmarks:
    """Checked landmarks of any known convention.

    Raises:
        InputError: what is wrong with them.
    """
    if reading.rate is not None and not 0 < reading.rate <= 1000:
        raise InputError(f"{name}: {reading.rate} frames a second; give --landmarks-fps 1 to 1000, for example 25")
    if len(table) == 0:
        raise InputError(f"{name}: holds no frames; track the face again")
    places = common(table, name)
    places = np.where(np.isfinite(places).all(-1, keepdims=True), places, np.nan)
    # Trackers write one place for all points of a face they lost.
    known = np.isfinite(places).all(-1)
    spread = np.array(
        [np.ptp(frame[here], axis=0).max() if here.any() else 0.0 for frame, here in zip(places, known, strict=True)]
    )
    places[spread == 0] = np.nan
    if not np.isfinite(places).any():
        raise InputError(f"{name}: no landmark in any of {len(table)} frames; track the face again")
    return Landmarks(_in_proportion(places, reading.aspect, name), reading.rate or FRAME_RATE)


def check_gaps(landmarks: Landmarks, name: str) -> None:
    """Refuse what cannot be followed throughout.

    Raises:
        InputError: a longer time without any landmark than is bridged.
    """
    first, length = longest_gap(landmarks)
    seconds = float(length / landmarks.rate)
    if seconds > LONGEST_GAP_S:
        raise InputError(
            f"{name}: frames {first} to {first + length - 1} ({seconds:.1f} s) hold no landmarks; cut them out, track "
            "the face again, or give the recording as well, which speaks where landmarks are missing"
        )


def longest_gap(landmarks: Landmarks) -> tuple[int, int]:
    """First frame and length of the longest run of frames without any landmark."""
    lost = ~np.isfinite(landmarks.places).all(-1).any(-1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lost, [False]]).astype(int)))
    runs = [(int(first), int(end - first)) for first, end in zip(edges[::2], edges[1::2], strict=True)]
    return max(runs, key=lambda run: run[1], default=(0, 0))


def check_duration(landmarks: Landmarks, seconds: Fraction, name: str) -> None:
    """Refuse landmarks that do not last as long as their sound: they were tracked at another rate.

    Raises:
        InputError: they differ by more than a tenth and half a second; the rate that would fit is named.
    """
    lasts = Fraction(len(landmarks)) / landmarks.rate
    if abs(lasts - seconds) > max(seconds / 10, Fraction(1, 2)):
        fitting = min(RATES, key=lambda rate: round(abs(float(len(landmarks) / rate - seconds)), 1))
        raise InputError(
            f"{name}: {len(landmarks)} frames at {float(landmarks.rate):g} a second last {float(lasts):.1f} s, the "
            f"sound {float(seconds):.1f} s; give --landmarks-fps, for example {float(fitting):g}"
        )


def parse_aspect(text: str) -> Fraction:
    """16:9, 1920x1080 or 1.78.

    Raises:
        InputError: it is none.
    """
    parts = re.split(r"[:x/]", text.strip())
    try:
        width, height = (Fraction(part) for part in (parts if len(parts) == 2 else [*parts, "1"]))
        if width > 0 and height > 0:
            return width / height
    except ValueError:
        pass
    raise InputError(f"--landmarks-aspect {text!r} is no picture; give width:height, for example 16:9")


def _in_proportion(places: Table, aspect: Fraction | None, name: str) -> Table:
    """Places in one unit on all axes."""
    known = places[np.isfinite(places).all(-1)]
    shares = ((known[:, :2] >= 0) & (known[:, :2] <= 1)).all(1).mean() > 0.95
    if aspect is None and shares:
        raise InputError(
            f"{name}: places are shares of a picture's width and height; give its shape, --landmarks-aspect 16:9"
        )
    if aspect is None:
        return places
    stretch = np.ones(places.shape[-1])
    stretch[[0, *range(2, len(stretch))]] = float(aspect)  # depth is counted in widths
    return places * stretch


def _read_array(path: Path) -> tuple[Table, None]:
    try:
        values = np.asarray(np.load(path, allow_pickle=False), np.float64)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: no readable array of numbers ({error}); write it with numpy.save") from error
    if values.ndim == 2 and values.shape[1] in WIDTHS:
        values = values.reshape(len(values), *WIDTHS[values.shape[1]])
    if values.ndim != 3 or values.shape[2] not in (2, 3):
        raise InputError(
            f"{path}: an array of {'×'.join(map(str, values.shape))}; give frames × points × 2 or 3, of 68, 468 or 478 "
            "points"
        )
    return values, None


def _read_table(path: Path) -> tuple[Table, Fraction | None]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: no readable text table ({error}); give comma-separated numbers") from error
    if not rows:
        raise InputError(f"{path}: holds no frames; track the face again")
    names = [cell.strip() for cell in rows[0]]
    headed = any(re.search("[A-Za-z]", name) and name.lower() not in ("nan", "inf") for name in names)
    values = _numbers(path, rows[headed:], len(names))
    if headed and any(NAMED.fullmatch(name) for name in names):
        return _named(path, names, values)
    if len(names) not in WIDTHS:
        raise InputError(f"{path}: {len(names)} numbers a row; 68 points have 136 or 204, MediaPipe's 478 956 or 1434")
    return values.reshape(len(values), *WIDTHS[len(names)]), None


def _numbers(path: Path, rows: Sequence[Sequence[str]], width: int) -> Float[np.ndarray, "frame column"]:
    values = np.full((len(rows), width), np.nan)
    for number, row in enumerate(rows):
        if len(row) != width:
            raise InputError(f"{path}: row {number + 1} has {len(row)} cells, the first line {width}; repair it")
        try:
            values[number] = [float(cell) if cell.strip() else np.nan for cell in row]
        except ValueError as error:
            raise InputError(f"{path}: row {number + 1}: {error}; leave cells of lost points empty") from error
    return values


def _named(path: Path, names: Sequence[str], values: np.ndarray) -> tuple[Table, Fraction | None]:
    places = {match.groups(): index for index, name in enumerate(names) if (match := NAMED.fullmatch(name))}
    axes = "XYZ" if ("Z", "0") in places else "".join(axis for axis in "xyz" if (axis, "0") in places)
    points = sum(axis == axes[:1] for axis, _ in places)
    wanted = [[places.get((axis, str(point))) for axis in axes] for point in range(points)]
    if len(axes) < 2 or any(index is None for row in wanted for index in row):
        raise InputError(f"{path}: columns x_0, y_0 … are not all there; export all points, counted from 0")
    table = values[:, np.array(wanted)]
    others = {name.lower(): values[:, index] for index, name in enumerate(names)}
    if "success" in others:
        table[others["success"] == 0] = np.nan
    return table, _rate(others.get("timestamp"))


def _rate(seconds: np.ndarray | None) -> Fraction | None:
    """The usual rate that is nearest to the steps of timestamps."""
    if seconds is None or len(seconds) < 2 or not np.median(np.diff(seconds)) > 0:
        return None
    measured = 1 / float(np.median(np.diff(seconds)))
    return min(RATES, key=lambda rate: abs(float(rate) / measured - 1))
