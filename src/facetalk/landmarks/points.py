"""The points that every sequence of face landmarks is brought to: 68 common ones and two pupils.

The 68 are those of 300-W (Sagonas et al. 2013; iBUG, dlib, OpenFace), counted from 0, the subject's right first:
0–16 jaw, 17–26 brows, 27–35 nose, 36–47 lids, 48–59 outer and 60–67 inner lips. 68 and 69 are the pupils, right first.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from jaxtyping import Float

from facetalk.errors import InputError

POINTS = 70
"""68 common landmarks and two pupils."""
COMMON = 68
MEDIAPIPE = 478
"""Points of MediaPipe's face landmarker; its older face mesh has the same without the ten of the irises."""
MEDIAPIPE_BARE = 468

MEDIAPIPE_INDICES = (
    *(127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356),
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),
    *(168, 197, 5, 4, 98, 97, 2, 326, 327),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91),
    *(78, 81, 13, 311, 308, 402, 14, 178),
    *(468, 473),
)
"""Which of MediaPipe's points stands for each of ours.

They lie on the contours named in MediaPipe's `face_mesh_connections.py` (FACE_OVAL, EYEBROW, EYE, LIPS, IRIS), in their
order, and on the midline of the nose (docs/landmarks.md).
"""

GROUPS: dict[str, tuple[int, ...]] = {
    "jaw": tuple(range(17)),
    "brow right": tuple(range(17, 22)),
    "brow left": tuple(range(22, 27)),
    "nose": tuple(range(27, 36)),
    "eye right": tuple(range(36, 42)),
    "eye left": tuple(range(42, 48)),
    "outer lips": tuple(range(48, 60)),
    "inner lips": tuple(range(60, 68)),
    "pupils": (68, 69),
}
LIP_PAIRS = ((61, 67), (62, 66), (63, 65))
"""Upper and lower points of the inner lips, from the subject's right to left."""
LID_PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46))
"""Upper and lower points of the lids."""


@dataclass(frozen=True)
class Landmarks:
    """Places of the points in each frame; NaN where one was not seen.

    Two axes are a picture's (x to its right, y either way), three are space; the unit is anything that does not
    change from axis to axis.
    """

    places: Float[np.ndarray, "frame 70 axis"]
    rate: Fraction
    """Frames a second."""

    def __len__(self) -> int:
        return len(self.places)


def common(
    places: Float[np.ndarray, "frame point axis"], name: str = "landmarks"
) -> Float[np.ndarray, "frame 70 axis"]:
    """Landmarks of a known convention, told by their number, as the points used here.

    Args:
        places: 68 points of 300-W, 70 (with the pupils), or MediaPipe's 468 or 478.
        name: what to call them when something is wrong.

    Raises:
        InputError: another number of points.
    """
    frames, points, axes = places.shape
    lost = np.full((frames, POINTS, axes), np.nan)
    if points in (COMMON, POINTS):
        lost[:, :points] = places
        return lost
    if points not in (MEDIAPIPE, MEDIAPIPE_BARE):
        raise InputError(f"{name}: {points} points a frame; give 68 (300-W order), {MEDIAPIPE_BARE} or {MEDIAPIPE}")
    known = np.array([index < points for index in MEDIAPIPE_INDICES])
    lost[:, known] = places[:, np.array(MEDIAPIPE_INDICES)[known]]
    return lost
