"""A head against held-out people: surfaces of codes from the rig and of fitted codes, lips and lids that close.

Distances are taken between the extracted mesh and the clouds of true surface points, along the normal of the nearest
one (Euclidean where that one is far off, so that holes and floating pieces count). Knows nothing of files.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, UInt8
from scipy.spatial import KDTree
from torch import Tensor

from facetalk.arkit import ARKIT_NAMES
from facetalk.geometry import UNIT_MM
from facetalk.head.fitting import Cloud, FitConfig, fit
from facetalk.head.model import Head
from facetalk.head.sources import FIRST_SOURCE
from facetalk.mesh.aperture import eye_probe, lip_line_probe, mouth_probe
from facetalk.mesh.extract import extract
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.identity import seeded
from facetalk.types import Mesh, Region

FACE_REACH_MM = 95.0
"""The face: skin, lips and eyes this near to the middle between mouth and eyes."""
FAR_MM = 4.0
"""Beyond this a nearest point does not stand for the surface, unless the cloud is sparse there; the distance counts in
full."""
F_LIMITS_MM = (1.0, 5.0)
"""Distances that count as found in F-scores."""
NEIGHBOURS, FAR_SPACINGS = 5, 1.5
"""How sparse a cloud is: the distance of a point's so manieth neighbour (itself the first), and how many times that a
point of the cloud stands for the surface."""
SHUT_MM = 0.5
"""Lips and lids no farther apart are shut."""
SEALED_MM = 0.3
"""Places of the line of the lips no farther apart are sealed."""
FACE_REGIONS = (Region.SKIN, Region.LIPS, Region.SCLERA, Region.IRIS, Region.PUPIL)
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Scan:
    """One true posed head: rig weights and its visible surface."""

    rig: Float[Tensor, "52"]
    cloud: Cloud
    region: UInt8[Tensor, " point"]


@dataclass(frozen=True)
class Person:
    """A held-out identity with some of its scans."""

    weights: Float[Tensor, " mode"]
    scans: tuple[Scan, ...]
    source: str = FIRST_SOURCE
    """Whose weights they are."""


@dataclass(frozen=True)
class HeadTest:
    """How a head is measured."""

    people: int = 4
    """Held-out people that codes are fitted to."""
    scans: int = 2
    """Scans of each, the first of them at rest."""
    seeds: int = 20
    """Seeded people whose lips must seal at rest and whose lids must close."""
    resolution: int = 96
    """Cells along the box for the extracted meshes."""
    fit: FitConfig = field(default_factory=FitConfig)


def evaluate(head: Head, people: Sequence[Person], test: HeadTest, watch: Watch = lambda done, of: None) -> dict:
    """Errors of mapped, rig and fitted codes, and openings of seeded people; millimetres."""
    rows: dict[str, list[dict[str, float]]] = {"mapped": [], "rig": [], "fitted": []}
    for number, person in enumerate(people):
        for name, (z_id, codes) in _codes(head, person, test.fit).items():
            for scan, code in zip(person.scans, codes, strict=True):
                rows[name].append(compare(head, z_id, code, scan, test.resolution))
        watch(number + 1, len(people))
    figures = {name: _mean(row) for name, row in rows.items() if row}
    return {**figures, "openings": openings(head, test.seeds) if test.seeds else {}}


def _codes(head: Head, person: Person, config: FitConfig) -> dict[str, tuple[Tensor, Tensor]]:
    """Codes of one person: by map and rig, identity fitted under rig codes, everything fitted."""
    clouds = [scan.cloud for scan in person.scans]
    rig = head.rig(torch.stack([scan.rig for scan in person.scans]))
    under_rig, free = fit(head, clouds, config, rig), fit(head, clouds, config)
    return {
        "mapped": (head.identity(person.weights[None], person.source)[0].detach(), rig),
        "rig": (under_rig.z_id, rig),
        "fitted": (free.z_id, free.codes),
    }


def compare(
    head: Head, z_id: Float[Tensor, " identity"], code: Float[Tensor, " code"], scan: Scan, resolution: int
) -> dict[str, float]:
    """Distances both ways and agreement of normals between one posed mesh and the true surface."""
    actor = Actor(head, z_id, stilled=False)
    with torch.no_grad():
        mesh = extract(actor.sdf(code), actor.grid(resolution), cut=actor.cut)
    centre = (actor.landmark("mouth_centre") + (actor.landmark("eye_left") + actor.landmark("eye_right")) / 2) / 2
    return measure(mesh, scan, centre.detach().numpy())


def measure(mesh: Mesh, scan: Scan, centre: Float[np.ndarray, "3"]) -> dict[str, float]:
    """Figures of one mesh; `centre` is the middle of the face."""
    assert mesh.normals is not None and scan.cloud.normals is not None
    true, normals = scan.cloud.points.numpy(), scan.cloud.normals.numpy()
    missed, agreed, _ = _beside(true, normals, mesh.vertices, mesh.normals)
    excess, _, nearest = _beside(mesh.vertices, mesh.normals, true, normals)
    region = scan.region.numpy()
    face = np.isin(region, FACE_REGIONS) & (np.linalg.norm(true - centre, axis=1) * UNIT_MM < FACE_REACH_MM)
    near = face[nearest] & (np.linalg.norm(mesh.vertices - centre, axis=1) * UNIT_MM < FACE_REACH_MM)
    lips, eyes = face & (region == Region.LIPS), face & (region >= Region.SCLERA)
    return {
        "face_true_to_ours_mm": float(missed[face].mean()),
        "face_ours_to_true_mm": float(excess[near].mean()),
        "face_normals": float(agreed[face].mean()),
        "head_true_to_ours_mm": float(missed.mean()),
        "head_ours_to_true_mm": float(excess.mean()),
        "lips_true_to_ours_mm": float(missed[lips].mean()) if lips.any() else 0.0,
        "eyes_true_to_ours_mm": float(missed[eyes].mean()) if eyes.any() else 0.0,
        **{f"face_f_{limit:g}mm": f_score(missed[face], excess[near], limit) for limit in F_LIMITS_MM},
        **{f"head_f_{limit:g}mm": f_score(missed, excess, limit) for limit in F_LIMITS_MM},
    }


def f_score(missed_mm: Float[np.ndarray, " true"], excess_mm: Float[np.ndarray, " ours"], limit_mm: float) -> float:
    """Harmonic mean of the shares of true points near ours and of ours near true ones."""
    recall, precision = float((missed_mm < limit_mm).mean()), float((excess_mm < limit_mm).mean())
    return 2 * recall * precision / max(recall + precision, 1e-9)


def openings(head: Head, seeds: int) -> dict[str, float]:
    """Lips at rest and lids in a blink on seeded people, by the aperture meter."""
    lips, lids, awake, lines = [], [], [], []
    for seed in range(100, 100 + seeds):
        actor = Actor(head, seeded(head, seed, "").z_id)
        shut = shutting(actor)
        lips.append(shut[0])
        lids.append(shut[1])
        awake.append(_lid_opening(actor, 0.0))
        lines.append(sealed_share(lip_line_probe(_landmarks(actor)).apertures(actor.sdf(head.rest))))
    return {
        "lips_at_rest_mm": float(np.median(lips)),
        "lips_at_rest_worst_mm": float(np.max(lips)),
        "lips_sealed_share": float(np.mean(np.array(lips) <= SHUT_MM)),
        "lip_line_share": float(np.mean(lines)),
        "lip_line_least_share": float(np.min(lines)),
        "lids_in_blink_mm": float(np.median(lids)),
        "lids_in_blink_worst_mm": float(np.max(lids)),
        "lids_shut_share": float(np.mean(np.array(lids) <= SHUT_MM)),
        "lids_at_rest_mm": float(np.median(awake)),
    }


def sealed_share(columns: Float[np.ndarray, " column"]) -> float:
    """Share of the line of the lips over which they are sealed; where nothing is found they are not."""
    return float((np.nan_to_num(columns, nan=np.inf) <= SEALED_MM).mean())


def shutting(actor: Actor) -> tuple[float, float]:
    """What stays open between the lips at rest and between the lids in a blink, by the aperture meter; mm."""
    lips = _widest(mouth_probe(_landmarks(actor)).apertures(actor.sdf(actor.head.rest)))
    return lips, _lid_opening(actor, 1.0)


def _lid_opening(actor: Actor, blink: float) -> float:
    weights = torch.zeros(1, len(ARKIT_NAMES))
    weights[0, [ARKIT_NAMES.index("eyeBlinkLeft"), ARKIT_NAMES.index("eyeBlinkRight")]] = blink
    sdf, landmarks = actor.sdf(actor.head.rig(weights)[0]), _landmarks(actor)
    radii = actor.state.eye_radius.tolist()
    return max(
        _widest(eye_probe(landmarks[name], radius).apertures(sdf))
        for name, radius in zip(("eye_left", "eye_right"), radii, strict=True)
    )


def _landmarks(actor: Actor) -> Mapping[str, np.ndarray]:
    return {name: point.detach().cpu().numpy() for name, point in actor.state.landmarks.items()}


def _widest(columns: Float[np.ndarray, " column"]) -> float:
    """The widest column; an unknown one counts as wide open."""
    return float(np.nan_to_num(columns, nan=99.0).max())


def _beside(
    points: Float[np.ndarray, "point 3"],
    normals: Float[np.ndarray, "point 3"],
    surface: Float[np.ndarray, "sample 3"],
    surface_normals: Float[np.ndarray, "sample 3"],
) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"], np.ndarray]:
    """Distance of points from a surface in mm, cosine between normals, and index of the nearest sample."""
    tree = KDTree(surface)
    distance, nearest = tree.query(points)
    along = np.abs(((points - surface[nearest]) * surface_normals[nearest]).sum(axis=1))
    spacing = tree.query(surface, k=[min(NEIGHBOURS, len(surface))])[0][:, 0]
    far = np.maximum(FAR_MM / UNIT_MM, FAR_SPACINGS * spacing[nearest])
    chosen = np.where(distance > far, distance, along)
    return chosen * UNIT_MM, (normals * surface_normals[nearest]).sum(axis=1), nearest


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
