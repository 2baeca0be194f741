"""How well learnt hair gives back procedural hair, and heads that wear it: on held-out people, and for held-out styles.

Run with `python -m facetalk.training.hair_figures --ict FOLDER --data SET --head HEAD --hair HAIR`. Both volumes are
read at the nodes of one grid; only what lies above the skin counts. The code of a held-out style is fitted to points of
the set; the codes of trained styles are taken as they are. Beside whole heads of ours stands what a model without hair
could reach at best: the person's own bald mesh.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt, label
from scipy.spatial import KDTree

from facetalk.data.hair.hair_set import Barber, HairSetConfig, Row, grower
from facetalk.data.hair.purpose import NEW_PERSON, NEW_STYLE
from facetalk.data.hair.skull import CELL_MM, Skull, nodes, shape
from facetalk.geometry import UNIT_MM
from facetalk.head import hair as hairs
from facetalk.head import model as heads
from facetalk.head.hair import HairField
from facetalk.head.model import Head
from facetalk.mesh.extract import ask
from facetalk.training import hair_data
from facetalk.training.hair import HairRecipe
from facetalk.training.hair_data import HairBatch, HairRows
from facetalk.training.hair_fit import fitted

FIGURES = ("chamfer_mm", "within_5_mm", "iou", "head_mm", "bald_head_mm")
BALL_MM, MARGIN_MM = 18.0, 8.0
"""A ball that enters no mouth and no socket of an eye, and how far beyond it surfaces are looked for."""
ABOVE_MM = 1.0
"""Hair nearer to the skin is not compared."""


@dataclass(frozen=True)
class HairTest:
    """What is measured, and how much of it."""

    ict: Path
    """Root of an ICT-FaceKit checkout."""
    data: Path
    """The set that was trained on."""
    head: Path
    hair: Path
    rows: int = 6
    """Of each kind: held-out people, held-out styles."""
    people: int = HairSetConfig.people
    variants: int = HairSetConfig.variants
    seed: int = 0
    """As the set was made."""


@dataclass(frozen=True)
class Volume:
    """Distances at the nodes of the grid, hair and skin."""

    hair: Float[np.ndarray, " node"]
    skin: Float[np.ndarray, " node"]

    @property
    def inside(self) -> Bool[np.ndarray, " node"]:
        """Hair above the skin."""
        return (self.hair < 0) & (self.skin > ABOVE_MM)

    @property
    def outside(self) -> Float[np.ndarray, " node"]:
        """Distances to the head with its hair."""
        return np.minimum(self.hair, self.skin)

    def surface(self) -> Float[np.ndarray, "point 3"]:
        """Where edges of the grid leave the hair above the skin, millimetres."""
        return crossings(self.hair, self.skin > ABOVE_MM)


def crossings(values: Float[np.ndarray, " node"], asked: Bool[np.ndarray, " node"]) -> Float[np.ndarray, "point 3"]:
    """Where distances change sign along edges of the grid both of whose ends are asked for, millimetres."""
    values, asked = values.reshape(shape()), asked.reshape(shape())
    where, found = nodes().reshape(*shape(), 3), []
    for axis in range(3):
        first, second = _ends(values, axis)
        crossed = ((first < 0) != (second < 0)) & np.logical_and(*_ends(asked, axis))
        share = first[crossed] / (first[crossed] - second[crossed])
        start = _ends(where, axis)[0][crossed]
        start[:, axis] += CELL_MM * share
        found.append(start)
    return np.concatenate(found)


def _ends(grid: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    rolled = np.moveaxis(grid, axis, 0)
    return np.moveaxis(rolled[:-1], 0, axis), np.moveaxis(rolled[1:], 0, axis)


def outer(distance: Float[np.ndarray, " node"]) -> Bool[np.ndarray, " node"]:
    """Nodes that a ball from outside comes near to: neither mouths nor sockets of eyes, nor what lies under hair."""
    pieces = np.empty(shape(), np.int32)
    label(distance.reshape(shape()) > BALL_MM, output=pieces)
    out = np.asarray(distance_transform_edt(pieces != pieces[0, -1, 0], sampling=CELL_MM))
    return (out < BALL_MM + MARGIN_MM).ravel()


def chamfer_mm(one: Float[np.ndarray, "one 3"], other: Float[np.ndarray, "other 3"]) -> float:
    """Mean of both ways."""
    return float(np.mean([way.mean() for way in _both_ways(one, other)]))


def _both_ways(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """From each point of one to the nearest of the other, and back."""
    return KDTree(other).query(one)[0], KDTree(one).query(other)[0]


def whole_heads(found: Volume, true: Volume, lowest_mm: float) -> dict[str, float]:
    """Chamfer distance to the true head with its hair, above a height: of ours, and of the true one without hair."""
    above = nodes()[:, 1] > lowest_mm
    asked = outer(true.outside) & above
    theirs, ours = crossings(true.outside, asked), crossings(found.outside, asked)
    bald = crossings(true.skin, outer(true.skin) & above)
    return {"head_mm": chamfer_mm(ours, theirs), "bald_head_mm": chamfer_mm(bald, theirs)}


def agreement(found: Volume, true: Volume) -> dict[str, float]:
    """Chamfer distance of hair (millimetres), share within 5 mm, and intersection over union."""
    ours, theirs = found.surface(), true.surface()
    if len(ours) == 0 or len(theirs) == 0:
        return {"chamfer_mm": float("nan"), "within_5_mm": 0.0, "iou": 0.0}
    there, back = _both_ways(ours, theirs)
    both, either = (found.inside & true.inside).sum(), (found.inside | true.inside).sum()
    return {
        "chamfer_mm": float((there.mean() + back.mean()) / 2),
        "within_5_mm": float(((there < 5).mean() + (back < 5).mean()) / 2),
        "iou": float(both / max(either, 1)),
    }


def evaluate(test: HairTest) -> list[dict]:
    """One row of figures for each style on a person.

    Raises:
        InputError: the source or the set cannot be read.
        CheckpointError: head or hair cannot be read, or do not belong together.
    """
    head = heads.load(test.head)
    head.hair = hairs.load(test.hair, head.shape_hash)
    config = HairSetConfig(ict=test.ict, out=test.data, people=test.people, variants=test.variants, seed=test.seed)
    barber, people = Barber(config), {}
    rows = []
    for kind, data in hair_data.read(test.data, head).items():
        field = head.hair.scalp if kind == "scalp" else head.hair.beard
        for purpose, name in ((NEW_PERSON, "held-out person"), (NEW_STYLE, "held-out style")):
            chosen = data.rows(purpose)
            for row in chosen[:: max(1, len(chosen) // test.rows)][: test.rows].tolist():
                code, person, style = _code(field, data, row), int(data.person[row]), int(data.style[row])
                if person not in people:
                    people[person] = barber.skull(person)
                figures = _compared(head, barber, kind, Row(person, style, purpose), people[person], code)
                rows.append({"kind": kind, "test": name, "style": data.names[style // data.variants], **figures})
                print(json.dumps(rows[-1]), flush=True)
    return rows


def _code(field: HairField, data: HairRows, row: int) -> torch.Tensor:
    """The trained code of a row's style, or one fitted to the row where there is none."""
    name, variant = divmod(int(data.style[row]), data.variants)
    if variant < field.codes.shape[1]:
        return field.codes[name, variant]
    whole, here = data.everything, slice(row, row + 1)
    batch = HairBatch(whole.points[here], whole.skin[here], whole.distance[here], whole.way[here])
    return fitted(field, batch, HairRecipe())


def _compared(
    head: Head, barber: Barber, kind: str, row: Row, skull: tuple[Skull, np.ndarray], code: torch.Tensor
) -> dict[str, float]:
    weights = torch.from_numpy(barber.weights(row.person)[None]).float()
    with torch.inference_mode():
        state = head.identify(head.identity(weights)[0])
        worn = hairs.Hair(scalp=code) if kind == "scalp" else hairs.Hair(beard=code)
        field = head.grown(state, worn)[kind]
    where = nodes()
    grow, skin = grower(kind, row, barber.config, *skull), skull[0].to_skin(where)
    # The truth is cut by the true skin, ours by our own.
    ours = UNIT_MM * ask(lambda points: field(points).distance, where / UNIT_MM)
    our_skin = UNIT_MM * ask(lambda points: head.canonical(state, points), where / UNIT_MM)
    found, true = Volume(ours, our_skin), Volume(grow(where).distance, skin)
    return agreement(found, true) | whole_heads(found, true, skull[0].lowest)


def summary(rows: list[dict]) -> dict[str, dict[str, float]]:
    """Means by kind and test."""
    groups = sorted({(row["kind"], row["test"]) for row in rows})
    return {
        f"{kind}, {test}": {
            figure: round(float(np.nanmean([r[figure] for r in rows if (r["kind"], r["test"]) == (kind, test)])), 3)
            for figure in FIGURES
        }
        for kind, test in groups
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(summary(evaluate(tyro.cli(HairTest))), indent=1))
