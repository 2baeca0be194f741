"""A sequence of landmarks → one feature vector a frame, in place of speech features; no weights but the map's.

A vector holds the likeliest ARKit weights, how far the lips and lids stand apart (also against how they stand in the
sequence when they meet), how much of each part of the face was seen, and where the head is turned. All of it is free
of place, size and, as far as landmarks tell, of who it is. What time tells is left to the denoiser, which hears the
frames about each one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import floor

import numpy as np
import torch
from einops import einsum
from jaxtyping import Bool, Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.landmarks.face_map import FaceMap
from facetalk.landmarks.fit import FEWEST, Fitting, Posed, Seen, begin
from facetalk.landmarks.person import find_person, spread
from facetalk.landmarks.points import GROUPS, LID_PAIRS, LIP_PAIRS, Landmarks
from facetalk.types import FRAME_RATE, SpeechFeatures

STEPS = 3
"""Steps of the fit of every frame once the person is known."""
BRIDGE_S = 0.5
"""Frames lost for no longer than this count as seen, in a straight line between those about them: nothing a face
without sound can be asked for comes nearer, and what was seen beside the gap is followed better."""
BATCH = 256
"""Frames fitted at a time."""
MET = 0.03
"""Lips and lids meet in this share of the frames of a sequence, or nearly."""
PAIRS = (*LIP_PAIRS, *LID_PAIRS)
FEATURES = 52 + 2 * len(PAIRS) + len(GROUPS) + 2
"""Numbers of a feature vector."""


@dataclass(frozen=True)
class LandmarkEncoder:
    """The fit of a map to sequences."""

    face: FaceMap

    @cached_property
    def fitting(self) -> Fitting:
        """The map, ready to fit."""
        return Fitting.of(self.face)

    @cached_property
    def hash(self) -> str:
        """What a motion model that was trained on these features is bound to."""
        return self.face.hash

    @torch.inference_mode()
    def __call__(self, landmarks: Landmarks) -> SpeechFeatures:
        """Features at `FRAME_RATE` for as long as the sequence lasts.

        Raises:
            InputError: no frame shows a face.
        """
        features = torch.from_numpy(resampled(self.native(landmarks).numpy(), landmarks.rate, FRAME_RATE))
        return SpeechFeatures(features, FRAME_RATE, self.hash)

    def native(self, landmarks: Landmarks) -> Float[Tensor, "frame feature"]:
        """Features at the sequence's own rate."""
        seen = prepare(landmarks)
        shown = seen.seen.sum(1) >= FEWEST
        if not shown.any():
            raise InputError(f"no frame of {len(landmarks)} shows {FEWEST} landmarks; track the face again")
        faces = self.upright(seen.rows(shown))
        posed, neutral = self.fit(faces)
        features = torch.zeros(len(landmarks), FEATURES)
        features[shown] = torch.cat(
            [posed.weights, *self.openings(faces, posed, neutral), known(faces.seen), posed.rotation[:, :2, 2]], 1
        )
        return bridged(features, shown, landmarks.rate)

    def upright(self, seen: Seen) -> Seen:
        """The sequence as our axes run: of both ways of counting the last axis, the one a face fits.

        Pictures count rows downward, and some trackers count depth away from the camera.
        """
        few = seen.rows(spread(len(seen.places)))
        flipped = [mirrored(few, sign) for sign in (1.0, -1.0)]
        misfit = []
        for candidate in flipped:
            posed = begin(candidate, self.face.neutral, self.face.mean)
            for _ in range(2):
                posed = self.fitting.refine(candidate, posed, self.face.neutral)
            off = self.fitting.residual(candidate, posed, self.face.neutral)
            misfit.append(float(off.square().sum(-1).mean(1).median()))
        return mirrored(seen, -1.0 if misfit[1] < misfit[0] else 1.0)

    def fit(self, faces: Seen) -> tuple[Posed, Float[Tensor, "70 3"]]:
        """Pose and weights of every frame, and the neutral landmarks of the person."""
        few = faces.rows(spread(len(faces.places)))
        neutral = find_person(self.fitting, few, begin(few, self.face.neutral, self.face.mean))
        return joined(list(self._fitted(faces, neutral))), neutral

    def _fitted(self, faces: Seen, neutral: Float[Tensor, "70 3"]) -> Iterator[Posed]:
        for first in range(0, len(faces.places), BATCH):
            batch = Seen(faces.places[first : first + BATCH], faces.seen[first : first + BATCH])
            posed = begin(batch, neutral, self.face.mean)
            for _ in range(STEPS):
                posed = self.fitting.refine(batch, posed, neutral)
            yield posed

    def openings(
        self, faces: Seen, posed: Posed, neutral: Float[Tensor, "70 3"]
    ) -> tuple[Float[Tensor, "frame pair"], Float[Tensor, "frame pair"]]:
        """Heights between lips and lids in cm: as seen, and less what they are where they meet."""
        expected = posed.project(self.face.places(neutral, posed.weights))
        places = torch.where(faces.seen[..., None] > 0, faces.places, expected)
        upper, lower = (places[:, [pair[end] for pair in PAIRS]] for end in (0, 1))
        up = posed.camera[:, :, 1]
        length = up.square().sum(1).clamp(min=0.05)
        heights = einsum(upper - lower, up, "frame pair way, frame way -> frame pair") / length[:, None]
        heights = heights / posed.scale[:, None] * UNIT_MM / 10
        return heights, heights - heights.quantile(MET, dim=0)


def known(seen: Float[Tensor, "frame 70"]) -> Float[Tensor, "frame group"]:
    """Share of each of `GROUPS` among the points that were seen."""
    return torch.stack([seen[:, list(points)].mean(1) for points in GROUPS.values()], 1)


def seen_parts(landmarks: Landmarks) -> Float[Tensor, "frame group"]:
    """Share of each of `GROUPS` that was seen, at `FRAME_RATE`; nothing in frames without a pose, however short."""
    seen = torch.from_numpy(np.isfinite(landmarks.places).all(-1)).float()
    seen[seen.sum(1) < FEWEST] = 0
    return torch.from_numpy(resampled(known(seen).numpy(), landmarks.rate, FRAME_RATE))


def shown(features: Float[Tensor, "frame feature"]) -> Float[Tensor, "frame group"]:
    """Share of each of `GROUPS` that counts as seen, read from features."""
    return features[:, -2 - len(GROUPS) : -2]


def bridged(
    features: Float[Tensor, "frame feature"], there: Bool[Tensor, " frame"], rate: Fraction
) -> Float[Tensor, "frame feature"]:
    """Lost frames in a straight line between those about them; long gaps still say that nothing was seen."""
    if bool(there.all()):
        return features
    known, lost = (np.flatnonzero(which.numpy()) for which in (there, ~there))
    filled = features.clone()
    lines = [np.interp(lost, known, column) for column in features[there].T.numpy()]
    filled[~there] = torch.from_numpy(np.stack(lines, 1)).float()
    runs = np.split(lost, np.flatnonzero(np.diff(lost) > 1) + 1)
    for run in runs:
        if len(run) > BRIDGE_S * rate:
            filled[run, -2 - len(GROUPS) : -2] = 0
    return filled


def prepare(landmarks: Landmarks) -> Seen:
    """Centred and scaled to about the size of a face, unseen points apart."""
    places = torch.from_numpy(np.asarray(landmarks.places, np.float64))
    finite: Bool[Tensor, "frame 70"] = torch.isfinite(places).all(-1)
    known = places[finite]
    centre = known.median(0).values if len(known) else torch.zeros(places.shape[-1], dtype=torch.float64)
    filled = torch.where(finite[..., None], places - centre, 0.0)
    size = filled[finite].square().mean().sqrt() if len(known) else torch.tensor(1.0)
    return Seen((filled / size.clamp(min=1e-12) / 5).float(), finite.float())


def mirrored(seen: Seen, sign: float) -> Seen:
    """The last axis counted the other way where `sign` is −1."""
    signs = torch.ones(seen.axes)
    signs[-1] = sign
    return replace(seen, places=seen.places * signs)


def joined(parts: list[Posed]) -> Posed:
    """Several runs of frames as one."""
    columns = zip(*((part.rotation, part.scale, part.shift, part.weights) for part in parts), strict=True)
    return Posed(*(torch.cat(column) for column in columns))


def resampled(
    values: Float[np.ndarray, "frame channel"], rate: Fraction, wanted: Fraction
) -> Float[np.ndarray, "wanted channel"]:
    """Values known at the midpoints of frames, at the midpoints of frames of another rate; exact where rates agree."""
    if rate == wanted:
        return values
    frames = max(1, floor(Fraction(len(values)) / rate * wanted + Fraction(1, 2)))
    known, asked = ((np.arange(count) + 0.5) / float(each) for count, each in ((len(values), rate), (frames, wanted)))
    columns = [np.interp(asked, known, column) for column in values.T]
    return np.stack(columns, 1).astype(values.dtype)
