"""People drawn from the prior: whether they are whole, shut lips and lids, differ from each other, and are new.

Wholeness is read from the meshes that users get, at rest and with an open mouth. Likeness is measured between places in
correspondence: anchors, landmarks, and where rays in fixed directions meet the canonical surface. Knows no files.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.evaluation.head import SHUT_MM, shutting
from facetalk.geometry import UNIT_MM
from facetalk.head.model import Head
from facetalk.head.prior import drawn
from facetalk.mesh.pieces import pieces
from facetalk.mesh.topology import border_vertices, crossings, topology
from facetalk.pipeline.actor import NECK_CUT, Actor
from facetalk.pipeline.gallery import posed
from facetalk.pipeline.people import FIRST_SEED, SPREAD
from facetalk.pipeline.roads import ROADS, Surface
from facetalk.types import Mesh

POSES = {"rest": posed({}), "open": posed({"jawOpen": 0.6})}
MOUTH_BOX_MM = (-38.0, -60.0, -95.0), (38.0, 24.0, 12.0)
"""About the middle of the lips: what lies between lips, teeth and throat."""
EYE_BOX_MM = (-20.0, -18.0, -20.0), (20.0, 18.0, 25.0)
"""About an eyeball's centre: lids, their slits and corners."""
RIM_MM = 0.1
"""Border vertices no farther from the plane that cuts the neck are its rim."""
RAY_CENTRE, RAY_START, RAY_STEPS = (0.0, 0.06, -0.12), 0.8, 24
RAYS = 160
LOWEST_RAY = -0.55
"""Rays that point lower, as sine, would meet the neck."""
TRIANGLES = 1000
"""Of each mesh, tested for passing through others."""
Watch = Callable[[int, int], None]
Box = tuple[Sequence[float], Sequence[float]]
"""Lower and upper corner, millimetres."""


@dataclass(frozen=True, kw_only=True)
class PeopleTest:
    """How people are tested."""

    count: int = 200
    first: int = FIRST_SEED
    """Seed of the first; the others follow."""
    spread: float = SPREAD
    """How far people are from the mean; the source's own spread is 1."""
    surface: Surface = field(default_factory=Surface)


@dataclass(frozen=True)
class Wholeness:
    """One posed mesh; a whole one is all zeros, the last two but for chance."""

    floating: int
    """Pieces besides the head."""
    torn: int
    """Vertices at edges with one face that are not the rim of the neck."""
    tunnels: int
    """Handles of the surface outside mouth and eyes."""
    eye_tunnels: int
    """Between lids and eyeballs."""
    mouth_tunnels: int
    """Between lips, teeth and gums, most of them out of sight."""
    crossing: float
    """Share of sampled triangles that pass through another."""


def evaluate(
    head: Head, test: PeopleTest, trained: Float[Tensor, "trained code"], watch: Watch = lambda done, of: None
) -> dict[str, dict]:
    """Wholeness, openings, variety and novelty of drawn people; `trained` are the codes the head was trained on."""
    seeds = range(test.first, test.first + test.count)
    codes = torch.stack([drawn(head, seed, test.spread) for seed in seeds])
    whole: dict[str, list[Wholeness]] = {name: [] for name in POSES}
    openings = []
    for number, code in enumerate(codes):
        for name, found in inspected(Actor(head, code, test.surface.smoothing), test.surface).items():
            whole[name].append(found)
        openings.append(shutting(Actor(head, code)))
        watch(number + 1, len(codes))
    lips, lids = np.array(openings).T
    return {
        **{name: summary(found, seeds) for name, found in whole.items()},
        "openings": {
            "lips_sealed_share": float((lips <= SHUT_MM).mean()), "lips_worst_mm": float(lips.max()),
            "lids_shut_share": float((lids <= SHUT_MM).mean()), "lids_worst_mm": float(lids.max()),
        },
        "variety": variety(places(head, codes), places(head, trained)),
    }  # fmt: skip


def inspected(actor: Actor, surface: Surface) -> dict[str, Wholeness]:
    """Meshes of one person, by the road that users take."""
    road = ROADS[surface.mesh](actor, surface.resolution)
    codes = actor.head.rig(torch.stack(list(POSES.values())).to(actor.device))
    mouth = actor.landmark("mouth_centre").numpy()
    eyes = [actor.landmark(name).numpy() for name in ("eye_left", "eye_right")]
    return {name: wholeness(mesh, mouth, eyes) for name, mesh in zip(POSES, road(codes), strict=True)}


def wholeness(mesh: Mesh, mouth: Float[np.ndarray, "3"], eyes: Sequence[Float[np.ndarray, "3"]]) -> Wholeness:
    """What is wrong with a mesh."""
    middles = mesh.vertices[mesh.faces].mean(1)
    in_mouth = _boxed(middles, mouth, MOUTH_BOX_MM)
    in_eyes = np.any([_boxed(middles, eye, EYE_BOX_MM) for eye in eyes], 0)
    border = border_vertices(mesh.faces)
    torn = np.abs(NECK_CUT.height(mesh.vertices[border])) * UNIT_MM > RIM_MM
    sampled = np.random.default_rng(0).choice(len(mesh.faces), min(TRIANGLES, len(mesh.faces)), replace=False)
    return Wholeness(
        floating=int(pieces(np.ascontiguousarray(mesh.faces, np.int32), len(mesh.vertices)).max()),
        torn=int(torn.sum()),
        tunnels=topology(mesh.faces[~in_mouth & ~in_eyes]).genus,
        eye_tunnels=topology(mesh.faces[in_eyes]).genus,
        mouth_tunnels=topology(mesh.faces[in_mouth]).genus,
        crossing=float(crossings(mesh, sampled).mean()),
    )


def summary(found: Sequence[Wholeness], seeds: Sequence[int]) -> dict:
    """How many people have what, and who."""
    rows = [asdict(each) for each in found]
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    people = {f"people_{name}": int((values > 0).sum()) for name, values in table.items() if name != "crossing"}
    whole = (table["floating"] == 0) & (table["torn"] == 0) & (table["tunnels"] == 0)
    return {
        "people": len(found),
        "whole": int(whole.sum()),
        **people,
        "mouth_tunnels_median": float(np.median(table["mouth_tunnels"])),
        "crossing_share": float(table["crossing"].mean()),
        "seeds_not_whole": [seed for seed, fine in zip(seeds, whole, strict=True) if not fine],
    }


def variety(people: Float[Tensor, "person place 3"], trained: Float[Tensor, "trained place 3"]) -> dict[str, float]:
    """Mean distances between people and between those trained on, and from people to the nearest trained on; mm."""
    among = _apart(people, people)[~torch.eye(len(people), dtype=torch.bool)]
    among_trained = _apart(trained, trained).fill_diagonal_(torch.inf)
    nearest = _apart(people, trained).min(1).values
    mean_trained = among_trained[~torch.eye(len(trained), dtype=torch.bool)].mean()
    return {
        "apart_mm": float(among.mean()),
        "trained_apart_mm": float(mean_trained),
        "diversity": float(among.mean() / mean_trained),
        "to_nearest_trained_mm": float(nearest.median()),
        "to_nearest_trained_least_mm": float(nearest.min()),
        "trained_to_nearest_trained_mm": float(among_trained.min(1).values.median()),
    }


def places(head: Head, codes: Float[Tensor, "person code"], chunk: int = 8) -> Float[Tensor, "person place 3"]:
    """Anchors, landmarks and ray-cast surface points of people in the canonical pose, units, in correspondence."""
    with torch.no_grad():
        return torch.cat([_places(head, part.to(head.rest.device)).cpu() for part in codes.split(chunk)])


def _places(head: Head, codes: Float[Tensor, "person code"]) -> Float[Tensor, "person place 3"]:
    anatomy, biases, ways = head.anatomies(codes), head.fold(codes), directions(RAYS).to(codes.device)
    centre = torch.tensor(RAY_CENTRE, device=codes.device)
    far = torch.full((len(codes), len(ways)), RAY_START, device=codes.device)
    for _ in range(RAY_STEPS):  # sphere tracing from outside
        far = far - head.ensemble(anatomy, biases, centre + far[..., None] * ways)
    return torch.cat([anatomy.anchors, anatomy.landmarks, centre + far[..., None] * ways], 1)


def directions(count: int) -> Float[Tensor, "ray 3"]:
    """Unit vectors spread evenly by the golden angle, those towards the neck left out."""
    number = torch.arange(count) + 0.5
    height = 1 - number / count * (1 - LOWEST_RAY)
    angle = number * (np.pi * (3 - 5**0.5))
    across = (1 - height**2).sqrt()
    return torch.stack([across * angle.cos(), height, across * angle.sin()], 1)


def _apart(first: Float[Tensor, "one place 3"], second: Float[Tensor, "other place 3"]) -> Float[Tensor, "one other"]:
    """Mean distance of corresponding places, in mm."""
    return UNIT_MM * torch.stack([(second - each).norm(dim=-1).mean(-1) for each in first])


def _boxed(
    points: Float[np.ndarray, "point 3"], centre: Float[np.ndarray, "3"], box_mm: Box
) -> Bool[np.ndarray, " point"]:
    away = (points - centre) * UNIT_MM
    return ((away > box_mm[0]) & (away < box_mm[1])).all(1)
