"""Single pictures: people side by side, and one face in several poses."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.head.kinds import AnyHead, rig_of
from facetalk.head.model import Head
from facetalk.head.paper import PaperHead
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.identity import Identity
from facetalk.pipeline.presenter import View, Watch, unwatched
from facetalk.pipeline.roads import DEFAULT_SURFACE, Surface, road_of
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
SHEET_COLUMNS = 6
"""Pictures in a row of a sheet with several angles."""


def portraits(head: AnyHead, people: Sequence[Identity], view: View, surface: Surface = DEFAULT_SURFACE) -> Frame:
    """Everybody at rest on one sheet, labelled."""
    frames = [pictures(head, person, head.rest[None], view, surface)[0] for person in people]
    return contact_sheet(frames, [person.name for person in people], min(COLUMNS - 1, len(people)))


def poses(head: AnyHead, person: Identity, view: View, surface: Surface = DEFAULT_SURFACE) -> Frame:
    """One person in several poses on one sheet, labelled: all `POSES`, or the codes that came with an imported head."""
    codes = pose_codes(head)
    return contact_sheet(pictures(head, person, torch.stack([*codes.values()]), view, surface), list(codes), COLUMNS)


def pose_codes(head: AnyHead) -> dict[str, Float[Tensor, " code"]]:
    """Codes worth looking at by name."""
    if isinstance(head, PaperHead):
        came = {f"expression {number}": code for number, code in enumerate(head.expressions[: len(POSES) - 1])}
        return {"zero": head.rest, **came}
    weights = torch.stack([posed(pose) for pose in POSES.values()])
    return dict(zip(POSES, head.rig(weights.to(head.rest.device)), strict=True))


def angles(
    head: Head, people: Sequence[Identity], cameras: Sequence[str], view: View, surface: Surface = DEFAULT_SURFACE,
    watch: Watch = unwatched,
) -> Frame:  # fmt: skip
    """Everybody at rest from each camera on one sheet, labelled; two people a row where there are three cameras."""
    rest, frames = torch.zeros(1, len(ARKIT_NAMES)), []
    for number, person in enumerate(people):
        frames += shot(head, person, rest, view, surface, cameras)
        watch(number + 1, len(people))
    columns = len(cameras) * max(1, min(SHEET_COLUMNS // len(cameras), len(people)))
    return contact_sheet(frames, [person.name for person in people for _ in cameras], columns)


def posed(pose: Mapping[str, float]) -> Float[Tensor, "52"]:
    """ARKit weights of a pose, a name without its side meaning both sides."""
    weights = torch.zeros(len(ARKIT_NAMES))
    for name, value in pose.items():
        for column in (name, f"{name}Left", f"{name}Right"):
            if column in ARKIT_INDEX:
                weights[ARKIT_INDEX[column]] = value
    return weights


def shot(
    head: AnyHead, person: Identity, weights: Float[Tensor, "pose 52"], view: View, surface: Surface = DEFAULT_SURFACE,
    cameras: Sequence[str] = (),
) -> list[Frame]:  # fmt: skip
    """Pictures of one person by ARKit weights, each from every camera, by default from the view's own."""
    rig = rig_of(head)
    return pictures(head, person, rig(weights.to(head.rest.device)), view, surface, cameras)


def pictures(
    head: AnyHead, person: Identity, codes: Float[Tensor, "pose code"], view: View, surface: Surface = DEFAULT_SURFACE,
    cameras: Sequence[str] = (),
) -> list[Frame]:  # fmt: skip
    """Pictures of one person by expression codes, each from every camera, by default from the view's own."""
    view.check()
    surface.check()
    actor = Actor(head, person.z_id, surface.smoothing, person.hair)
    box = actor.portrait_box() if not cameras else actor.whole_box()
    stands = [portrait(name, box, view.size, view.size) for name in cameras or (view.camera,)]
    studio = Studio(background=parse_colour(view.background))
    photographer = Photographer(person.look, studio, view.size, view.size, actor.places)
    road = road_of(actor, surface)
    return [photographer(mesh, camera) for code in codes for mesh in road(code[None]) for camera in stands]
