"""Where a head is in a scan: rigid alignment against the mean head, from every side, by how well its field explains.

Many starting poses are improved together by Gauss-Newton steps on the signed distance with a robust weight (Geman and
McClure) that tightens; the pose that explains the largest share of the points wins. No landmarks are needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from torch import Tensor

from facetalk.fitting.guide import Guide
from facetalk.fitting.pose import UNITS_MM, Pose, apart_degrees, extent
from facetalk.fitting.scan import Scan
from facetalk.geometry import UNIT_MM

NECK = -0.43
"""Below this height a point is no evidence: throats bend, and torsos are no heads."""
CENTRE = np.array([0.0, 0.08, -0.12])
"""The middle of a head."""
ASIDE = np.array([[0, 0, 0], [0, 0, 0.22], [0.17, 0, 0.05], [-0.17, 0, 0.05]])
"""Where the middle of a partial scan may be from there: a face, or one side."""
TURNS = 240
"""Starting rotations, spread evenly over all."""
WHOLE_MM = 560.0
"""A scan across its box that may be a head alone; in larger ones heads are looked for ball by ball."""
BALL_MM, BALLS = 160.0, 10
SIZE_SPREAD = 0.06
"""Spread of people's sizes about the mean head's."""
INDEPENDENT = 40
"""So many independent measurements are points worth, against that spread: neighbours err alike."""
LOOKED_AT, FINALISTS, APART_DEGREES = 250, 10, 15.0
"""So many starts are compared, so many improved further, none turned more alike than that."""
FINAL = 6.0 / UNIT_MM
"""Softness of the last weights, in units: people differ by that from the mean."""


@dataclass(frozen=True)
class _Starts:
    """Poses that are improved together; points are centred and in units."""

    rotation: Float[Tensor, "start 3 3"]
    shift: Float[Tensor, "start 3"]
    log_size: Float[Tensor, " start"]

    def rows(self, chosen: Tensor) -> "_Starts":
        return _Starts(self.rotation[chosen], self.shift[chosen], self.log_size[chosen])

    def place(self, points: Float[Tensor, "point 3"]) -> Float[Tensor, "start point 3"]:
        turned = torch.einsum("sij,pj->spi", self.rotation, points)
        return self.log_size.exp()[:, None, None] * turned + self.shift[:, None]


def align(guide: Guide, scan: Scan, units: Sequence[str], *, seed: int = 0) -> list[Pose]:
    """Poses that a head may have in a scan, the likeliest first, no two alike.

    Args:
        guide: the mean head.
        scan: in its file's numbers.
        units: what these may be, of `UNITS_MM`.
        seed: draws the points that are looked at.
    """
    random = np.random.default_rng(seed)
    found = [pose for unit in units for pose in _align_unit(guide, scan, unit, random)]
    return _unlike(sorted(found, key=lambda pose: -pose.score))


def improved(guide: Guide, scan: Scan, pose: Pose, *, seed: int = 0) -> Pose:
    """A pose near `pose` that explains the points best."""
    random = np.random.default_rng(seed)
    scale = UNITS_MM[pose.unit] / UNIT_MM
    middle = scan.points.mean(axis=0)
    shift = pose.shift + pose.size * pose.rotation @ middle
    starts = _Starts(
        torch.tensor(pose.rotation[None]).float(),
        torch.tensor(shift[None]).float(),
        torch.tensor([np.log(pose.size / scale)]).float(),
    )
    return _refined(guide, scan, pose.unit, middle, starts, random)[0]


def _align_unit(guide: Guide, scan: Scan, unit: str, random: np.random.Generator) -> list[Pose]:
    scale = UNITS_MM[unit] / UNIT_MM
    middle = scan.points.mean(axis=0)
    whole = (scan.points - middle) * scale
    kept = []
    for crop in _crops(whole, random):
        points = torch.tensor(whole[random.choice(crop, min(len(crop), 300), replace=False)]).float()
        starts = _starts(points, alone=len(crop) == len(whole))
        for soft in np.geomspace(0.25, 0.05, 10):
            starts = _stepped(guide, points, starts, float(soft))
        kept.append(starts.rows(_best_apart(starts, _explained(guide, points, None, starts, 0.05))))
    if not kept:
        return []
    starts = _Starts(*(torch.cat([getattr(part, name) for part in kept]) for name in ("rotation", "shift", "log_size")))
    return _refined(guide, scan, unit, middle, starts, random)


def _refined(
    guide: Guide, scan: Scan, unit: str, middle: np.ndarray, starts: _Starts, random: np.random.Generator
) -> list[Pose]:
    """Starts improved on more points, with the size free, as poses."""
    scale = UNITS_MM[unit] / UNIT_MM
    chosen = random.choice(len(scan), min(len(scan), 1500), replace=False)
    points = torch.tensor((scan.points[chosen] - middle) * scale).float()
    normals = torch.tensor(scan.normals[chosen]).float()
    for soft in np.geomspace(0.08, FINAL, 20):
        starts = _stepped(guide, points, starts, float(soft), sized=True)
    scores = _explained(guide, points, normals, starts, FINAL)
    sizes, rotations = (starts.log_size.exp() * scale).tolist(), starts.rotation.double().numpy()
    shifts = starts.shift.double().numpy()
    return [
        Pose(rotation, shift - size * rotation @ middle, size, unit, score)
        for rotation, shift, size, score in zip(rotations, shifts, sizes, scores.tolist(), strict=True)
    ]


def _crops(points: Float[np.ndarray, "point 3"], random: np.random.Generator) -> list[np.ndarray]:
    """Indices of the points of balls that may be heads; all points where they may be one head alone."""
    everything = np.arange(len(points))
    if extent(points) * UNIT_MM <= WHOLE_MM:
        return [everything]
    sample = points[random.choice(len(points), min(len(points), 2000), replace=False)]
    centres = [sample[0]]
    far = np.linalg.norm(sample - centres[0], axis=1)
    while len(centres) < BALLS and far.max() * UNIT_MM > BALL_MM / 2:
        centres.append(sample[far.argmax()])
        far = np.minimum(far, np.linalg.norm(sample - centres[-1], axis=1))
    crops = []
    for centre in centres:
        for _ in range(3):  # from the skin to the middle of what is round it
            near = np.linalg.norm(sample - centre, axis=1) * UNIT_MM < BALL_MM
            centre = sample[near].mean(axis=0)
        crops.append(np.flatnonzero(np.linalg.norm(points - centre, axis=1) * UNIT_MM < BALL_MM))
    return [crop for crop in crops if len(crop) > 0.03 * len(points)]


def _starts(points: Float[Tensor, "point 3"], *, alone: bool) -> _Starts:
    """Every rotation, the points' middle at the middle of the head or, where they may be a part of one, aside."""
    turns = torch.tensor(_even_rotations(TURNS)).float()
    aside = torch.tensor(CENTRE + (ASIDE if alone else ASIDE[:1])).float()
    rotation = turns.repeat_interleave(len(aside), 0)
    target = aside.repeat(len(turns), 1)
    shift = target - torch.einsum("sij,j->si", rotation, points.mean(0))
    return _Starts(rotation, shift, torch.zeros(len(shift)))


def _even_rotations(count: int) -> Float[np.ndarray, "turn 3 3"]:
    """Rotations spread evenly over all (super-Fibonacci spirals, Alexa 2022)."""
    place = np.arange(count) + 0.5
    inner, outer = np.sqrt(place / count), np.sqrt(1 - place / count)
    alpha, beta = 2 * np.pi * place / np.sqrt(2), 2 * np.pi * place / 1.533751168755204288118041
    quaternion = [inner * np.sin(alpha), inner * np.cos(alpha), outer * np.sin(beta), outer * np.cos(beta)]
    return Rotation.from_quat(np.stack(quaternion, 1)).as_matrix()


def _weights(distance: Tensor, placed: Tensor, soft: float) -> Float[Tensor, "start point"]:
    """1 on the surface, falling to 0 far from it, and 0 below the neck."""
    return (soft**2 / (soft**2 + distance**2)) ** 2 * (placed[..., 1] > NECK)


def _stepped(
    guide: Guide, points: Float[Tensor, "point 3"], starts: _Starts, soft: float, *, sized: bool = False
) -> _Starts:
    """One damped Gauss-Newton step on the weighted squared distance of all starts."""
    placed = starts.place(points)
    distance, slope = guide(placed)
    weight = _weights(distance, placed, soft)
    arm = placed - starts.shift[:, None]
    jacobian = torch.cat([torch.linalg.cross(arm, slope), slope, (arm * slope).sum(-1, keepdim=True)], -1)
    weighted = jacobian * weight[..., None]
    noise = INDEPENDENT / (weight.sum(1) + 1.0) / (2 * FINAL) ** 2
    normal = torch.einsum("spa,spb->sab", weighted, jacobian) * noise[:, None, None]
    right = -torch.einsum("spa,sp->sa", weighted, distance) * noise[:, None]
    prior = torch.tensor([1.0] * 6 + [1 / SIZE_SPREAD**2 if sized else 1e9])
    right[:, 6] -= prior[6] * starts.log_size
    step = torch.linalg.solve(normal + torch.diag(prior), right)
    turn = torch.linalg.matrix_exp(_skew(step[:, :3].clamp(-0.5, 0.5)))
    return _Starts(turn @ starts.rotation, starts.shift + step[:, 3:6], starts.log_size + step[:, 6])


def _explained(
    guide: Guide, points: Float[Tensor, "point 3"], normals: Float[Tensor, "point 3"] | None, starts: _Starts,
    soft: float,
) -> Float[Tensor, " start"]:  # fmt: skip
    """Share of the points that lie on the surface, normals along its slope."""
    placed = starts.place(points)
    distance, slope = guide(placed)
    weight = _weights(distance, placed, soft)
    if normals is None:
        return weight.mean(1)
    turned = torch.einsum("sij,pj->spi", starts.rotation, normals)
    agreed = (turned * torch.nn.functional.normalize(slope, dim=-1)).sum(-1).abs()
    return (weight * agreed).mean(1)


def _best_apart(starts: _Starts, scores: Float[Tensor, " start"]) -> Tensor:
    """Rows of the best starts, no two turned nearly alike."""
    kept: list[int] = []
    rotation = starts.rotation.numpy()
    for row in scores.argsort(descending=True)[:LOOKED_AT].tolist():
        if all(apart_degrees(rotation[row], rotation[other]) > APART_DEGREES for other in kept):
            kept.append(row)
    return torch.tensor(kept[:FINALISTS])


def _skew(vectors: Float[Tensor, "start 3"]) -> Float[Tensor, "start 3 3"]:
    x, y, z = vectors.unbind(-1)
    none = torch.zeros_like(x)
    return torch.stack([none, -z, y, z, none, -x, -y, x, none], -1).unflatten(-1, (3, 3))


def _unlike(poses: Sequence[Pose]) -> list[Pose]:
    """The first of each group of poses that are nearly the same."""
    kept: list[Pose] = []
    for pose in poses:
        turned = [apart_degrees(pose.rotation, other.rotation) for other in kept if other.unit == pose.unit]
        if min(turned, default=180.0) > APART_DEGREES:
            kept.append(pose)
    return kept
