"""Heads fitted to clouds of held-out people, as NPHM is measured: single frontal views, and noisy views from all round.

The alignment is known. Methods are callables from a cloud to a mesh; nothing here knows how they work.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from facetalk.errors import InputError
from facetalk.evaluation.depth import FRONT, anywhere, pictured
from facetalk.evaluation.surfaces import PARTS, compare, face_normals
from facetalk.evaluation.true_heads import TrueHead
from facetalk.geometry import UNIT_MM
from facetalk.head.fitting import Cloud
from facetalk.types import Mesh

LOWEST = -0.43
"""Points below are left out: necks are cut, in units."""
FIGURES = ("chamfer_l1_mm", "chamfer_l2_mm2", "normals", "f_1mm", "f_5mm")
PUBLISHED = {
    "NPHM, other data": {"head": (2.052, None, 0.874, 0.523, 0.902), "face": (0.531, None, 0.976, 0.891, 0.997)},
    "NPM, other data": {"head": (2.657, None, 0.883, 0.478, 0.873), "face": (0.657, None, 0.973, 0.840, 0.994)},
}
"""Giebenhain et al. 2023: 23 people, 427 single-view scans."""
Method = Callable[[Cloud], Mesh]
Random = np.random.Generator


@dataclass(frozen=True)
class Protocol:
    """How a cloud is taken of a true head."""

    views: int
    """Cameras in random directions; 0 is one before the face."""
    points: int
    noise_mm: float = 0.0
    """Spread of the points about the surface, in every coordinate."""
    normal_noise: float = 0.0
    """Spread of the normals' ends, which have length one."""

    def cloud(self, true: TrueHead, seed: int) -> Cloud:
        """Points back-projected from depth pictures, with the normals of what these show."""
        random = np.random.default_rng(seed)
        directions = anywhere(self.views, random) if self.views else FRONT[None]
        views = pictured(true.whole.vertices, true.whole.faces, directions)
        points = np.concatenate([view.places() for view in views])
        triangle = np.concatenate([view.triangle[view.triangle >= 0] for view in views])
        kept = np.flatnonzero(points[:, 1] > LOWEST)
        kept = random.choice(kept, min(len(kept), self.points), replace=False)
        normals = _blurred(face_normals(true.whole)[triangle[kept]], self.normal_noise, random)
        moved = points[kept] + self.noise_mm / UNIT_MM * random.normal(size=(len(kept), 3))
        return Cloud(torch.from_numpy(moved).float(), torch.from_numpy(normals).float())


PROTOCOLS = {
    "single view": Protocol(views=0, points=2500),
    "full": Protocol(views=12, points=20_000, noise_mm=0.5, normal_noise=0.15),
}


@dataclass(frozen=True)
class Case:
    """A held-out person in an expression."""

    person: int
    scan: int
    identity: Float[np.ndarray, " mode"]
    rig: Float[np.ndarray, "52"]


@dataclass(frozen=True)
class Row:
    """One fit."""

    protocol: str
    method: str
    version: str
    """Of the method: a row of another one is measured again."""
    person: int
    scan: int
    seconds: float
    """Of processor time, for the fit and the mesh."""
    figures: Mapping[str, float]

    @property
    def key(self) -> tuple:
        """What it is of."""
        return self.protocol, self.method, self.version, self.person, self.scan


@dataclass(frozen=True)
class Contender:
    """A method with what tells its versions apart."""

    name: str
    version: str
    fit: Method


Watch = Callable[[int, int], None]
Look = Callable[[Row, TrueHead, Mesh], None]


def evaluate(
    cases: Sequence[Case],
    truth: Callable[[Float[np.ndarray, " mode"], Float[np.ndarray, "52"]], TrueHead],
    contenders: Sequence[Contender],
    protocols: Sequence[str],
    log: Path,
    watch: Watch = lambda done, of: None,
    look: Look = lambda row, true, ours: None,
) -> list[Row]:
    """Every method on every cloud, case by case; rows that `log` holds already are not measured again.

    Args:
        cases: of whom.
        truth: makes a true head of identity and ARKit weights.
        contenders: the methods.
        protocols: names of `PROTOCOLS`.
        log: a file of rows, one a line; it grows as they are found.
        watch: told how many fits of how many are done.
        look: shown every new row with both surfaces.

    Raises:
        InputError: a protocol is unknown, or the log is damaged.
    """
    unknown = set(protocols) - set(PROTOCOLS)
    if unknown:
        raise InputError(f"protocol {unknown.pop()!r} is unknown; use {', '.join(PROTOCOLS)}")
    known = {row.key: row for row in read_rows(log)}
    total, found = len(cases) * len(protocols) * len(contenders), []
    for case in cases:
        true = None
        for protocol in protocols:
            for contender in contenders:
                row = known.get((protocol, contender.name, contender.version, case.person, case.scan))
                if row is None:
                    true = truth(case.identity, case.rig) if true is None else true
                    row = _fitted(case, true, protocol, contender, look)
                    _append(row, log)
                found.append(row)
                watch(len(found), total)
    return found


def _fitted(case: Case, true: TrueHead, protocol: str, contender: Contender, look: Look) -> Row:
    seed = 1000 * case.person + case.scan
    cloud = PROTOCOLS[protocol].cloud(true, seed)
    begin = time.process_time()
    ours = contender.fit(cloud)
    spent = time.process_time() - begin
    figures = compare(true, ours, seed)
    row = Row(protocol, contender.name, contender.version, case.person, case.scan, spent, figures)
    look(row, true, ours)
    return row


def read_rows(log: Path) -> list[Row]:
    """Rows of an earlier call.

    Raises:
        InputError: the file holds something else.
    """
    try:
        return [Row(**json.loads(line)) for line in log.read_text().splitlines()] if log.is_file() else []
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{log}: holds no rows of this evaluation ({error}); give another --out") from error


def _append(row: Row, log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        file.write(json.dumps(asdict(row)) + "\n")


def _blurred(normals: Float[np.ndarray, "point 3"], spread: float, random: Random) -> Float[np.ndarray, "point 3"]:
    blurred = normals + spread * random.normal(size=normals.shape)
    return blurred / np.linalg.norm(blurred, axis=1, keepdims=True)


def table(rows: Sequence[Row]) -> Iterator[str]:
    """A Markdown table for each protocol and part; means over the fits, published figures where they are comparable."""
    for protocol in dict.fromkeys(row.protocol for row in rows):
        for part in PARTS:
            yield f"\n{protocol}, {part} | Chamfer-L1, mm | Chamfer-L2, mm² | normals | F@1 mm | F@5 mm | core-s | fits"
            yield "---|---|---|---|---|---|---|---"
            for method in dict.fromkeys(row.method for row in rows):
                mine = [row for row in rows if (row.protocol, row.method) == (protocol, method)]
                means = [float(np.mean([row.figures[f"{part}_{name}"] for row in mine])) for name in FIGURES]
                spent = float(np.mean([row.seconds for row in mine]))
                yield _line(method, means, f"{spent:.0f}", str(len(mine)))
            for name, figures in PUBLISHED.items() if protocol == "single view" else ():
                yield _line(name, figures[part], "", "427")


def _line(name: str, figures: Sequence[float | None], *rest: str) -> str:
    cells = ["" if value is None else f"{value:.3f}" for value in figures]
    return " | ".join([name, *cells, *rest])
