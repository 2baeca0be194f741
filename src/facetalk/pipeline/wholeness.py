"""Whether a person's meshes are whole, and people kept whole: nearer to the mean where they would be torn.

Wholeness is read from the meshes that users get, at rest and with an open mouth. Far from the mean the wings of a nose
or an ear become thinner than a grid or the head itself can show; such people are drawn nearer until they are whole.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.head.model import Head
from facetalk.mesh.clip import Plane
from facetalk.mesh.pieces import pieces
from facetalk.mesh.topology import border_vertices, crossings, topology
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.gallery import posed
from facetalk.pipeline.roads import DEFAULT_SURFACE, ROADS, Surface
from facetalk.types import Mesh

logger = logging.getLogger(__name__)

POSES = {"rest": posed({}), "open": posed({"jawOpen": 0.6})}
MOUTH_BOX_MM = (-38.0, -60.0, -95.0), (38.0, 24.0, 12.0)
"""About the middle of the lips: what lies between lips, teeth and throat."""
EYE_BOX_MM = (-20.0, -18.0, -20.0), (20.0, 18.0, 25.0)
"""About an eyeball's centre: lids, their slits and corners."""
RIM_MM = 0.1
"""Border vertices no farther from the plane that cuts the neck are its rim."""
TRIANGLES = 1000
"""Of each mesh, tested for passing through others."""
NEARER, ROUNDS = 0.9, 7
"""What is left of a person's distance from the mean after a round of `kept_whole`, and how many there are."""
Box = tuple[Sequence[float], Sequence[float]]
"""Lower and upper corner, millimetres."""


@dataclass(frozen=True)
class Wholeness:
    """One posed mesh; a whole one is all zeros, the last three but for chance."""

    floating: int
    """Pieces besides the head, save those wholly in the mouth: tongues and rows of teeth may be bodies of their own."""
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

    @property
    def whole(self) -> bool:
        """Nothing floats, is torn, or has a hole."""
        return not (self.floating or self.torn or self.tunnels)


Look = Callable[[Float[Tensor, " identity"]], Mapping[str, Wholeness]]
"""What is wrong with a person in each of `POSES`."""


@dataclass(frozen=True)
class Kept:
    """A person who was looked at."""

    z_id: Float[Tensor, " identity"]
    share: float
    """What is left of the distance from the mean; 1 for people who were whole at once."""
    before: Mapping[str, Wholeness]
    """As drawn, by pose."""
    after: Mapping[str, Wholeness]
    """As kept."""

    @property
    def whole(self) -> bool:
        """Whether it was of use."""
        return all(found.whole for found in self.after.values())


def kept_whole(z_id: Float[Tensor, " identity"], name: str, look: Look) -> Kept:
    """The person, or the first on the straight way to the mean whom `look` finds whole.

    One who is not whole after `ROUNDS` stays as drawn, with a warning that says so.
    """
    before: Mapping[str, Wholeness] = {}
    for number in range(ROUNDS):
        share = NEARER**number
        found = look(share * z_id)
        before = before or found
        kept = Kept(share * z_id, share, before, found)
        if kept.whole:
            if number:
                logger.info("%s was drawn %.0f %% nearer to the mean: not whole before", name, 100 * (1 - share))
            return kept
    logger.warning("%s has holes or loose parts; use another seed, or a smaller --spread", name)
    return Kept(z_id, 1.0, before, before)


def looked_at(head: Head, surface: Surface = DEFAULT_SURFACE) -> Look:
    """What is wrong with somebody's meshes, by the road that users take; three core-seconds a person."""

    def look(z_id: Float[Tensor, " identity"]) -> dict[str, Wholeness]:
        actor = Actor(head, z_id, surface.smoothing)
        meshes = ROADS[surface.mesh](actor, surface.resolution)(
            head.rig(torch.stack([*POSES.values()]).to(actor.device))
        )
        mouth = actor.landmark("mouth_centre").numpy()
        eyes = [actor.landmark(name).numpy() for name in ("eye_left", "eye_right")]
        return {name: wholeness(mesh, mouth, eyes, actor.cut) for name, mesh in zip(POSES, meshes, strict=True)}

    return look


def wholeness(
    mesh: Mesh, mouth: Float[np.ndarray, "3"], eyes: Sequence[Float[np.ndarray, "3"]], cut: Plane
) -> Wholeness:
    """What is wrong with a mesh that ends at a plane."""
    middles = mesh.vertices[mesh.faces].mean(1)
    in_mouth = _boxed(middles, mouth, MOUTH_BOX_MM)
    in_eyes = np.any([_boxed(middles, eye, EYE_BOX_MM) for eye in eyes], 0)
    piece = pieces(np.ascontiguousarray(mesh.faces, np.int32), len(mesh.vertices))
    border = border_vertices(mesh.faces)
    torn = np.abs(cut.height(mesh.vertices[border])) * UNIT_MM > RIM_MM
    sampled = np.random.default_rng(0).choice(len(mesh.faces), min(TRIANGLES, len(mesh.faces)), replace=False)
    return Wholeness(
        floating=max(len(np.unique(piece[~_boxed(mesh.vertices, mouth, MOUTH_BOX_MM)])) - 1, 0),
        torn=int(torn.sum()),
        tunnels=topology(mesh.faces[~in_mouth & ~in_eyes]).genus,
        eye_tunnels=topology(mesh.faces[in_eyes]).genus,
        mouth_tunnels=topology(mesh.faces[in_mouth]).genus,
        crossing=float(crossings(mesh, sampled).mean()),
    )


def _boxed(
    points: Float[np.ndarray, "point 3"], centre: Float[np.ndarray, "3"], box_mm: Box
) -> Bool[np.ndarray, " point"]:
    away = (points - centre) * UNIT_MM
    return ((away > box_mm[0]) & (away < box_mm[1])).all(1)
