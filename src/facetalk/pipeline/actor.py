"""One identity of a head, ready to be posed: codes to fields, on whatever device the head lives."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.geometry import PAPER_BOX, UNIT_MM, Box
from facetalk.head.hair import BALD, Hair
from facetalk.head.kinds import AnyHead, AnyState
from facetalk.head.model import Deform, Head, IdentityState, Sdf, Smoothing
from facetalk.head.smoothing import Weight, facial_weight, smoothed
from facetalk.mesh.clip import Plane
from facetalk.mesh.grid import Grid, focused_grid, uniform_grid
from facetalk.pipeline.locks import Locks, made
from facetalk.pipeline.teeth import Teeth, found
from facetalk.render.makeup import Places, places

Points = Float[Tensor, "point 3"]

NECK_CUT = Plane((0.0, 1.0, 0.0), -0.436)
"""Above the flat end of the trained neck, whose edge is uneven by some millimetres: a bust ends in a clean rim."""
RIM_STEPS_MM = (0.0, 3.0, 6.0, 9.0, 12.0)
"""How much higher people may be cut whose neck ends higher, as broad ones do on one side."""
RIM_CELL_MM, FULL_SECTION = 8.0, 0.97
"""Spacing of the points that show a section of the neck, and the share of the widest section that is whole."""
MOUTH_REACH_MM = (30.0, 35.0, 25.0)
"""Half widths of the finer grid round the mouth: corners, an open jaw, and the teeth seen past the corners."""
MOUTH_SHIFT_MM = (0.0, -13.0, -9.0)
"""From the middle of the lips to the middle of that grid: an open mouth is lower, by up to 40 mm, its inside behind."""
EYE_REACH = (1.35, 1.1, 0.9)
"""Half widths of the finer grid round an eye, in radii of the eyeball."""
EYE_SHIFT = 0.4
"""How far before the eyeball's centre the middle of that grid lies, in radii."""
FOCUS_RATIO = 6
"""How much finer cells are there."""
ASIDE_RATIO = 6
"""How much finer cells are at ears, which hardly move but are thin: rims of a millimetre and a half."""
EAR_SHIFT_MM, EAR_REACH_MM = (7.0, -8.0, 5.0), (16.0, 32.0, 22.0)
"""From the ear's landmark to the middle of its grid (outwards, up, forwards), and half widths of that."""
NOSE_BOX_MM = ((-24.0, -11.0, -44.0), (24.0, 9.0, 6.0))
"""Corners of the grid round the wings of the nose and the wall between the nostrils, to where they end, from its tip;
the mouth's grid takes it in where an upper lip is short."""
BELOW_EYES_MM = 7.0
"""How far that grid ends below those of the eyes, more than a base cell: they would become one large grid."""
BROW_ANCHORS = (10, 11)
"""The anchors in the middle of the left and right brow."""
TYPICAL = {
    "throat": (0.0, -0.36, 0.03), "crown": (0.0, 0.6, -0.18), "nose_tip": (0.0, 0.04, 0.32),
    "ear_left": (0.31, 0.1, -0.22), "ear_right": (-0.31, 0.1, -0.22),
}  # fmt: skip
"""What cameras need to know of a head without landmarks."""
UNMARKED_RATIO = 2
"""How much finer its cells are everywhere, since nothing says where they should be."""
OCCIPUT_ANCHORS, OCCIPUT_ROOM_MM = (28, 29), 62.0
"""The anchors at the sides of the back of the head, and how far behind them the whole head with some room ends."""
RIM_ROOM_MM, CROWN_ROOM_MM, HAIR_ROOM_MM = 20.0, 14.0, 8.0
"""The picture ends this far above the rim of the neck, and this far above the crown, or above hair."""


@dataclass(frozen=True)
class Actor:
    """An identity code with the head it belongs to."""

    head: AnyHead
    z_id: Float[Tensor, " identity"]
    stilled: bool = True
    """Whether facial smoothing is wanted; a head without landmarks has none."""
    hair: Hair = BALD

    @property
    def device(self) -> torch.device:
        """Where the head's weights are."""
        return self.head.rest.device

    @cached_property
    def state(self) -> AnyState:
        """Constants of the identity."""
        with torch.inference_mode():
            return self.head.identify(self.z_id.to(self.device))

    @cached_property
    def reach(self) -> Weight | None:
        """How far expressions reach; None where nothing stills them."""
        return facial_weight(self.state.landmarks) if self.stilled and isinstance(self.state, IdentityState) else None

    @property
    def smoothing(self) -> Smoothing | None:
        """Stills what should not move in speech."""
        return None if self.reach is None else smoothed(self.reach)

    @property
    def marked(self) -> bool:
        """Whether it is known where things are on this head: mouth, eyes, ears."""
        return bool(self.state.landmarks)

    @cached_property
    def at_rest(self) -> Deform:
        """Deformation of the rest pose."""
        return self.head.deformer(self.state, self.head.rest)

    def landmark(self, name: str) -> Float[Tensor, "3"]:
        """A named point at rest; of a head that does not know it, where it lies on most."""
        if not self.marked:
            return torch.tensor(TYPICAL[name])
        return self.state.landmarks[name].cpu()

    def canonical(self, points: Points) -> Float[Tensor, " point"]:
        """Signed distance in the canonical pose."""
        return self.head.canonical(self.state, points.to(self.device))

    def shares(self, points: Points) -> Float[Tensor, "point region"]:
        """Share of every region at points of the canonical surface."""
        return self.head.regions(self.state, points.to(self.device))

    def sdf(self, code: Float[Tensor, " code"]) -> Sdf:
        """Posed signed distance."""
        posed = self.head.posed(self.state, code.to(self.device), self.smoothing)
        return lambda points: posed(points.to(self.device))

    def deformation(self, code: Float[Tensor, " code"], at_rest: Deform | None = None) -> Deform:
        """Posed points to canonical ones; `at_rest` may stand in for the network's rest pose."""
        deform = self.head.deformer(self.state, code.to(self.device))
        if self.smoothing is not None:
            deform = self.smoothing(at_rest or self.at_rest, deform)
        return lambda points: deform(points.to(self.device))

    def bent(self, code: Float[Tensor, " code"]) -> Deform:
        """The deformation without facial smoothing: what the jaw does, for less."""
        deform = self.head.deformer(self.state, code.to(self.device))
        return lambda points: deform(points.to(self.device))

    def carried(self, code: Float[Tensor, " code"]) -> Callable[[Points], Points]:
        """Where points of the posed surface lie in the canonical pose."""
        deform = self.deformation(code)
        return lambda points: points.to(self.device) + deform(points).offsets

    @cached_property
    def cut(self) -> Plane:
        """Where the bust ends: the lowest plane on which no side of the neck has ended yet."""
        if not self.marked:
            return NECK_CUT
        axes = [np.arange(PAPER_BOX.lower[a], PAPER_BOX.upper[a], RIM_CELL_MM / UNIT_MM) for a in (0, 2)]
        heights = NECK_CUT.offset + np.divide(RIM_STEPS_MM, UNIT_MM)
        points = np.stack(np.meshgrid(heights, *axes, indexing="ij"), -1)[..., [1, 0, 2]].astype(np.float32)
        with torch.inference_mode():
            inside = self.canonical(torch.from_numpy(points.reshape(-1, 3))).cpu().numpy() < 0
        area = inside.reshape(len(heights), -1).sum(1)
        return replace(NECK_CUT, offset=float(heights[np.argmax(area >= FULL_SECTION * area.max())]))

    @cached_property
    def places(self) -> Places | None:
        """Where things are on the face, for what is painted on it; None where nothing is known to paint by."""
        if not self.marked:
            return None
        landmarks = {name: point.cpu().numpy() for name, point in self.state.landmarks.items()}
        brows = self.state.anchors[list(BROW_ANCHORS)].cpu().numpy()
        beard = self.locks.round_lips(landmarks["mouth_centre"]) if self.locks is not None else (0.0, 0.0)
        return places(landmarks, brows, self.state.eye_radius.cpu().numpy(), beard)

    @cached_property
    def locks(self) -> Locks | None:
        """The hair in the canonical pose, None of a bald person."""
        if not (self.hair and isinstance(self.head, Head) and isinstance(self.state, IdentityState)):
            return None
        return made(self.head, self.state, self.hair, self.cut)

    @cached_property
    def teeth(self) -> Teeth | None:
        """Teeth to be worn in place of what the head shows of them, None where it shows none."""
        if not self.marked:
            return None
        with torch.inference_mode():
            return found(self.canonical, self.shares, self.landmark("mouth_centre").numpy())

    def grid(self, resolution: int) -> Grid:
        """Cells along the box, `FOCUS_RATIO` times finer round mouth, nose and eyes.

        Raises:
            InputError: `resolution` is below 2.
        """
        if not self.marked:
            return uniform_grid(PAPER_BOX, UNMARKED_RATIO * resolution)
        mouth = self.landmark("mouth_centre").numpy() + np.divide(MOUTH_SHIFT_MM, UNIT_MM)
        foci = [(mouth, np.divide(MOUTH_REACH_MM, UNIT_MM))]
        for name, radius in zip(("eye_left", "eye_right"), self.state.eye_radius.tolist(), strict=True):
            centre = self.landmark(name).numpy() + np.array([0.0, 0.0, EYE_SHIFT * radius])
            foci.append((centre, np.multiply(EYE_REACH, radius)))
        low, high = self.landmark("nose_tip").numpy() + np.divide(NOSE_BOX_MM, UNIT_MM)
        lids = min(float(centre[1] - reach[1]) for centre, reach in foci[1:])
        high[1] = min(high[1], lids - BELOW_EYES_MM / UNIT_MM)
        foci.append(((low + high) / 2, (high - low) / 2))
        reach = np.divide(EAR_REACH_MM, UNIT_MM)
        asides = [
            (self.landmark(name).numpy() + np.multiply(EAR_SHIFT_MM, (side, 1, 1)) / UNIT_MM, reach)
            for name, side in (("ear_left", 1), ("ear_right", -1))
        ]
        return focused_grid(PAPER_BOX, resolution, foci, FOCUS_RATIO, asides, ASIDE_RATIO)

    @property
    def pivot(self) -> tuple[float, float, float]:
        """The point of the neck about which the head sways."""
        ears = (self.landmark("ear_left") + self.landmark("ear_right")) / 2
        return 0.0, float(self.landmark("throat")[1]), float(ears[2])

    def portrait_box(self) -> Box:
        """What a picture shows: the head with its neck, the same for every frame."""
        ears = self.landmark("ear_left"), self.landmark("ear_right")
        low = self.cut.offset + RIM_ROOM_MM / UNIT_MM
        high = float(self.landmark("crown")[1]) + CROWN_ROOM_MM / UNIT_MM
        if self.locks is not None:
            high = max(high, self.locks.top + HAIR_ROOM_MM / UNIT_MM)
        depth = float(ears[0][2]), float(self.landmark("nose_tip")[2])
        return Box((float(ears[1][0]), low, depth[0]), (float(ears[0][0]), high, depth[1]))

    def whole_box(self) -> Box:
        """What pictures from several sides show: the head with the back of its skull."""
        box = self.portrait_box()
        back = min(self.state.anchors[list(OCCIPUT_ANCHORS), 2].tolist()) - OCCIPUT_ROOM_MM / UNIT_MM
        if self.locks is not None:
            back = min(back, self.locks.back - HAIR_ROOM_MM / UNIT_MM)
        return Box((box.lower[0], box.lower[1], back), box.upper)


def parts(deform: Deform) -> Callable[[Points], tuple[Points, Float[Tensor, " point"]]]:
    """A deformation as offsets and levels."""

    def warp(points: Points) -> tuple[Points, Float[Tensor, " point"]]:
        moved = deform(points)
        return moved.offsets, moved.level

    return warp
