"""Where a head is in a scan: rigid alignment against the mean head, from every side, by how well its field explains.

Many starting poses are improved together by Gauss-Newton steps on the signed distance with a robust weight (Geman and
McClure) that tightens; the pose that explains the largest share of the points wins. No landmarks are needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn.functional import grid_sample

from facetalk.fitting.scan import Scan
from facetalk.geometry import PAPER_BOX, UNIT_MM
from facetalk.head.model import Head

MARGIN, STEP = 0.3, 0.03
"""How far round the box of heads the mean head's field is kept, and how finely, in units."""
NECK = -0.43
"""Below this height a point is no evidence: throats bend, and torsos are no heads."""
CENTRE = np.array([0.0, 0.08, -0.12])
"""The middle of a head."""
ASIDE = np.array([[0, 0, 0], [0, 0, 0.22], [0.17, 0, 0.05], [-0.17, 0, 0.05]])
"""Where the middle of a partial scan may be from there: a face, or one side."""
TURNS = 240
"""Starting rotations, spread evenly over all."""
SMALLEST_MM, LARGEST_MM = 90.0, 2600.0
"""How large a scan with a head in it can be, across its box: part of a face, or a standing person."""
WHOLE_MM = 560.0
"""A scan across its box that may be a head alone; in larger ones heads are looked for ball by ball."""
BALL_MM, BALLS = 160.0, 14
SIZE_SPREAD = 0.06
"""Spread of people's sizes about the mean head's."""
INDEPENDENT = 40
"""So many independent measurements are points worth, against that spread: neighbours err alike."""
LOOKED_AT, FINALISTS, APART_DEGREES = 250, 10, 15.0
"""So many starts are compared, so many improved further, none turned more alike than that."""
UNITS_MM = {"m": 1000.0, "cm": 10.0, "mm": 1.0}
"""Millimetres in one unit of a file."""
FINAL = 6.0 / UNIT_MM
"""Softness of the last weights, in units: people differ by that from the mean."""


@dataclass(frozen=True)
class Pose:
    """A place of the scan in head space: `x_head = size * rotation @ x_scan + shift`."""

    rotation: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, "3"]
    size: float
    """Units of head space in one unit of the file, times how much smaller than the person the mean head is."""
    unit: str
    score: float = 0.0
    """Share of the points that the mean head explains."""

    def __call__(self, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Points of the scan in head space."""
        return self.size * points @ self.rotation.T + self.shift

    def true_to_size(self, points: Float[np.ndarray, "point 3"]) -> "Pose":
        """The same with the file's own scale, the middle of `points` staying where it is."""
        middle = points.mean(axis=0)
        size = UNITS_MM[self.unit] / UNIT_MM
        shift = self.shift + (self.size - size) * self.rotation @ middle
        return Pose(self.rotation, shift, size, self.unit, self.score)

    @property
    def T_head_scan(self) -> Float[np.ndarray, "4 4"]:
        """The same as a matrix."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.size * self.rotation, self.shift
        return matrix


class Guide:
    """The mean head's signed distance and its slope on a lattice."""

    def __init__(self, head: Head) -> None:
        lower, upper = np.array(PAPER_BOX.lower) - MARGIN, np.array(PAPER_BOX.upper) + MARGIN
        axes = [torch.arange(a, b, STEP) for a, b in zip(lower.tolist(), upper.tolist(), strict=True)]
        nodes = torch.cartesian_prod(*axes).float()
        shape = tuple(map(len, axes))
        with torch.no_grad():
            state = head.identify(torch.zeros(head.config.layout.size))
            distance = head.posed(state, head.rest)(nodes).view(shape)
        slope = torch.stack(torch.gradient(distance, spacing=STEP))
        # grid_sample wants channels first and indexes the last axis by x: hence z y x.
        self.volume = rearrange(torch.cat([distance[None], slope]), "channel x y z -> 1 channel z y x").contiguous()
        self.lower = torch.tensor([float(axis[0]) for axis in axes])
        self.upper = torch.tensor([float(axis[-1]) for axis in axes])
        self.surface = _surface(nodes, distance.flatten(), slope.flatten(1).T)

    def __call__(
        self, points: Float[Tensor, "start point 3"]
    ) -> tuple[Float[Tensor, "start point"], Float[Tensor, "start point 3"]]:
        """Distance, in units, and its slope."""
        places = 2 * (points - self.lower) / (self.upper - self.lower) - 1
        found = grid_sample(self.volume, places[None, None], align_corners=True, padding_mode="border")
        beyond = (points - points.clamp(self.lower, self.upper)).norm(dim=-1)
        return found[0, 0, 0] + beyond, rearrange(found[0, 1:, 0], "way start point -> start point way")


def _surface(nodes: Tensor, distance: Tensor, slope: Tensor) -> Float[np.ndarray, "sample 3"]:
    """Points of the surface above the neck, one for each node near it."""
    near = (distance.abs() < STEP) & (nodes[:, 1] > NECK)
    length = slope[near].norm(dim=1, keepdim=True).clamp_min(0.3)
    return (nodes[near] - distance[near, None] * slope[near] / length**2).numpy()


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


def plausible_units(points: Float[np.ndarray, "point 3"]) -> list[str]:
    """Units in which a scan of this size can hold a head."""
    across = extent(points)
    return [unit for unit, size in UNITS_MM.items() if SMALLEST_MM <= across * size <= LARGEST_MM]


def extent(points: Float[np.ndarray, "point 3"]) -> float:
    """Diagonal of the box that holds all but a few points."""
    low, high = np.percentile(points, (1, 99), axis=0)
    return float(np.linalg.norm(high - low))


def placed_by_landmarks(
    places: Float[np.ndarray, "landmark 3"], wanted: Float[np.ndarray, "landmark 3"], units: Sequence[str]
) -> Pose:
    """The pose that lays landmarks of a scan on those of the mean head (Umeyama 1991), in the nearest unit."""
    a, b = places - places.mean(axis=0), wanted - wanted.mean(axis=0)
    left, strength, right = np.linalg.svd(b.T @ a)
    turn = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
    size = float((strength * [1, 1, np.linalg.det(left @ right)]).sum() / (a**2).sum())
    unit = min(units, key=lambda name: abs(np.log(UNITS_MM[name] / UNIT_MM / size)))
    return Pose(turn, wanted.mean(axis=0) - size * turn @ places.mean(axis=0), size, unit)


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
        for soft in np.geomspace(0.25, 0.05, 12):
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
        if all(_apart_degrees(rotation[row], rotation[other]) > APART_DEGREES for other in kept):
            kept.append(row)
    return torch.tensor(kept[:FINALISTS])


def _apart_degrees(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(one.T @ other) - 1) / 2, -1, 1))))


def _skew(vectors: Float[Tensor, "start 3"]) -> Float[Tensor, "start 3 3"]:
    x, y, z = vectors.unbind(-1)
    none = torch.zeros_like(x)
    return torch.stack([none, -z, y, z, none, -x, -y, x, none], -1).unflatten(-1, (3, 3))


def _unlike(poses: Sequence[Pose]) -> list[Pose]:
    """The first of each group of poses that are nearly the same."""
    kept: list[Pose] = []
    for pose in poses:
        turned = [_apart_degrees(pose.rotation, other.rotation) for other in kept if other.unit == pose.unit]
        if min(turned, default=180.0) > APART_DEGREES:
            kept.append(pose)
    return kept
