"""Single pictures: people side by side, and one face in several poses."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.head.model import Head
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.identity import Identity
from facetalk.pipeline.presenter import View
from facetalk.pipeline.roads import DEFAULT_SURFACE, ROADS, Surface
from facetalk.render.camera import portrait
from facetalk.render.look import Studio, parse_colour
from facetalk.render.picture import Photographer
from facetalk.render.sheet import contact_sheet
from facetalk.types import Frame

POSES: dict[str, Mapping[str, float]] = {
    "rest": {},
    "a": {"jawOpen": 0.55, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15},
    "o": {"jawOpen": 0.3, "mouthFunnel": 0.55, "mouthPucker": 0.35},
    "m": {"jawOpen": 0.06, "mouthClose": 0.05, "mouthRollLower": 0.25, "mouthRollUpper": 0.2, "mouthPress": 0.3},
    "f": {"jawOpen": 0.08, "mouthRollLower": 0.5, "mouthUpperUp": 0.3},
    "smile": {"mouthSmile": 0.8, "cheekSquint": 0.5, "jawOpen": 0.08},
    "blink": {"eyeBlink": 1.0},
    "looking left": {"eyeLookOutLeft": 0.7, "eyeLookInRight": 0.7},
}
"""ARKit weights of poses worth looking at; a name without its side means both sides."""
COLUMNS = 4


def portraits(head: Head, people: Sequence[Identity], view: View, surface: Surface = DEFAULT_SURFACE) -> Frame:
    """Everybody at rest on one sheet, labelled."""
    rest = torch.zeros(1, len(ARKIT_NAMES))
    frames = [shot(head, person, rest, view, surface)[0] for person in people]
    return contact_sheet(frames, [person.name for person in people], min(COLUMNS - 1, len(people)))


def poses(head: Head, person: Identity, view: View, surface: Surface = DEFAULT_SURFACE) -> Frame:
    """One person in all `POSES` on one sheet, labelled."""
    weights = torch.stack([posed(pose) for pose in POSES.values()])
    return contact_sheet(shot(head, person, weights, view, surface), list(POSES), COLUMNS)


def posed(pose: Mapping[str, float]) -> Float[Tensor, "52"]:
    """ARKit weights of a pose, a name without its side meaning both sides."""
    weights = torch.zeros(len(ARKIT_NAMES))
    for name, value in pose.items():
        for column in (name, f"{name}Left", f"{name}Right"):
            if column in ARKIT_INDEX:
                weights[ARKIT_INDEX[column]] = value
    return weights


def shot(
    head: Head, person: Identity, weights: Float[Tensor, "pose 52"], view: View, surface: Surface = DEFAULT_SURFACE
) -> list[Frame]:
    """Pictures of one person by ARKit weights."""
    view.check()
    surface.check()
    actor = Actor(head, person.z_id, surface.smoothing)
    camera = portrait(view.camera, actor.portrait_box(), view.size, view.size)
    studio = Studio(background=parse_colour(view.background))
    photographer = Photographer(person.look, studio, view.size, view.size, actor.places)
    road = ROADS[surface.mesh](actor, surface.resolution)
    codes = head.rig(weights.to(actor.device))
    return [photographer(mesh, camera) for code in codes for mesh in road(code[None])]
