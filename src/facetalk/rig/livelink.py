"""Live Link Face takes (Epic Games): a CSV with one row a frame, read and written.

A row is a timecode, the number of values, 52 ARKit weights and nine angles. Columns are found by name, whatever
their order and capitals. The timecode HH:MM:SS:FF.sss counts frames of a base that the file does not name; it is
found from the second's turn, and is 60, the app's default, where a take is too short to tell.
"""

import csv
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import Float

from facetalk.arkit import ARKIT_NAMES
from facetalk.errors import InputError
from facetalk.rig.curves import at_times
from facetalk.types import RigCurves

TIMECODE_BASE = 60
"""Frames a second counted by the timecodes we write."""
BASES = (60, 30, 24, 25, 48, 50, 120)
"""Timecode bases tried when reading, likeliest first."""
RATES = tuple(
    Fraction(*pair) for pair in ((24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1), (60, 1), (120, 1))
)
"""Row rates a take may have, in frames a second."""
DAY_S = 86_400
ANGLES = tuple(f"{part}{angle}" for part in ("Head", "LeftEye", "RightEye") for angle in ("Yaw", "Pitch", "Roll"))
HIGHEST_WEIGHT = 2.0
"""ARKit stays within 0..1; captures edited by hand go a little above; percentages go far above."""


def _column(name: str) -> str:
    return name[0].upper() + name[1:]


def _swapped(names: tuple[str, ...], first: str, second: str) -> tuple[str, ...]:
    swap = {first: second, second: first}
    return tuple(swap.get(name, name) for name in names)


# The app writes the right one of these two pairs first, unlike Apple's list.
COLUMN_NAMES = _swapped(_swapped(ARKIT_NAMES, "jawLeft", "jawRight"), "mouthLeft", "mouthRight")
HEADER = ("Timecode", "BlendShapeCount", *map(_column, COLUMN_NAMES), *ANGLES)
"""The columns as the app writes them."""


@dataclass(frozen=True)
class Take:
    """One recording: weights in Apple's order, and the angles of head and eyes in radians as the app gives them."""

    curves: RigCurves
    angles: Float[np.ndarray, "frame 9"]
    """Columns in the order of `ANGLES`; zero where the file has none."""


@dataclass(frozen=True)
class _Row:
    line: int
    timecode: tuple[int, float]
    """Whole seconds of the day and the frame count within the second."""
    values: Float[np.ndarray, "61"]


def read(path: Path | str, rate: Fraction | None = None) -> Take:
    """Read a take; frames lost by the tracker are bridged, so that rows are evenly spaced.

    Args:
        path: the CSV file.
        rate: frames a second of the curves wanted; by default the standard rate nearest to that of the rows.

    Raises:
        InputError: no such file, not this layout, a damaged row (its line is named), or weights out of range.
    """
    path = Path(path)
    rows = _rows(path)
    times = _times(path, rows)
    values = np.stack([row.values for row in rows])
    _check_weights(path, rows, values[:, :52])
    rate = rate or _row_rate(times)
    frames = round(float(rate) * times[-1]) + 1
    even = at_times(values, times, np.arange(frames) / float(rate))
    return Take(RigCurves(even[:, :52], rate), even[:, 52:])


def write(take: Take, path: Path | str) -> None:
    """Write a take in the app's layout; the first row has timecode zero.

    Raises:
        InputError: the place cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    order = [ARKIT_NAMES.index(name) for name in COLUMN_NAMES]
    values = np.concatenate([take.curves.weights[:, order], take.angles], axis=1)
    try:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            for index, row in enumerate(values):
                timecode = _timecode(index / take.curves.rate)
                writer.writerow([timecode, values.shape[1], *(f"{value:.8f}" for value in row)])
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def still(curves: RigCurves) -> Take:
    """A take of `curves` with head and eye angles at zero."""
    return Take(curves, np.zeros((len(curves), len(ANGLES)), curves.weights.dtype))


def _timecode(time: Fraction) -> str:
    thousandths = round(time * TIMECODE_BASE * 1000)
    frames, fraction = divmod(thousandths, 1000)
    seconds, frame = divmod(frames, TIMECODE_BASE)
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}.{fraction:03d}"


def _rows(path: Path) -> list[_Row]:
    lines = _lines(path)
    if not lines or "timecode" not in [cell.strip().lower() for cell in lines[0]]:
        raise InputError(f"{path}: no Live Link Face take (its first line must name Timecode and the ARKit shapes)")
    places = {cell.strip().lower(): place for place, cell in enumerate(lines[0])}
    missing = [name for name in ARKIT_NAMES if name.lower() not in places and name != "tongueOut"]
    if missing:
        raise InputError(f"{path}: {len(missing)} shape columns are missing ({', '.join(missing[:3])} …); export again")
    numbered = [(number, cells) for number, cells in enumerate(lines[1:], 2) if cells]
    rows = [_row(path, number, cells, places) for number, cells in numbered]
    tracked = [row for row in rows if row is not None]
    if not tracked:
        raise InputError(f"{path}: holds no tracked frame; record or export the take again")
    return tracked


def _lines(path: Path) -> list[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.reader(file))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: no text table; give the CSV that Live Link Face exports") from error


def _row(path: Path, line: int, cells: list[str], places: dict[str, int]) -> _Row | None:
    """One frame; None where the app lost the face and left the values out."""
    if len(cells) > 2 and not any(cell.strip() for cell in cells[2:]):
        return None
    try:
        values = [_value(cells, places, name) for name in (*ARKIT_NAMES, *ANGLES)]
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: line {line} has a missing or unreadable value; repair or delete the line") from error
    return _Row(line, _parse_timecode(path, line, cells[places["timecode"]]), np.array(values))


def _value(cells: list[str], places: dict[str, int], name: str) -> float:
    place = places.get(name.lower())
    value = 0.0 if place is None else float(cells[place])
    if not np.isfinite(value):
        raise ValueError(name)
    return value


def _parse_timecode(path: Path, line: int, text: str) -> tuple[int, float]:
    try:
        hours, minutes, seconds, frames = text.strip().replace(";", ":").split(":")
        return int(hours) * 3600 + int(minutes) * 60 + int(seconds), float(frames)
    except ValueError as error:
        raise InputError(f"{path}: line {line}: timecode {text!r} is not HH:MM:SS:FF.sss; export again") from error


def _times(path: Path, rows: list[_Row]) -> Float[np.ndarray, " frame"]:
    """Seconds since the first row."""
    seconds = np.array([row.timecode[0] for row in rows], float)
    counts = np.array([row.timecode[1] for row in rows])
    bases = [base for base in BASES if base > counts.max()]
    if not bases:
        raise InputError(f"{path}: frame {counts.max():g} within a second is no timecode; export again")
    times = min((_unwrapped(seconds + counts / base) for base in bases), key=_unevenness)
    for row, step in zip(rows[1:], np.diff(times), strict=True):
        if step <= 0:
            raise InputError(f"{path}: line {row.line}: time does not advance; delete the line or export again")
    return times


def _unwrapped(times: Float[np.ndarray, " frame"]) -> Float[np.ndarray, " frame"]:
    """Times since the first, across midnight."""
    return np.mod(times - times[0], DAY_S)


def _unevenness(times: Float[np.ndarray, " frame"]) -> float:
    """How far the steps stray from their median; rounded, so that ties go to the likelier base."""
    steps = np.diff(times)
    return round(float(np.abs(steps / np.median(steps) - 1).mean()), 2) if len(steps) and np.median(steps) > 0 else 0.0


def _row_rate(times: Float[np.ndarray, " frame"]) -> Fraction:
    if len(times) == 1:
        return Fraction(TIMECODE_BASE)
    measured = 1 / float(np.median(np.diff(times)))
    return min(reversed(RATES), key=lambda rate: round(abs(float(rate) / measured - 1), 3))


def _check_weights(path: Path, rows: list[_Row], weights: Float[np.ndarray, "frame 52"]) -> None:
    frame, shape = np.unravel_index(np.argmax(np.abs(weights)), weights.shape)
    worst = weights[frame, shape]
    if abs(worst) > HIGHEST_WEIGHT:
        name = ARKIT_NAMES[shape]
        raise InputError(f"{path}: line {rows[frame].line}: {name} is {worst:g}; weights run from 0 to 1, not percent")
