"""Whether one code means the same on everybody: jaw, lips and lids of many people, each within that person's range.

People have larger and smaller mouths, so millimetres differ; what should not is how far along from one end of a
person's own range to the other a code takes them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from facetalk.geometry import UNIT_MM
from facetalk.head.model import Head
from facetalk.head.prior import drawn
from facetalk.mesh.aperture import eye_probe, mouth_probe
from facetalk.mesh.carry import carry
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


@dataclass(frozen=True)
class TransferTest:
    """How it is tested."""

    count: int = 50
    """People drawn from the prior."""
    first: int = 7000
    """Seed of the first."""
    spread: float = 1.0
    """How far people are from the mean; 1 is the spread of those trained on."""


def evaluate(
    head: Head, test: TransferTest, watch: Watch = lambda done, of: None
) -> dict[str, dict[str, dict[str, float]]]:
    """For each measurement and code: median place in the range, mean and 90 % distance from it, and share `WITHIN`."""
    rows = []
    for seed in range(test.first, test.first + test.count):
        rows.append(places(head, drawn(head, seed, test.spread)))
        watch(len(rows), test.count)
    return {name: {code: _agreement(np.array([row[name][code] for row in rows])) for code in CODES} for name in RANGES}


def places(head: Head, z_id: Float[torch.Tensor, " identity"]) -> dict[str, dict[str, float]]:
    """Where each code takes one person: 0 at one end of each range, 1 at the other."""
    ends = {name: (_read(head, z_id, low)[name], _read(head, z_id, high)[name]) for name, (low, high) in RANGES.items()}
    found = {code: _read(head, z_id, pose) for code, pose in CODES.items()}
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
        "lips": float(mouth_probe(marks, columns=1, half_width_mm=0.0).apertures(sdf)[0]),
        "lids": float(eye.apertures(sdf)[0]),
    }


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
