"""A gentle sway of the head, so that it does not look nailed down: a pure function of seed and time."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

REACH_DEGREES = (1.0, 2.0, 0.8)
"""Spread (one standard deviation) of pitch, yaw and roll: gentle, a few degrees at the most."""
RATES_HZ = (0.07, 0.45)
"""Slowest and fastest wave; quicker movements of the head are nods, which belong to speech."""
WAVES = 6
"""Waves summed for each angle."""


@dataclass(frozen=True)
class Sway:
    """Rotations about a point of the neck, each angle a sum of slow waves drawn from `seed`."""

    seed: int
    pivot: tuple[float, float, float]
    """Stays where it is, in units."""

    @cached_property
    def waves(self) -> tuple[Float[np.ndarray, "3 wave"], Float[np.ndarray, "3 wave"], Float[np.ndarray, "3 wave"]]:
        """Frequency in Hz, phase in radians and height in degrees of each wave."""
        draw = np.random.default_rng([self.seed % 2**32, 7])
        slowest, fastest = np.log(RATES_HZ)
        hertz = np.exp(draw.uniform(slowest, fastest, (3, WAVES)))
        phase = draw.uniform(0, 2 * np.pi, (3, WAVES))
        # Slow waves are the high ones, as in captured heads; the sum of squares is that of the spread.
        height = draw.uniform(0.5, 1.0, (3, WAVES)) / hertz**0.7
        height *= np.array(REACH_DEGREES)[:, None] * np.sqrt(2) / np.linalg.norm(height, axis=1, keepdims=True)
        return hertz, phase, height

    def degrees(self, time: float) -> Float[np.ndarray, "3"]:
        """Pitch (down positive), yaw (to the subject's left) and roll (to the subject's right) at `time` seconds."""
        hertz, phase, height = self.waves
        return (height * np.sin(2 * np.pi * hertz * time + phase)).sum(1)

    def T_world_head(self, time: float) -> Float[np.ndarray, "4 4"]:
        """The rigid movement at `time` seconds."""
        pitch, yaw, roll = np.radians(self.degrees(time))
        rotation = _about("y", yaw) @ _about("x", pitch) @ _about("z", roll)
        pivot = np.array(self.pivot)
        moved = np.eye(4)
        moved[:3, :3] = rotation
        moved[:3, 3] = pivot - rotation @ pivot
        return moved


def _about(axis: str, angle: float) -> Float[np.ndarray, "3 3"]:
    """Right-handed rotation about one axis."""
    cosine, sine = np.cos(angle), np.sin(angle)
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    rotation = np.eye(3)
    rotation[[first, second], [first, second]] = cosine
    rotation[first, second], rotation[second, first] = -sine, sine
    return rotation
