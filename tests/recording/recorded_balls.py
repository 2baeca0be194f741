"""A recording of the made head, which is nearly a ball: it slides to and fro, and marks say where it is."""

from pathlib import Path

import numpy as np
from made_recordings import RATE

from facetalk.geometry import UNIT_MM
from facetalk.recording import store
from facetalk.recording.layout import Description, Points, Recording
from facetalk.types import Waveform
from made_models import PLACES, RADIUS
from made_sound import hum

MARKS = ("nose_tip", "chin", "ear_left", "ear_right", "crown")


def shift(frame: int) -> np.ndarray:
    return np.array([4.0 * np.sin(0.3 * frame), 100.0, 0.0])


def cloud(frame: int, count: int = 700, noise_mm: float = 0.3) -> Points:
    random = np.random.default_rng(frame)
    raw = random.normal(size=(count, 3))
    ball = UNIT_MM * RADIUS * raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return Points(ball + noise_mm * random.normal(size=(count, 3)) + shift(frame))


def record(folder: Path, sequence: str = "slide", frames: int = 14, lost: tuple[int, ...] = (5,)) -> Recording:
    recording = store.start(folder, Description("ball", sequence, RATE, frames))
    store.write_audio(recording, Waveform(hum(float(frames / RATE))))
    for frame in range(frames):
        if frame not in lost:
            store.write_points(recording, frame, cloud(frame))
    places = {name: np.array([UNIT_MM * np.array(PLACES[name]) + shift(f) for f in range(frames)]) for name in MARKS}
    store.write_landmarks(recording, places)
    return recording


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
