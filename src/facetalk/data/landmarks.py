"""Where the anchors and named landmarks of a head lie on ICT's mesh."""

import numpy as np
from jaxtyping import Float

from facetalk.data import ict
from facetalk.data.posing import IctHead

_LEFT_ANCHORS_MM = (
    (27.0, 9.0, 10.0),
    (58.0, 30.0, 62.0),
    (50.0, -48.0, 62.0),
    (72.0, 20.0, -5.0),
    (74.0, 48.0, -12.0),
    (58.0, 92.0, 40.0),
    (60.0, 70.0, -60.0),
    (62.0, -98.0, -30.0),
)
"""Rough places of anchors without a landmark, in millimetres from ICT's origin; the nearest skin vertex is taken."""


EAR_PAIR = 2 * (7 + 3)
"""Where the ears stand in `Anchors.vertices`: behind seven landmark pairs and three rough ones."""


class Anchors:
    """Vertices that stand for the 39 anchors: 16 mirrored pairs, left first, then 7 on the midline."""

    def __init__(self, model: ict.IctModel) -> None:
        self.model = model
        mark = ict.LANDMARKS_68
        left_marks = [mark[42], mark[45], mark[43], mark[47], mark[24], mark[54], mark[35]]
        rough = [self._nearest(np.array(place) * ict.CENTIMETRE / 10 + ict.ORIGIN) for place in _LEFT_ANCHORS_MM]
        left = [*left_marks, *rough]
        midline = [
            self._nearest_on_midline((-95.0, 50.0)),
            *(mark[number] for number in (30, 57, 51, 27)),
            self._nearest_on_midline((75.0, 90.0)),
            mark[8],
        ]
        self.vertices = [*self._pairs(left), *midline]

    def _nearest(self, place: Float[np.ndarray, "3"]) -> int:
        skin = self.model.neutral[: ict.NECK.stop]
        return int(np.linalg.norm(skin - place, axis=1).argmin())

    def _nearest_on_midline(self, y_z_mm: tuple[float, float]) -> int:
        return self._nearest(np.array([0.0, *y_z_mm]) * ict.CENTIMETRE / 10 + ict.ORIGIN)

    def _pairs(self, left: list[int]) -> list[int]:
        """Left and mirrored right vertices, interleaved."""
        mirrored = [self._nearest(self.model.neutral[vertex] * [-1, 1, 1]) for vertex in left]
        return [vertex for pair in zip(left, mirrored, strict=True) for vertex in pair]

    def measure(self, head: IctHead) -> dict[str, np.ndarray]:
        """Anchors in the canonical pose, landmarks at rest, radii of the eyeballs; in units."""
        eyes = [head.eyeballs[side].centre for side in ("left", "right")]
        on_mesh = head.canonical.vertices[self.vertices]
        return {
            "anchors": np.concatenate([np.stack(eyes), on_mesh]).astype(np.float32),
            "landmarks": self._landmarks(head).astype(np.float32),
            "eye_radius": np.array([head.eyeballs[side].radius for side in ("left", "right")], np.float32),
        }

    def _landmarks(self, head: IctHead) -> Float[np.ndarray, "landmark 3"]:
        rest, mark = head.rest.vertices, ict.LANDMARKS_68
        teeth = rest[ict.UPPER_TEETH]
        incisors = teeth[np.abs(teeth[:, 0]) < 0.04]
        front = incisors[incisors[:, 2].argmax()] * [0, 1, 1]
        skull = rest[: ict.NECK.stop]
        ears = self.vertices[EAR_PAIR : EAR_PAIR + 2]
        return np.stack(
            [
                rest[[mark[62], mark[66]]].mean(axis=0),
                rest[mark[64]],
                rest[mark[60]],
                rest[mark[51]],
                rest[mark[57]],
                front,
                head.eyeballs["left"].centre,
                head.eyeballs["right"].centre,
                rest[mark[30]],
                rest[mark[8]],
                rest[mark[33]],
                rest[self.vertices[-7]],
                rest[self.vertices[-2]],
                skull[skull[:, 1].argmax()],
                *rest[ears],
            ]
        )
