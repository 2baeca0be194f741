"""Where the anchors and named landmarks of a head lie on a source's mesh."""

import numpy as np
from jaxtyping import Float

from facetalk.data.posing import SourceHead
from facetalk.data.source import HeadSource

EAR_PAIR = 2 * (7 + 3)
"""Where the ears stand in `Anchors.vertices`: behind seven landmark pairs and three rough ones."""


class Anchors:
    """Vertices that stand for the 39 anchors: 16 mirrored pairs, left first, then 7 on the midline."""

    def __init__(self, source: HeadSource) -> None:
        self.source, marks = source, source.marks
        rough = [self._nearest(np.array(place)) for place in marks.left_anchors]
        left = [*marks.at(42, 45, 43, 47, 24, 54, 35), *rough]
        throat, forehead = (self._nearest(np.array([0.0, *place])) for place in (marks.throat, marks.forehead))
        self.vertices = [*self._pairs(left), throat, *marks.at(30, 57, 51, 27), forehead, *marks.at(8)]

    def _nearest(self, place: Float[np.ndarray, "3"]) -> int:
        skin = self.source.parts.skin
        return int(skin[np.linalg.norm(self.source.neutral[skin] - place, axis=1).argmin()])

    def _pairs(self, left: list[int]) -> list[int]:
        """Left and mirrored right vertices, interleaved."""
        mirrored = [self._nearest(self.source.neutral[vertex] * [-1, 1, 1]) for vertex in left]
        return [vertex for pair in zip(left, mirrored, strict=True) for vertex in pair]

    def measure(self, head: SourceHead) -> dict[str, np.ndarray]:
        """Anchors in the canonical pose, landmarks at rest, radii of the eyeballs; in units."""
        eyes = [head.eyeballs[side].centre for side in ("left", "right")]
        on_mesh = head.canonical.vertices[self.vertices]
        return {
            "anchors": np.concatenate([np.stack(eyes), on_mesh]).astype(np.float32),
            "landmarks": self._landmarks(head).astype(np.float32),
            "eye_radius": np.array([head.eyeballs[side].radius for side in ("left", "right")], np.float32),
        }

    def _landmarks(self, head: SourceHead) -> Float[np.ndarray, "landmark 3"]:
        rest, mark = head.rest.vertices, self.source.marks.common
        teeth = rest[self.source.parts.upper_teeth]
        incisors = teeth[np.abs(teeth[:, 0]) < 0.04]
        front = incisors[incisors[:, 2].argmax()] * [0, 1, 1]
        skull = rest[self.source.parts.skin]
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
