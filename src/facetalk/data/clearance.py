"""How near lids may come to the eyeball, so that the cornea shows through none.

A lid of a source slides straight down on everybody alike, and on one head in five it goes through the cornea. Here
every vertex of a lid keeps the distance that it has on the mean head at rest, up to just before the cornea.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from facetalk.data.eyeballs import MILLIMETRE, Eyeball, fit_sphere
from facetalk.data.source import HeadSource
from facetalk.mesh.aperture import CORNEA

LID_CLEARANCE = 0.3 * MILLIMETRE
"""Least distance of a lid's outer skin from the eyeball where the mean head's stands no farther off."""
DEEPEST = 4.0 * MILLIMETRE
"""How far below the fitted sphere the inner side of a lid may lie."""
BEFORE_CORNEA = 0.8 * MILLIMETRE
"""Distance from the top of the cornea at which a lid may lie on anybody."""


def template_room(source: HeadSource, side: str) -> Float[np.ndarray, " vertex"]:
    """Distance from the centre of an eyeball, in its radii, that vertices keep on the mean head."""
    ball = fit_sphere(source.neutral[source.parts.eyeballs[side]])
    return np.linalg.norm(source.neutral - ball.centre, axis=1) / ball.radius


@dataclass(frozen=True)
class LidRoom:
    """The room that one person's lids leave one eyeball."""

    ball: Eyeball
    lids: Int[np.ndarray, " lid_vertex"]
    least: Float[np.ndarray, " lid_vertex"]
    """Distance from the eyeball's centre below which no pose takes a vertex, in units."""

    @classmethod
    def of(
        cls,
        ball: Eyeball,
        unposed: Float[np.ndarray, "vertex 3"],
        shell: Int[np.ndarray, " ball_vertex"],
        lids: Int[np.ndarray, " lid_vertex"],
        room: Float[np.ndarray, " vertex"],
    ) -> "LidRoom":
        """Measure one eye of a neutral head; `room` is the mean head's, in radii."""
        own = np.clip(np.linalg.norm(unposed[lids] - ball.centre, axis=1) - ball.radius, -DEEPEST, LID_CLEARANCE)
        bulge = np.linalg.norm(unposed[shell] - ball.centre, axis=1).max() - ball.radius
        mean = np.minimum(room[lids], CORNEA + BEFORE_CORNEA / ball.radius) * ball.radius
        return cls(ball, lids, np.maximum(ball.radius + own + 0.5 * bulge, mean))

    def pushed(self, vertices: Float[np.ndarray, "vertex 3"]) -> Float[np.ndarray, "vertex 3"]:
        """Vertices with the lids no nearer to the eyeball than they may come."""
        arm = vertices[self.lids] - self.ball.centre
        distance = np.linalg.norm(arm, axis=1)
        outside = vertices.copy()
        outside[self.lids] = self.ball.centre + arm * (np.maximum(distance, self.least) / distance)[:, None]
        return outside
