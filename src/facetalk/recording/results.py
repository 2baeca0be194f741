"""What a fitted sequence is worth, frame by frame, and its training folder on disk."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from facetalk.data.fitted import AUDIO, FittedSequence, write_codes
from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.recording import check, store
from facetalk.recording.areas import FACE_MM, counted
from facetalk.recording.layout import Recording
from facetalk.recording.problem import Person
from facetalk.recording.setup import Setup
from facetalk.recording.states import State
from facetalk.speech import waveform

REPORT = "report.json"
POINTS = 1000
"""Points of each frame that are measured."""
INLIER_SPREADS, NORMAL_SPREAD = 3.0, 1.4826
WORSE, WORSE_MM = 1.8, 0.3
"""A frame is bad whose residual is so many times the sequence's, and so much more."""
FEW_INLIERS = 0.6
JUMP_DEGREES, JUMP_MM = 12.0, 25.0
"""A head does not move so much from one frame to the next, and back."""


@dataclass(frozen=True)
class Result:
    """A fitted sequence with its quality."""

    state: State
    setup: Setup
    head_hash: str
    residual_mm: Float[np.ndarray, " frame"]
    """Median distance of the face's points from the fitted surface; NaN where there were none."""
    inliers: Float[np.ndarray, " frame"]
    """Share of them within three spreads."""
    flags: tuple[str, ...]
    """What is wrong with each frame; empty where nothing is."""

    @property
    def quality(self) -> Float[np.ndarray, " frame"]:
        """Inliers, 0 where a frame is flagged."""
        good = np.array([not flag for flag in self.flags])
        return np.where(good, np.nan_to_num(self.inliers), 0.0)


def measured(
    recording: Recording, person: Person, setup: Setup, state: State, cloud: Callable[[int], np.ndarray]
) -> Result:
    """Distances of every frame's points from the fitted surface, and what they say."""
    distances = [_distances(person, state, frame, cloud(frame)) for frame in range(len(state))]
    residual = np.array([np.median(found) if len(found) else np.nan for found in distances])
    usual = float(np.nanmedian(residual))
    reach = INLIER_SPREADS * NORMAL_SPREAD * usual
    inliers = np.array([(found < reach).mean() if len(found) else np.nan for found in distances])
    flags = tuple(
        _flag(bool(setup.good[frame]), residual[frame], inliers[frame], usual, _jumps(state, frame))
        for frame in range(len(state))
    )
    return Result(state, setup, person.head.hash, residual, inliers, flags)


def write(result: Result, recording: Recording, report: check.Report, made: Path, key: str) -> None:
    """Write the training folder beside its place, then rename it.

    Raises:
        InputError: the place cannot be written.
    """
    partial = made.with_name(f".{made.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    about, state = recording.about, result.state
    arrays = {
        "codes": state.codes.astype(np.float32),
        "weights": state.weights.astype(np.float32),
        "T_head_world": state.T_head_world,
        "z_id": result.setup.z_id,
        "residual_mm": result.residual_mm,
        "inliers": result.inliers,
        "quality": result.quality,
        "flags": np.array(result.flags),
    }
    sequence = FittedSequence(about.name, about.rate, about.time(0), result.head_hash, arrays, about.subject)
    try:
        partial.mkdir(parents=True)
        store.write_wave(partial / AUDIO, waveform.read(recording.audio))
        write_codes(sequence, partial)
        text = json.dumps({"key": key, **summary(result), "faults": [asdict(f) for f in report.faults]}, indent=1)
        (partial / REPORT).write_text(text, "utf-8")
        os.replace(partial, made)
    except OSError as error:
        raise InputError(f"{made}: cannot be written ({error.strerror}); make room, and run it again") from error


def summary(result: Result) -> dict:
    """What a report says of a sequence."""
    bad = {str(frame): flag for frame, flag in enumerate(result.flags) if flag}
    return {
        "frames": len(result.state),
        "bad_frames": bad,
        "residual_mm": float(np.nanmedian(result.residual_mm)),
        "inliers": float(np.nanmedian(result.inliers)),
    }


def key_of(made: Path) -> str:
    """By which settings a folder was fitted.

    Raises:
        InputError: it holds no report.
    """
    try:
        return str(json.loads((made / REPORT).read_text("utf-8"))["key"])
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{made}: is no fitted sequence ({error}); remove it, or choose another folder") from error


def _distances(person: Person, state: State, frame: int, world: np.ndarray) -> Float[np.ndarray, " point"]:
    """Of the face's points, in millimetres."""
    placed = state.placements[frame](world)
    near = np.linalg.norm(placed - person.face, axis=1) * UNIT_MM < FACE_MM
    placed = placed[near & (counted(placed) == 1)]
    placed = placed[np.random.default_rng(frame).permutation(len(placed))[:POINTS]]
    if not len(placed):
        return np.zeros(0)
    with torch.no_grad():
        posed = person.head.posed(person.head.identify(person.z_id), torch.from_numpy(state.codes[frame]).float())
        return np.abs(posed(torch.from_numpy(placed).float()).double().numpy()) * UNIT_MM


def _flag(measured: bool, residual: float, inliers: float, usual: float, jumps: bool) -> str:
    if not measured:
        return "not measured"
    if not np.isfinite(residual):
        return "no face in view"
    if residual > WORSE * usual and residual > usual + WORSE_MM:
        return f"residual {residual:.2f} mm"
    if inliers < FEW_INLIERS:
        return f"{inliers:.0%} inliers"
    return "pose jumps" if jumps else ""


def _jumps(state: State, frame: int) -> bool:
    """Whether the head leaves its way for one frame."""
    places = state.placements
    others = [places[other] for other in (frame - 1, frame + 1) if 0 <= other < len(places)]
    return bool(others) and all(_apart(places[frame], other) for other in others)


def _apart(one, other) -> bool:
    turned = np.degrees(np.arccos(np.clip((np.trace(one.turn @ other.turn.T) - 1) / 2, -1, 1)))
    origins = [-place.turn.T @ place.shift / place.size for place in (one, other)]
    return bool(turned > JUMP_DEGREES or np.linalg.norm(origins[0] - origins[1]) > JUMP_MM)
