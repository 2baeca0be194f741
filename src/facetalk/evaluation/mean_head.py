"""Heads against the source meshes they were learnt from: how far lips and lids stand apart, pose by pose."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float

from facetalk.data.posing import SourceHead, Topology
from facetalk.data.source import HeadSource
from facetalk.evaluation import mouth_ways
from facetalk.evaluation.head import sealed_share
from facetalk.head.model import SOURCE_SIZE, Head
from facetalk.mesh.aperture import Probe, eye_probe, lip_line_probe, mouth_probe
from facetalk.mesh.winding import mesh_apertures
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.gallery import POSES, posed
from facetalk.types import Mesh

OPENINGS: Mapping[str, Mapping[str, float]] = {
    "jaw .05": {"jawOpen": 0.05},
    "jaw .1": {"jawOpen": 0.1},
    "jaw .15": {"jawOpen": 0.15},
    "jaw .25": {"jawOpen": 0.25},
    "jaw .5": {"jawOpen": 0.5},
    "jaw .7": {"jawOpen": 0.7},
    "jaw 1": {"jawOpen": 1.0},
    "half blink": {"eyeBlink": 0.5},
}
"""Poses beside those of the gallery."""
CLOSED = ("rest", "m")
"""Poses in which lips touch from corner to corner."""
OPENS = ("lips", "lids")
WIDE_MM = 5.0
"""Lips farther apart can be looked through."""
SHARES = ("lip_line_share", "lip_line_true_share", "ways_open_share")
"""Read where lips are shut, or open wide enough."""
NEAR_MM, NEAR_SHARE = 0.5, 0.05
"""An opening is right within the larger of so much and this share of the true one."""
Row = Mapping[str, float]
Watch = Callable[[int, int], None]


def openings(head: Head, source: HeadSource) -> dict[str, Row]:
    """Millimetres between lips and between lids (the left eye's) of the mean head and of the mesh, for each pose.

    Both are read by the same lines; the middle of the columns counts.
    """
    return _openings(head, torch.zeros(SOURCE_SIZE), SourceHead(Topology(source), source.mean_person))


def compared(
    head: Head,
    source: HeadSource,
    people: Sequence[Float[torch.Tensor, " mode"]],
    watch: Watch = lambda done, of: None,
) -> dict[str, Row]:
    """`openings` of several people, by their weights in the source: means, mean errors, and how many are right."""
    topology, rows = Topology(source), []
    for weights in people:
        rows.append(_openings(head, weights, SourceHead(topology, weights.double().numpy())))
        watch(len(rows), len(people))
    return {name: _agreement([row[name] for row in rows]) for name in (rows[0] if rows else {})}


@torch.inference_mode()
def _openings(head: Head, weights: Float[torch.Tensor, " mode"], mesh: SourceHead) -> dict[str, Row]:
    actor = Actor(head, head.identity(weights[None])[0], stilled=False)
    landmarks = {name: point.numpy() for name, point in actor.state.landmarks.items()}
    mouth, line = mouth_probe(landmarks), lip_line_probe(landmarks)
    eye = eye_probe(landmarks["eye_left"], float(actor.state.eye_radius[0]))
    poses = {**POSES, **OPENINGS}
    return {
        name: _row(actor, mesh, posed(pose), mouth, eye, line if name in CLOSED else None)
        for name, pose in poses.items()
    }


def _row(actor: Actor, source: SourceHead, weights: torch.Tensor, mouth: Probe, eye: Probe, line: Probe | None) -> Row:
    """Openings in one pose, and whether ways through open lips are open; with `line` also the share of it over which
    lips are sealed."""
    mesh = source.pose(weights.double().numpy())
    sdf = actor.sdf(actor.head.rig(weights[None])[0])
    opening, shares = _middle(mesh_apertures(mesh.vertices, mesh.faces, mouth)), {}
    if line is not None:
        shares["lip_line_share"] = sealed_share(line.apertures(sdf))
        shares["lip_line_true_share"] = sealed_share(mesh_apertures(mesh.vertices, mesh.faces, line))
    if opening > WIDE_MM:
        ways = mouth_ways.ways(Mesh(mesh.vertices, mesh.faces), mouth)
        shares["ways_open_share"] = mouth_ways.open_share(sdf, ways)
    return {
        "lips_mm": _middle(mouth.apertures(sdf)),
        "lips_true_mm": opening,
        "lids_mm": _middle(eye.apertures(sdf)),
        "lids_true_mm": _middle(mesh_apertures(mesh.vertices, mesh.faces, eye)),
        **shares,
    }


def _agreement(rows: Sequence[Row]) -> dict[str, float]:
    """Of one pose; people through whose opening no line runs are left out of the means, and are not right."""
    figures = {}
    for opening in OPENS:
        ours, true = (np.array([row[f"{opening}{which}_mm"] for row in rows]) for which in ("", "_true"))
        missed = np.abs(ours - true)
        figures |= {
            f"{opening}_mm": float(np.nanmean(ours)),
            f"{opening}_true_mm": float(np.nanmean(true)),
            f"{opening}_error_mm": float(np.nanmean(missed)),
            f"{opening}_right_share": float((missed <= np.maximum(NEAR_MM, NEAR_SHARE * true)).mean()),
        }
    for name in SHARES:
        found = [row[name] for row in rows if not np.isnan(row.get(name, np.nan))]
        figures |= {name: float(np.mean(found))} if found else {}
    return figures


def _middle(columns: Float[np.ndarray, " column"]) -> float:
    return float(columns[len(columns) // 2])
