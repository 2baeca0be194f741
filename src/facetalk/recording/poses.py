"""Where the head is in every frame: one similarity from the rig's millimetres to head space, tracked over time.

The first frame is found from every side (`facetalk.fitting.alignment`), or from landmarks; the others follow it by
Gauss-Newton steps on a lattice of the head's signed distance. Only what does not move in speech is listened to: points
above the upper lip, the scalp little, for it is hair.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from facetalk.errors import InputError
from facetalk.fitting.alignment import align, improved
from facetalk.fitting.fit import LEAST_SCORE, is_head
from facetalk.fitting.guide import Guide
from facetalk.fitting.pose import Pose, placed_by_landmarks
from facetalk.fitting.scan import clean
from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import LANDMARK_NAMES
from facetalk.recording.areas import counted
from facetalk.recording.layout import Points

LOOKED_AT = 4000
"""Points of the first frame."""
FOLLOWED = 1200
"""Points of every other one."""
STEPS, SOFTEST_MM, HARDEST_MM = 8, 8.0, 1.5
"""Steps a frame, and the softness of their weights from first to last."""
STILL = -0.02
"""Above this height a face hardly moves in speech, in units."""
FEWEST_LANDMARKS = 3


@dataclass(frozen=True)
class Placement:
    """A similarity: `x_head = size * turn @ x_world + shift`."""

    turn: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, "3"]
    size: float = 1 / UNIT_MM
    """Units in a millimetre of the recording: one for the whole sequence."""

    def __call__(self, points: Float[np.ndarray, "*point 3"]) -> Float[np.ndarray, "*point 3"]:
        """Points of the recording in head space."""
        return self.size * points @ self.turn.T + self.shift

    def moved(self, turn: Float[np.ndarray, "3"], shift: Float[np.ndarray, "3"], about: np.ndarray) -> "Placement":
        """Turned by a rotation vector about a point of head space, then shifted."""
        matrix = Rotation.from_rotvec(turn).as_matrix()
        return replace(self, turn=matrix @ self.turn, shift=matrix @ (self.shift - about) + about + shift)

    def nudged(self, turn: Float[np.ndarray, "3"], shift_mm: Float[np.ndarray, "3"], about: np.ndarray) -> "Placement":
        """The same by a shift in millimetres."""
        return self.moved(turn, shift_mm / UNIT_MM, about)

    @property
    def matrix(self) -> Float[np.ndarray, "4 4"]:
        """`T_head_world`."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.size * self.turn, self.shift
        return matrix


def of_matrix(matrix: Float[np.ndarray, "4 4"]) -> Placement:
    """The placement that `T_head_world` is."""
    size = float(np.cbrt(np.linalg.det(matrix[:3, :3])))
    return Placement(matrix[:3, :3] / size, matrix[:3, 3], size)


def apart(earlier: Placement, later: Placement, about: Float[np.ndarray, "3"]) -> Float[np.ndarray, "6"]:
    """From one placement to another: a turn about a point of head space, in radians, and its shift in millimetres."""
    turn = Rotation.from_matrix(later.turn @ earlier.turn.T).as_rotvec()
    world = (about - earlier.shift) @ earlier.turn / earlier.size
    return np.concatenate([turn, (later(world) - about) * UNIT_MM])


def found(
    guide: Guide, points: Points, landmarks: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray], name: str
) -> Placement:
    """Where the head is in a frame of which nothing is known.

    Args:
        guide: of the mean head, or of the person.
        points: of the frame.
        landmarks: what is marked in it, may be empty.
        wanted: where landmarks are on the head.
        name: what to call the frame when it shows no head.

    Raises:
        InputError: no head is in it.
    """
    random = np.random.default_rng(0)
    chosen = random.permutation(len(points))[:LOOKED_AT]
    normals = None if points.normals is None else points.normals[chosen]
    scan = clean(points.places[chosen], normals, name)
    known = {key: place for key, place in landmarks.items() if key in LANDMARK_NAMES and np.isfinite(place).all()}
    if len(known) >= FEWEST_LANDMARKS:
        start = placed_by_landmarks(np.stack(list(known.values())), np.stack([wanted[key] for key in known]), ["mm"])
        best = improved(guide, scan, start)
    else:
        best = _likeliest(align(guide, scan, ["mm"]), name)
    whole = best.true_to_size(scan.points)
    return Placement(whole.rotation, whole.shift, whole.size)


def _likeliest(poses: list[Pose], name: str) -> Pose:
    score = poses[0].score if poses else 0.0
    if score < LEAST_SCORE:
        raise InputError(
            f"{name}: no head is found in it (the best pose explains {score:.0%} of the points); give landmarks "
            "(docs/recordings.md), or cut away what is no head"
        )
    return poses[0]


def followed(guide: Guide, points: Points, start: Placement, seed: int) -> Placement:
    """The placement of a frame near that of its neighbour."""
    random = np.random.default_rng(seed)
    place = start
    world = points.places[random.permutation(len(points))]
    world = world[is_head(guide, place(world))][: 3 * FOLLOWED]
    world = world[place(world)[:, 1] > STILL][:FOLLOWED]
    if len(world) < 50:
        return start
    listened = counted(place(world))
    for soft in np.geomspace(SOFTEST_MM, HARDEST_MM, STEPS) / UNIT_MM:
        place = _step(guide, world, place, listened, float(soft))
    return place


def _step(guide: Guide, world: np.ndarray, place: Placement, listened: np.ndarray, soft: float) -> Placement:
    points = place(world)
    about = points.mean(axis=0)
    distance, slope = (part[0].double().numpy() for part in guide(torch.tensor(points[None]).float()))
    weight = listened * (soft**2 / (soft**2 + distance**2)) ** 2
    jacobian = np.concatenate([np.cross(points - about, slope), slope], axis=1)
    normal = (jacobian * weight[:, None]).T @ jacobian
    step = np.linalg.solve(normal + 1e-3 * np.trace(normal) / 6 * np.eye(6), -jacobian.T @ (weight * distance))
    return place.moved(step[:3], step[3:], about)
