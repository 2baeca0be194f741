"""Scans damaged on purpose, of held-out people: does a fit come through, or say why not?

The truth is the corrected source mesh of a person that no model was trained on, never a model's own output. Knows no
fit: it is given one as a callable that takes a file, as anybody's scan is one.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.evaluation import views
from facetalk.evaluation.damage import DAMAGES, PROTOCOLS, Damaged
from facetalk.evaluation.head import Person, measure
from facetalk.evaluation.head import Scan as Truth
from facetalk.evaluation.surfaces import seen_sample
from facetalk.geometry import UNIT_MM
from facetalk.head.fitting import Cloud
from facetalk.mesh import files
from facetalk.types import Mesh

ASTRAY_MM = 2.0
"""A face farther from the truth than this, on average, was fitted wrong."""
POINTS = 4000
CENTRE = np.array([0.0, 0.0, 0.2])
"""The middle of a face, in units."""


@dataclass(frozen=True)
class Found:
    """What a fit says: the head's surface in its own space, and how the file's numbers lie in it."""

    mesh: Mesh
    T_head_scan: Float[np.ndarray, "4 4"]
    said: Mapping[str, float] = field(default_factory=dict)
    """Figures of its own, to be kept beside the truth."""


FitFile = Callable[[Path], Found]


@dataclass(frozen=True)
class Row:
    """One scan: how far the face is off, or why there is none."""

    damage: str
    person: int
    version: str = ""
    """Of the fit: a row of another one is measured again."""
    seconds: float = 0.0
    """Of processor time."""
    figures: Mapping[str, float] = field(default_factory=dict)
    refusal: str = ""

    @property
    def key(self) -> tuple[str, int, str]:
        """What it is of."""
        return self.damage, self.person, self.version

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


def evaluate(
    people: Sequence[Person], fit: FitFile, damages: Sequence[str], log: Path, version: str = ""
) -> Iterator[Row]:
    """Every kind of damage on one scan of each person, one by one; rows that `log` holds are not measured again.

    Args:
        people: of whom.
        fit: what is measured.
        damages: names of `DAMAGES`.
        log: a file of rows, one a line; it grows as they are found.
        version: tells fits apart.

    Raises:
        InputError: the log is damaged.
    """
    known = {row.key: row for row in read_rows(log)}
    with tempfile.TemporaryDirectory() as folder:
        for number, person in enumerate(people):
            for damage in damages:
                row = Row(damage, number, version)
                if row.key not in known:
                    known[row.key] = _fitted(person, row, fit, Path(folder))
                    _append(known[row.key], log)
                yield known[row.key]


def read_rows(log: Path) -> list[Row]:
    """Rows of an earlier call.

    Raises:
        InputError: the file holds something else.
    """
    try:
        return [Row(**json.loads(line)) for line in log.read_text().splitlines()] if log.is_file() else []
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{log}: holds no rows of this evaluation ({error}); give another --out") from error


def table(rows: Sequence[Row]) -> list[list[str]]:
    """Outcomes of each kind of damage; medians of the found ones, distances in millimetres."""
    lines = [["damage", "scans", "found", "refused", "astray", "face", "worst", "head", "normals", "core-s"]]
    for damage in dict.fromkeys(row.damage for row in rows):
        mine = [row for row in rows if row.damage == damage]
        count = [sum(row.outcome == outcome for row in mine) for outcome in ("found", "refused", "astray")]
        good = [row for row in mine if row.outcome == "found"]
        errors = [row.face_mm for row in good] or [float("nan")]
        # From ours to the truth alone: the truth also holds what lies behind closed lips.
        rest = [_median(good, name) for name in ("head_ours_to_true_mm", "face_normals")]
        spent = f"{np.median([row.seconds for row in mine]):.1f}"
        figures = [f"{value:.2f}" for value in (float(np.median(errors)), max(errors), *rest)]
        lines.append([damage, *map(str, (len(mine), *count)), *figures, spent])
    return lines


def _median(rows: Sequence[Row], name: str) -> float:
    return float(np.median([row.figures[name] for row in rows])) if rows else float("nan")


def _append(row: Row, log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        file.write(json.dumps(asdict(row)) + "\n")


def _fitted(person: Person, row: Row, fit: FitFile, folder: Path) -> Row:
    """`row` with what became of one scan of a person."""
    dense = person.scans[row.person % len(person.scans)]
    even = _even(dense, row.person)
    random = np.random.default_rng([row.person, list(DAMAGES).index(row.damage)])
    scan = DAMAGES[row.damage](_whole(dense if row.damage in PROTOCOLS else even), random)
    path = _written(scan, folder, row.person)
    begin = time.process_time()
    try:
        found = fit(path)
    except InputError as error:
        return replace(row, seconds=time.process_time() - begin, refusal=str(error).removeprefix(f"{path}: "))
    return replace(row, seconds=time.process_time() - begin, figures=_figures((even, dense), scan, found, row.person))


def _figures(truths: tuple[Truth, Truth], scan: Damaged, found: Found, seed: int) -> dict[str, float]:
    """Distances from the evenly spread truth to ours, and from what is seen of ours to all of the truth.

    Vertices are no measure of ours: they are crowded round mouth and eyes.
    """
    T_scan_truth = np.eye(4) if scan.T_scan_truth is None else scan.T_scan_truth
    # Truth is in units of head space, the file in its own: sizes are taken out again by the fit's matrix.
    T_head_truth = found.T_head_scan @ np.diag([1 / scan.unit_mm] * 3 + [1]) @ T_scan_truth
    T_head_truth = T_head_truth @ np.diag([UNIT_MM] * 3 + [1])
    middle = _at(T_head_truth, CENTRE)
    forth, back = (
        measure(ours, _moved(truth, T_head_truth), middle)
        for ours, truth in zip((found.mesh, seen_sample(found.mesh, seed=seed)), truths, strict=True)
    )
    there = {name: value for name, value in forth.items() if "true_to_ours" in name or "normals" in name}
    return {**found.said, **there, **{name: value for name, value in back.items() if "ours_to_true" in name}}


def _whole(truth: Truth) -> Damaged:
    assert truth.cloud.normals is not None
    return Damaged(truth.cloud.points.double().numpy() * UNIT_MM, truth.cloud.normals.double().numpy())


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
