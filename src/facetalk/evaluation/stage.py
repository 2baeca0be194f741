"""One identity on which motion is measured: how far lips are apart, where vertices go, whether they bite.

Apertures are those of the field itself; only where it is far from the surface, values baked once stand in for it.
Vertices are those of the tracked road on a coarse grid.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.evaluation.motion import Movement
from facetalk.geometry import UNIT_MM
from facetalk.head.kinds import rig_of
from facetalk.mesh.aperture import SDF, mouth_probe
from facetalk.mesh.baked import bake
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.tracking import Tracking
from facetalk.types import Region

TRACKED, BAKED = 24, 48
"""Resolutions of the tracked surface and of the baked field."""
NEAR = 0.5 / UNIT_MM
"""Nearer to the surface than this the field itself is asked."""
MOST_LIPS, MOST_UPPER, MOST_FACE = 240, 200, 240
"""Vertices of the lips, of the upper face and of the rest of the face that are kept, evenly drawn."""
FIXED_MM, SWUNG_MM = 1.5, 6.0
"""With the jaw half open, upper teeth move less than the first, the lower lip more than the second."""
HARDLY, STRAYED_MM = 0.03, 1.0
"""Lip vertices that such weights move further tear off where lips seal, and are left out."""
FRONT_MM = 10.0
"""How far from the midline a bite is looked for."""
CORNERS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5))
"""Points of each triangle between which a bite is measured."""


@dataclass(frozen=True)
class Seen(Movement):
    """Movement of one clip with what a surface shows of it; NaN where the surface cannot be followed."""

    vertices: Float[np.ndarray, "frame vertex 3"]
    """mm, against rest: lips, then upper face, then the rest of the face (`Places`)."""
    bite: Float[np.ndarray, " frame"]
    """mm between the lower lip and the upper teeth."""


@dataclass(frozen=True)
class Places:
    """Which of the vertices of `Seen` are what."""

    lips: slice
    upper: slice

    @classmethod
    def of(cls, lips: int, upper: int) -> "Places":
        """From numbers of vertices."""
        return cls(slice(0, lips), slice(lips, lips + upper))


class Stage:
    """Measures codes on one identity."""

    @torch.inference_mode()
    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.tracking = Tracking(actor, TRACKED)
        self.baked = bake(actor.canonical, actor.grid(BAKED))
        self.probe = mouth_probe({name: point.cpu().numpy() for name, point in actor.state.landmarks.items()})
        poses = torch.zeros(4, len(ARKIT_NAMES))
        poses[1, ARKIT_INDEX["jawOpen"]] = 0.5
        poses[2, [ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["mouthSmileRight"]]] = HARDLY
        poses[3, [ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]]] = HARDLY
        self.rest, opened, *hardly = self._tracked(rig_of(actor.head)(poses.to(actor.device)).cpu())
        strayed = torch.stack([(pose - self.rest).norm(dim=1) for pose in hardly]).amax(0).numpy()
        lips, upper, rest_of_face = self._parts(strayed > STRAYED_MM)
        self.chosen = torch.from_numpy(np.concatenate([lips, upper, rest_of_face]))
        self.places = Places.of(len(lips), len(upper))
        self.biting = self._biting((opened - self.rest).norm(dim=1).numpy())

    @torch.inference_mode()
    def measure(self, clip: Clip, frames: int, *, lips: bool = True) -> Seen:
        """The first frames of a clip; the last one is held where it is shorter.

        Args:
            clip: motion of this head.
            frames: how many.
            lips: whether apertures are wanted: they cost most of the time, and are NaN otherwise.
        """
        kept = np.minimum(np.arange(frames), len(clip) - 1)
        codes, curves = clip.codes.values[kept], clip.arkit().weights[kept].astype(np.float64)
        apertures = np.full(frames, np.nan)
        if clip.head.hash != self.actor.head.hash:
            return Seen(apertures, curves, np.full((frames, len(self.chosen), 3), np.nan, np.float32), apertures)
        if lips:
            apertures = np.array([self.probe.apertures(self.sdf(code)).mean() for code in codes])
        places = self._tracked(codes)
        moved = (places - self.rest)[:, self.chosen].numpy()
        return Seen(apertures.astype(np.float64), curves, moved, self._bite(places))

    def sdf(self, code: Float[Tensor, " code"]) -> SDF:
        """The posed distance: exact within half a millimetre of the surface."""
        deform = self.actor.deformation(code, self.tracking.at_rest)

        def distance(points: Float[Tensor, "point 3"]) -> Float[Tensor, " point"]:
            moved = deform(points)
            canonical = points.to(self.actor.device) + moved.offsets
            values = torch.from_numpy(self.baked.distance(canonical.cpu().numpy())).to(canonical.device)
            near = (values + moved.level).abs() < NEAR
            if near.any():
                values[near] = self.actor.canonical(canonical[near])
            return values + moved.level

        return distance

    def _bite(self, places: Float[Tensor, "frame vertex 3"]) -> Float[np.ndarray, " frame"]:
        if not all(len(part) for part in self.biting):
            return np.full(len(places), np.nan)  # a head on which nothing is known to be a lip or a tooth
        apart = [torch.cdist(*(_spots(pose, part) for part in self.biting)).min() for pose in places]
        return torch.stack(apart).double().numpy()

    def _tracked(self, codes: Float[Tensor, "frame code"]) -> Float[Tensor, "frame vertex 3"]:
        coefficients = torch.stack([pose.coefficients for pose in self.tracking.poses(codes)])
        return UNIT_MM * self.tracking.track.vertices(coefficients).cpu()

    def _parts(
        self, strayed: Bool[np.ndarray, " vertex"]
    ) -> tuple[Int[np.ndarray, " lip"], Int[np.ndarray, " upper"], Int[np.ndarray, " face"]]:
        """Lips, upper face (above the tip of the nose), and the rest of the face (before the ears, above the chin)."""
        regions = self._regions()
        x, y, z = self.rest.numpy().T
        mark = {name: UNIT_MM * self.actor.landmark(name).numpy() for name in ("ear_left", "chin", "nose_tip", "crown")}
        skin = (regions == Region.SKIN) | (regions == Region.HAIR)
        face = skin & (z > mark["ear_left"][2] + 25) & (y > mark["chin"][1]) & (y < mark["crown"][1] - 60)
        face &= np.abs(x) < abs(mark["ear_left"][0])
        upper = face & (y > mark["nose_tip"][1])
        return (
            _thinned(np.flatnonzero((regions == Region.LIPS) & ~strayed), MOST_LIPS),
            _thinned(np.flatnonzero(upper), MOST_UPPER),
            _thinned(np.flatnonzero(face & ~upper), MOST_FACE),
        )

    def _biting(self, moved: Float[np.ndarray, " vertex"]) -> tuple[Tensor, Tensor]:
        """Triangles of the lower lip and of the upper teeth, near the midline."""
        regions = self._regions()
        middle = UNIT_MM * float(self.actor.landmark("mouth_centre")[0])
        front = np.abs(self.rest[:, 0].numpy() - middle) < FRONT_MM
        lip = front & (regions == Region.LIPS) & (moved > SWUNG_MM)
        teeth = front & (regions == Region.TEETH) & (moved < FIXED_MM)
        return self._faces(lip), self._faces(teeth)

    def _faces(self, wanted: Bool[np.ndarray, " vertex"]) -> Int[Tensor, "face 3"]:
        faces = self.tracking.canonical.faces
        return torch.from_numpy(faces[wanted[faces].all(axis=1)].astype(np.int64))

    def _regions(self) -> Int[np.ndarray, " vertex"]:
        regions = self.tracking.canonical.regions
        assert regions is not None
        return regions.argmax(axis=1)


def _spots(pose: Float[Tensor, "vertex 3"], faces: Int[Tensor, "face 3"]) -> Float[Tensor, "spot 3"]:
    """Points spread over triangles."""
    return torch.einsum("sc,fcx->fsx", torch.tensor(CORNERS), pose[faces]).reshape(-1, 3)


def _thinned(numbers: Int[np.ndarray, " vertex"], most: int) -> Int[np.ndarray, " kept"]:
    return numbers[np.unique(np.linspace(0, len(numbers) - 1, min(most, len(numbers))).round().astype(int))]
