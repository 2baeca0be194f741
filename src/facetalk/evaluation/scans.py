"""Made-up damage to true surfaces of held-out people: does a fit come through, or say why not?

The truth is the corrected source mesh of a person that no model was trained on, never a model's own output. Knows no
fit: it is given one as a callable that takes a file, as anybody's scan is one.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from facetalk.errors import InputError
from facetalk.evaluation import views
from facetalk.evaluation.head import Person, measure
from facetalk.evaluation.head import Scan as Truth
from facetalk.geometry import UNIT_MM
from facetalk.head.fitting import Cloud
from facetalk.mesh import files
from facetalk.types import Mesh

NOISE_MM = 5.0
OUTLIERS = 0.3
"""Share of all points that are anywhere in a box half as large again as the scan."""
TILT_DEGREES = 40.0
ASTRAY_MM = 2.0
"""A face farther from the truth than this, on average, was fitted wrong."""
TORSO = (np.array([0.0, -1.25, -0.2]), np.array([0.8, 0.72, 0.4]))
"""Middle and half axes of the ellipsoid that stands for shoulders, in units."""
POINTS, FRONTAL_POINTS = 4000, 2500
CENTRE = np.array([0.0, 0.0, 0.2])
"""The middle of a face, in units."""


@dataclass(frozen=True)
class Damaged:
    """A scan before it is written: points and normals in millimetres, and the unit of its file."""

    points: Float[np.ndarray, "point 3"]
    normals: Float[np.ndarray, "point 3"]
    unit_mm: float = 1.0
    T_scan_truth: Float[np.ndarray, "4 4"] | None = None

    def turned(self, rotation: Rotation) -> "Damaged":
        """The same in another pose."""
        T_scan_truth = np.eye(4)
        T_scan_truth[:3, :3] = rotation.as_matrix()
        return replace(
            self, points=rotation.apply(self.points), normals=rotation.apply(self.normals), T_scan_truth=T_scan_truth
        )


@dataclass(frozen=True)
class Found:
    """What a fit says: the head's surface in its own space, and how the file's numbers lie in it."""

    mesh: Mesh
    T_head_scan: Float[np.ndarray, "4 4"]


Random = np.random.Generator
FitFile = Callable[[Path], Found]


def halved(scan: Damaged, random: Random) -> Damaged:
    """Half of it missing, whichever half."""
    height = (scan.points - np.median(scan.points, axis=0)) @ _direction(random)
    kept = height > np.median(height)
    return Damaged(scan.points[kept], scan.normals[kept])


def noisy(scan: Damaged, random: Random) -> Damaged:
    """Noise in every coordinate; the normals are lost with it."""
    points = scan.points + NOISE_MM * random.normal(size=scan.points.shape)
    return Damaged(points, np.zeros_like(points))


def littered(scan: Damaged, random: Random) -> Damaged:
    """Points that belong to nothing among the others."""
    low, high = scan.points.min(axis=0), scan.points.max(axis=0)
    count = int(len(scan.points) * OUTLIERS / (1 - OUTLIERS))
    litter = random.uniform(low - (high - low) / 4, high + (high - low) / 4, (count, 3))
    towards = np.stack([_direction(random) for _ in range(count)])
    return Damaged(np.concatenate([scan.points, litter]), np.concatenate([scan.normals, towards]))


def rescaled(scan: Damaged, random: Random) -> Damaged:
    """In metres, centimetres or millimetres."""
    return replace(scan, unit_mm=float(random.choice([1000.0, 10.0, 1.0])))


def tilted(scan: Damaged, random: Random) -> Damaged:
    """Turned by 40 degrees about any axis."""
    return scan.turned(Rotation.from_rotvec(np.radians(TILT_DEGREES) * _direction(random)))


def tumbled(scan: Damaged, random: Random) -> Damaged:
    """In any pose."""
    return scan.turned(Rotation.random(random_state=random))


def shouldered(scan: Damaged, random: Random) -> Damaged:
    """With as many points of a torso as of the head, tumbled."""
    normals = np.stack([_direction(random) for _ in range(len(scan.points))])
    points = (TORSO[0] + TORSO[1] * normals) * UNIT_MM
    return tumbled(Damaged(np.concatenate([scan.points, points]), np.concatenate([scan.normals, normals])), random)


def frontal(scan: Damaged, random: Random) -> Damaged:
    """One view from the front, 2500 points."""
    rows = views.frontal(scan.points, scan.normals, FRONTAL_POINTS, random)
    return Damaged(scan.points[rows], scan.normals[rows])


def surrounding(scan: Damaged, random: Random) -> Damaged:
    """What cameras all round see, with the noise of their depth."""
    rows = views.surrounding(scan.points, scan.normals, random)
    noise = views.NOISE_MM * random.normal(size=(len(rows), 3))
    return Damaged(scan.points[rows] + noise, scan.normals[rows])


DAMAGES: Mapping[str, Callable[[Damaged, Random], Damaged]] = {
    "half missing": halved,
    "5 mm noise": noisy,
    "30 % outliers": littered,
    "unit confusion": rescaled,
    "rotated 40°": tilted,
    "any pose": tumbled,
    "with shoulders": shouldered,
    "frontal view": frontal,
    "full cloud": surrounding,
}
PROTOCOLS = ("frontal view", "full cloud")
"""Not damage but measurement: these start from every true point, the others from evenly spread ones."""


@dataclass(frozen=True)
class Row:
    """One scan: how far the face is off, or why there is none."""

    damage: str
    person: int
    seconds: float = 0.0
    """Of processor time."""
    figures: Mapping[str, float] = field(default_factory=dict)
    refusal: str = ""

    @property
    def outcome(self) -> str:
        """found, refused or astray: the last is a wrong head without a word."""
        if self.refusal:
            return "refused"
        return "found" if self.face_mm <= ASTRAY_MM else "astray"

    @property
    def face_mm(self) -> float:
        """Chamfer-L1 of the face: mean of the mean distances both ways, in millimetres."""
        return (self.figures["face_true_to_ours_mm"] + self.figures["face_ours_to_true_mm"]) / 2

    @property
    def line(self) -> str:
        """For people."""
        said = self.refusal or f"face {self.face_mm:.2f} mm off, {self.seconds:.1f} core-s"
        return f"{self.damage:<16}person {self.person:<4}{self.outcome:<9}{said}"


def evaluate(people: Sequence[Person], fit: FitFile, damages: Sequence[str]) -> Iterator[Row]:
    """Every kind of damage on one scan of each person, one by one."""
    with tempfile.TemporaryDirectory() as folder:
        for number, person in enumerate(people):
            dense = person.scans[number % len(person.scans)]
            even = _even(dense, number)
            for damage in damages:
                random = np.random.default_rng([number, list(DAMAGES).index(damage)])
                source = dense if damage in PROTOCOLS else even
                scan = DAMAGES[damage](_whole(source), random)
                yield _row((even, dense), scan, Row(damage, number), fit, Path(folder))


def table(rows: Sequence[Row]) -> list[list[str]]:
    """Outcomes of each kind of damage; medians of the found ones, distances in millimetres."""
    lines = [["damage", "scans", "found", "refused", "astray", "face", "worst", "head", "normals", "F@1mm", "core-s"]]
    for damage in dict.fromkeys(row.damage for row in rows):
        mine = [row for row in rows if row.damage == damage]
        count = [sum(row.outcome == outcome for row in mine) for outcome in ("found", "refused", "astray")]
        good = [row for row in mine if row.outcome == "found"]
        errors = [row.face_mm for row in good] or [float("nan")]
        rest = [_median(good, name) for name in ("head_true_to_ours_mm", "face_normals", "face_f_1mm")]
        spent = f"{np.median([row.seconds for row in mine]):.1f}"
        figures = [f"{value:.2f}" for value in (float(np.median(errors)), max(errors), *rest)]
        lines.append([damage, *map(str, (len(mine), *count)), *figures, spent])
    return lines


def _median(rows: Sequence[Row], name: str) -> float:
    return float(np.median([row.figures[name] for row in rows])) if rows else float("nan")


def _whole(truth: Truth) -> Damaged:
    assert truth.cloud.normals is not None
    return Damaged(truth.cloud.points.double().numpy() * UNIT_MM, truth.cloud.normals.double().numpy())


def _row(truths: tuple[Truth, Truth], scan: Damaged, row: Row, fit: FitFile, folder: Path) -> Row:
    """`row` with what became of `scan`: its truth evenly spread, and all of it, which ours is looked up in."""
    path = _written(scan, folder, row.person)
    begin = time.process_time()
    try:
        found = fit(path)
    except InputError as error:
        return replace(row, seconds=time.process_time() - begin, refusal=str(error).removeprefix(f"{path}: "))
    spent = time.process_time() - begin
    T_scan_truth = np.eye(4) if scan.T_scan_truth is None else scan.T_scan_truth
    # Truth is in units of head space, the file in its own: sizes are taken out again by the fit's matrix.
    T_head_truth = found.T_head_scan @ np.diag([1 / scan.unit_mm] * 3 + [1]) @ T_scan_truth
    T_head_truth = T_head_truth @ np.diag([UNIT_MM] * 3 + [1])
    even, dense = (measure(found.mesh, _moved(truth, T_head_truth), _at(T_head_truth, CENTRE)) for truth in truths)
    back = {name: value for name, value in dense.items() if "ours_to_true" in name or "_f_" in name}
    return replace(row, seconds=spent, figures={**even, **back})


def _written(scan: Damaged, folder: Path, person: int) -> Path:
    """As an oriented .ply, a bare .npz or an oriented one, by turns; noise has no normals."""
    points, oriented = scan.points / scan.unit_mm, bool(scan.normals.any())
    if person % 3 == 0 and oriented:
        cloud = Mesh((points / UNIT_MM).astype(np.float32), np.zeros((0, 3), np.int32), normals=scan.normals)
        files.write(cloud, folder / "scan.ply")
        return folder / "scan.ply"
    arrays = {"points": points, "normals": scan.normals} if person % 3 == 1 and oriented else {"points": points}
    np.savez(folder / "scan.npz", **arrays)
    return folder / "scan.npz"


def _even(truth: Truth, seed: int) -> Truth:
    """Points spread evenly: those of head sets are densest at lips and eyes."""
    assert truth.cloud.normals is not None
    random = np.random.default_rng(seed)
    rows = torch.from_numpy(views.evenly(truth.cloud.points.double().numpy(), POINTS, random))
    return Truth(truth.rig, Cloud(truth.cloud.points[rows], truth.cloud.normals[rows]), truth.region[rows])


def _moved(truth: Truth, T_head_truth: Float[np.ndarray, "4 4"]) -> Truth:
    assert truth.cloud.normals is not None
    points = _at(T_head_truth, truth.cloud.points.double().numpy())
    turn = T_head_truth[:3, :3] / np.cbrt(np.linalg.det(T_head_truth[:3, :3]))
    normals = truth.cloud.normals.double().numpy() @ turn.T
    return replace(truth, cloud=Cloud(torch.from_numpy(points).float(), torch.from_numpy(normals).float()))


def _at(matrix: Float[np.ndarray, "4 4"], points: Float[np.ndarray, "*point 3"]) -> Float[np.ndarray, "*point 3"]:
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _direction(random: Random) -> Float[np.ndarray, "3"]:
    raw = random.normal(size=3)
    return raw / np.linalg.norm(raw)
