"""Made trackings: how the landmarks of a performance may look to a tracker that is not perfect.

The face is a random person, turned, seen by a camera or in space, with noise, lost points and lost frames; lips and
lids do not pass through each other. Nothing here is needed to follow landmarks.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from jaxtyping import Float

from facetalk.geometry import UNIT_MM
from facetalk.landmarks.face_map import FaceMap
from facetalk.landmarks.points import GROUPS, LID_PAIRS, LIP_PAIRS, POINTS, Landmarks

Places = Float[np.ndarray, "frame 70 axis"]
SHARED = 0.7
"""How far outer lips follow the inner ones when these are kept apart."""
OUTER = {61: 50, 62: 51, 63: 52, 67: 58, 66: 57, 65: 56}
"""The outer point next to an inner one."""


@dataclass(frozen=True)
class View:
    """How a face is seen."""

    axes: int = 2
    yaw: float = 0.0
    """Degrees that the head is turned throughout; positive to the subject's left."""
    pitch: float = 0.0
    roll: float = 0.0
    sway: float = 3.0
    """Degrees that it moves about there."""
    noise_mm: float = 0.4
    habit_mm: float = 1.0
    """How far this tracker's idea of each point is from the map's, the same in all frames."""
    distance: float = 4.0
    """Of the camera, in units; only seen with two axes."""
    lost: float = 0.0
    """Share of points missing, drawn anew for every frame."""
    lost_frames: float = 0.0
    """Share of frames missing, in runs."""
    lost_groups: float = 0.0
    """Probability that a part of the face is out of sight for a while."""
    pupils: bool = True
    rate: Fraction = Fraction(30)


def draw_view(random: np.random.Generator) -> View:
    """Any view that should work."""
    worse = random.random() < 0.6
    return View(
        axes=int(random.choice([2, 3])),
        yaw=random.normal(0, 14),
        pitch=random.normal(0, 7),
        roll=random.normal(0, 6),
        sway=random.uniform(0, 6),
        noise_mm=float(np.exp(random.uniform(np.log(0.05), np.log(0.9)))),
        habit_mm=random.uniform(0, 2),
        distance=random.uniform(1.6, 8),
        lost=random.uniform(0, 0.5) * worse,
        lost_frames=random.uniform(0, 0.15) * (random.random() < 0.3),
        lost_groups=0.5 * (random.random() < 0.3),
        pupils=random.random() < 0.5,
        rate=Fraction(int(random.choice([24, 25, 30, 30, 30, 50, 60]))),
    )


def track(face: FaceMap, weights: Float[np.ndarray, "frame 52"], view: View, random: np.random.Generator) -> Landmarks:
    """What a tracker makes of a random person performing these weights, one row a frame of the view's rate."""
    person = np.clip(random.normal(size=len(face.identities)), -2.5, 2.5).astype(np.float32)
    neutral = face.person(torch.from_numpy(person))
    shape = apart(face.places(neutral, torch.from_numpy(weights.astype(np.float32))).numpy().astype(np.float64))
    habit = random.normal(0, view.habit_mm / UNIT_MM, shape.shape[1:])
    places = seen(shape + habit, view, random)
    noise = random.normal(0, view.noise_mm / UNIT_MM, places.shape)
    return Landmarks(lose(scaled(places + noise, random), view, random), view.rate)


def apart(shape: Float[np.ndarray, "frame 70 3"]) -> Float[np.ndarray, "frame 70 3"]:
    """Lips and lids that met at most: what overlaps is drawn back half to each side."""
    kept = shape.copy()
    for upper, lower in (*LIP_PAIRS, *LID_PAIRS):
        overlap = np.maximum(shape[:, lower, 1] - shape[:, upper, 1], 0) / 2
        for point, sign in ((upper, 1.0), (lower, -1.0)):
            kept[:, point, 1] += sign * overlap
            if point in OUTER:
                kept[:, OUTER[point], 1] += sign * SHARED * overlap
    return kept


def seen(shape: Float[np.ndarray, "frame 70 3"], view: View, random: np.random.Generator) -> Places:
    """Turned, and for two axes through a camera of finite distance."""
    angles = np.radians([view.pitch, view.yaw, view.roll]) + np.radians(view.sway) * wander(len(shape), 3, random)
    centre = shape.mean(axis=(0, 1))
    shift = 0.02 * wander(len(shape), 3, random)
    turned = np.einsum("fab,fpb->fpa", rotations(angles), shape - centre) + shift[:, None]
    if view.axes == 3:
        return turned
    return turned[..., :2] * (view.distance / (view.distance - turned[..., 2:]))


def rotations(angles: Float[np.ndarray, "frame 3"]) -> Float[np.ndarray, "frame 3 3"]:
    """Turns about x, y and z, applied in the order z, x, y."""
    cosine, sine = np.cos(angles), np.sin(angles)
    one, zero = np.ones(len(angles)), np.zeros(len(angles))

    def matrix(*rows: tuple) -> np.ndarray:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    (cx, cy, cz), (sx, sy, sz) = cosine.T, sine.T
    about_x = matrix((one, zero, zero), (zero, cx, -sx), (zero, sx, cx))
    about_y = matrix((cy, zero, sy), (zero, one, zero), (-sy, zero, cy))
    about_z = matrix((cz, -sz, zero), (sz, cz, zero), (zero, zero, one))
    return about_y @ about_x @ about_z


def wander(frames: int, channels: int, random: np.random.Generator) -> Float[np.ndarray, "frame channel"]:
    """Slow movement of about unit size: a few sines of up to 1.2 Hz at 30 frames a second."""
    times = np.arange(frames)[:, None, None] / 30
    hertz, phase = random.uniform(0.1, 1.2, (4, channels)), random.uniform(0, 2 * np.pi, (4, channels))
    return (np.sin(2 * np.pi * hertz * times + phase) * 0.7).sum(axis=1)


def scaled(places: Places, random: np.random.Generator) -> Places:
    """In some tracker's numbers: another unit, another origin, rows counted downward."""
    size = np.exp(random.uniform(np.log(0.5), np.log(2000)))
    signs = np.ones(places.shape[-1])
    signs[1:] = -1
    return places * signs * size + size * random.uniform(-1, 1, places.shape[-1])


def lose(places: Places, view: View, random: np.random.Generator) -> Places:
    """With points, parts and frames missing."""
    frames = len(places)
    gone = random.random((frames, POINTS)) < view.lost
    if not view.pupils:
        gone[:, 68:] = True
    if random.random() < view.lost_groups:
        first = int(random.integers(frames))
        group = list(GROUPS.values())[int(random.integers(len(GROUPS)))]
        gone[first : first + int(random.integers(5, 60)), list(group)] = True
    missing = 0
    while missing < round(view.lost_frames * frames):
        first, length = int(random.integers(frames)), int(random.integers(1, 12))
        gone[first : first + length] = True
        missing += length
    return np.where(gone[..., None], np.nan, places)
