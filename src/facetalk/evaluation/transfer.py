"""Whether one code means the same on everybody: jaw, lips and lids of many people, each within that person's range.

People have larger and smaller mouths, so millimetres differ; what should not is how far along from one end of a
person's own range to the other a code takes them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from facetalk.data.landmarks import Anchors
from facetalk.data.posing import SourceHead, Topology
from facetalk.data.source import HeadSource
from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import LANDMARK_NAMES
from facetalk.head.model import SOURCE_SIZE, Head
from facetalk.head.prior import drawn, person_weights
from facetalk.mesh.aperture import Probe, eye_probe, mouth_probe
from facetalk.mesh.carry import carry
from facetalk.mesh.winding import mesh_apertures
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.gallery import POSES, posed

RANGES: Mapping[str, tuple[Mapping[str, float], Mapping[str, float]]] = {
    "jaw": ({}, {"jawOpen": 1.0}),
    "lip width": ({"mouthPucker": 1.0}, {"mouthSmile": 1.0}),
    "lips": ({}, POSES["a"]),
    "lids": ({"eyeBlink": 1.0}, {}),
}
"""What is measured, and the poses at both ends of its range."""
CODES: Mapping[str, Mapping[str, float]] = {
    "jaw .25": {"jawOpen": 0.25},
    "jaw .5": {"jawOpen": 0.5},
    "half smile": {"mouthSmile": 0.5},
    "half pucker": {"mouthPucker": 0.5},
    "half blink": {"eyeBlink": 0.5},
    "o": POSES["o"],
    "f": POSES["f"],
}
"""Expressions that everybody is given."""
WITHIN = 0.1
"""Nearer than this to what others do, as a share of the range, a code means the same."""
CARRY_ROUNDS = 12
Watch = Callable[[int, int], None]
Read = Callable[[Mapping[str, float]], Mapping[str, float]]
"""Measurements of one person in a pose, millimetres."""
Places = Mapping[str, Mapping[str, float]]
"""Of one person, for each measurement and code."""
Table = dict[str, dict[str, dict[str, float]]]
"""For each measurement and code: median place in the range, mean and 90 % distance from it, and share `WITHIN`."""


@dataclass(frozen=True)
class TransferTest:
    """How it is tested."""

    count: int = 50
    """People drawn from the prior."""
    first: int = 7000
    """Seed of the first."""
    spread: float = 1.0
    """How far people are from the mean; 1 is the spread of those trained on."""


def evaluate(head: Head, test: TransferTest, watch: Watch = lambda done, of: None) -> Table:
    """People of a head, drawn from its prior."""
    rows = []
    for seed in range(test.first, test.first + test.count):
        z_id = drawn(head, seed, test.spread)
        rows.append(places(lambda pose, z_id=z_id: _read(head, z_id, pose)))
        watch(len(rows), test.count)
    return table(rows)


def evaluate_source(source: HeadSource, test: TransferTest, watch: Watch = lambda done, of: None) -> Table:
    """The same people as corrected meshes of the source that the head was learnt from."""
    topology, anchors, rows = Topology(source), Anchors(source), []
    for seed in range(test.first, test.first + test.count):
        head = SourceHead(topology, test.spread * person_weights(seed, SOURCE_SIZE))
        rows.append(places(_mesh_reader(head, anchors)))
        watch(len(rows), test.count)
    return table(rows)


def table(rows: Sequence[Places]) -> Table:
    """How people agree; empty without people."""
    if not rows:
        return {}
    return {name: {code: _agreement(np.array([row[name][code] for row in rows])) for code in CODES} for name in RANGES}


def places(read: Read) -> Places:
    """Where each code takes one person: 0 at one end of each range, 1 at the other."""
    ends = {name: (read(low)[name], read(high)[name]) for name, (low, high) in RANGES.items()}
    found = {code: read(pose) for code, pose in CODES.items()}
    return {
        name: {code: (row[name] - low) / (high - low) for code, row in found.items()}
        for name, (low, high) in ends.items()
    }


@torch.inference_mode()
def _read(head: Head, z_id: Float[torch.Tensor, " identity"], pose: Mapping[str, float]) -> dict[str, float]:
    """Measurements of one face in one pose, millimetres."""
    actor = Actor(head, z_id, stilled=False)
    code = head.rig(posed(pose)[None])[0]
    marks = {name: point.numpy() for name, point in actor.state.landmarks.items()}
    sdf, at = actor.sdf(code), _carried(head, actor, code)
    eye = eye_probe(marks["eye_left"], float(actor.state.eye_radius[0]), columns=1)
    return {
        "jaw": float(np.linalg.norm(at["nose_tip"] - at["chin"])) * UNIT_MM,
        "lip width": float(np.linalg.norm(at["mouth_corner_left"] - at["mouth_corner_right"])) * UNIT_MM,
        "lips": float(_mouth(marks).apertures(sdf)[0]),
        "lids": float(eye.apertures(sdf)[0]),
    }


def _mouth(marks: Mapping[str, Float[np.ndarray, "3"]]) -> Probe:
    """Lines through the middle of the lips, wherever they are pushed."""
    return mouth_probe(marks, columns=1, half_width_mm=0.0)


def _mesh_reader(head: SourceHead, anchors: Anchors) -> Read:
    """Reads a corrected mesh by the lines that `_read` lays through a head."""
    measured = anchors.measure(head)
    marks = dict(zip(LANDMARK_NAMES, measured["landmarks"], strict=True))
    eye = eye_probe(marks["eye_left"], float(measured["eye_radius"][0]), columns=1)
    mouth, common = _mouth(marks), head.source.marks.at

    def read(pose: Mapping[str, float]) -> dict[str, float]:
        mesh = head.pose(posed(pose).double().numpy())
        nose, chin, right, left = mesh.vertices[common(30, 8, 60, 64)]
        return {
            "jaw": float(np.linalg.norm(nose - chin)) * UNIT_MM,
            "lip width": float(np.linalg.norm(left - right)) * UNIT_MM,
            "lips": float(mesh_apertures(mesh.vertices, mesh.faces, mouth)[0]),
            "lids": float(mesh_apertures(mesh.vertices, mesh.faces, eye)[0]),
        }

    return read


def _carried(head: Head, actor: Actor, code: Float[torch.Tensor, " code"]) -> dict[str, Float[np.ndarray, "3"]]:
    """Landmarks of the skin, which are known at rest, in another pose."""
    names = ("nose_tip", "chin", "mouth_corner_left", "mouth_corner_right")
    rest = torch.stack([actor.state.landmarks[name] for name in names])
    canonical = rest + head.deform(actor.state, rest, head.rest).offsets
    deform = head.deformer(actor.state, code)

    def warp(points: Float[torch.Tensor, "point 3"]) -> tuple[torch.Tensor, torch.Tensor]:
        moved = deform(points)
        return moved.offsets, moved.level

    moved = carry(warp, canonical, torch.zeros_like(rest), rest, CARRY_ROUNDS).points
    return dict(zip(names, moved.numpy(), strict=True))


def _agreement(values: Float[np.ndarray, " person"]) -> dict[str, float]:
    """Those whose opening no line runs through are left out of the means, and are not near the others."""
    place = np.nanmedian(values)
    apart = np.abs(values - place)
    return {
        "place": float(place),
        "apart_mean": float(np.nanmean(apart)),
        "apart_90": float(np.nanquantile(apart, 0.9)),
        "within_share": float((apart <= WITHIN).mean()),
    }
