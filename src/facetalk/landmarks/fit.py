"""Landmarks of a frame → pose and ARKit weights: the likeliest ones, given the map and what weights are usual.

places = scale · camera · rotation · (neutral + weights · expressions) + shift, where the camera keeps all three axes or
the first two (weak perspective). Gauss-Newton on pose and weights together; points that do not fit count less, points
that were not seen count nothing, so nothing has to be filled in.
"""

from dataclasses import dataclass, replace

import torch
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.landmarks.face_map import FaceMap

NOISE = 0.8 / UNIT_MM
"""Spread of a tracked point about the model, in units on the face."""
STRAY = 4.0 / UNIT_MM
"""A point this far off counts a quarter (Geman and McClure)."""
FEWEST = 8
"""Points a frame needs, or it has no pose."""
TURNS = 3
"""Rotations have three directions."""


@dataclass(frozen=True)
class Seen:
    """What is known of a run of frames."""

    places: Float[Tensor, "frame 70 axis"]
    """0 where unseen."""
    seen: Float[Tensor, "frame 70"]
    """1 where seen, else 0."""

    @property
    def axes(self) -> int:
        """2 or 3."""
        return self.places.shape[-1]

    def rows(self, chosen: Tensor) -> "Seen":
        """Some of the frames."""
        return Seen(self.places[chosen], self.seen[chosen])


@dataclass(frozen=True)
class Posed:
    """A face as a camera sees it, frame by frame."""

    rotation: Float[Tensor, "frame 3 3"]
    scale: Float[Tensor, " frame"]
    shift: Float[Tensor, "frame axis"]
    weights: Float[Tensor, "frame 52"]

    @property
    def camera(self) -> Float[Tensor, "frame axis 3"]:
        """Rotation followed by the camera."""
        return self.rotation[:, : self.shift.shape[1]]

    def project(self, shape: Float[Tensor, "frame 70 3"]) -> Float[Tensor, "frame 70 axis"]:
        """Where the places of a face are seen."""
        turned = einsum(self.camera, shape, "frame way c, frame point c -> frame point way")
        return self.scale[:, None, None] * turned + self.shift[:, None]


def begin(seen: Seen, neutral: Float[Tensor, "70 3"], mean: Float[Tensor, " 52"]) -> Posed:
    """Poses from an affine fit of the neutral face, made rigid."""
    weight = seen.seen / seen.seen.sum(1, keepdim=True).clamp(min=1)
    centre = weight @ neutral
    shift = einsum(weight, seen.places, "frame point, frame point way -> frame way")
    arm = neutral - centre[:, None]
    moment = einsum(weight, arm, arm, "frame point, frame point a, frame point b -> frame a b")
    offsets = seen.places - shift[:, None]
    cross = einsum(weight, offsets, arm, "frame point, frame point way, frame point c -> frame way c")
    # The little that a flat set of points tells of the third direction is left to the iterations that follow.
    damped = moment + 1e-3 * torch.eye(3) * torch.einsum("faa->f", moment)[:, None, None]
    affine = torch.linalg.solve(damped, cross.transpose(1, 2)).transpose(1, 2)
    if seen.axes == 2:
        first, second = affine[:, 0], affine[:, 1]
        third = torch.linalg.cross(first, second)
        third = third / third.norm(dim=1, keepdim=True).clamp(min=1e-12) * first.norm(dim=1, keepdim=True)
        affine = torch.stack([first, second, third], 1)
    left, sizes, right = torch.linalg.svd(affine)
    upright = torch.ones_like(sizes)
    upright[:, 2] = torch.linalg.det(left @ right).sign()
    rotation = left @ (upright[..., None] * right)
    scale = sizes[:, :2].mean(1).clamp(min=1e-9)
    posed = Posed(rotation, scale, shift, mean.expand(len(shift), -1))
    moved = einsum(posed.camera, centre, "frame way c, frame c -> frame way")
    return replace(posed, shift=shift - scale[:, None] * moved)


def jacobian(
    posed: Posed, shape: Float[Tensor, "frame 70 3"], expressions: Float[Tensor, "52 70 3"]
) -> Float[Tensor, "frame place unknown"]:
    """How the places seen, divided by the scale, follow turn, log scale, shift / scale and weights."""
    axes, frames = posed.shift.shape[1], len(shape)
    turned = einsum(posed.rotation, shape, "frame a c, frame point c -> frame point a")
    x, y, z = turned.unbind(-1)
    zero = torch.zeros_like(x)
    turns = torch.stack([torch.stack(row, -1) for row in ((zero, z, -y), (-z, zero, x), (y, -x, zero))], -2)
    shifts = torch.eye(axes).expand(frames, shape.shape[1], axes, axes)
    moves = einsum(posed.camera, expressions, "frame way c, weight point c -> frame point way weight")
    parts = [turns[..., :axes, :], turned[..., :axes, None], shifts, moves]
    return rearrange(torch.cat(parts, -1), "frame point way unknown -> frame (point way) unknown")


@dataclass(frozen=True)
class Fitting:
    """A map, with the inverse of what is likely."""

    face: FaceMap
    precision: Float[Tensor, "52 52"]

    @classmethod
    def of(cls, face: FaceMap) -> "Fitting":
        """Ready to fit."""
        return cls(face, torch.linalg.inv(face.covariance.double()).float())

    def residual(self, seen: Seen, posed: Posed, neutral: Float[Tensor, "70 3"]) -> Float[Tensor, "frame 70 axis"]:
        """What is seen less what is expected, in units on the face; 0 where nothing is seen."""
        off = (seen.places - posed.project(self.face.places(neutral, posed.weights))) / posed.scale[:, None, None]
        return off * seen.seen[..., None]

    def trust(self, seen: Seen, off: Float[Tensor, "frame 70 axis"]) -> Float[Tensor, "frame 70"]:
        """How much each point counts: 1 where it fits, 0 where it was not seen."""
        return seen.seen / (1 + off.square().sum(-1) / STRAY**2).square()

    def normal(
        self, posed: Posed, trust: Float[Tensor, "frame 70"], neutral: Float[Tensor, "70 3"]
    ) -> tuple[Float[Tensor, "frame place unknown"], Float[Tensor, "frame place unknown"], Tensor]:
        """Jacobian, the same weighed by trust over noise, and the matrix of the normal equations with the prior."""
        shape = self.face.places(neutral, posed.weights)
        lever = jacobian(posed, shape, self.face.expressions)
        axes = posed.shift.shape[1]
        weighed = lever * (trust / NOISE**2).repeat_interleave(axes, 1)[..., None]
        matrix = lever.transpose(1, 2) @ weighed
        pose = matrix.shape[-1] - len(self.precision)
        # Loose enough to leave the pose free, tight enough for frames in which nothing is seen.
        loose = torch.tensor([1.0] * (TURNS + 1) + [1.0] * axes)
        matrix[:, range(pose), range(pose)] += loose
        matrix[:, pose:, pose:] += self.precision
        return lever, weighed, matrix

    def refine(self, seen: Seen, posed: Posed, neutral: Float[Tensor, "70 3"]) -> Posed:
        """One step of Gauss and Newton."""
        off = self.residual(seen, posed, neutral)
        _, weighed, matrix = self.normal(posed, self.trust(seen, off), neutral)
        force = einsum(weighed, rearrange(off, "f p a -> f (p a)"), "f place unknown, f place -> f unknown")
        axes = seen.axes
        pose = TURNS + 1 + axes
        strayed = (posed.weights - self.face.mean) @ self.precision
        force = torch.cat([force[:, :pose], force[:, pose:] - strayed], 1)
        step = torch.cholesky_solve(force[..., None], torch.linalg.cholesky(matrix))[..., 0]
        turn = torch.linalg.matrix_exp(crossing(step[:, :TURNS].clamp(-0.5, 0.5)))
        scale = posed.scale * step[:, TURNS].clamp(-0.5, 0.5).exp()
        shift = posed.shift + posed.scale[:, None] * step[:, TURNS + 1 : pose]
        return Posed(turn @ posed.rotation, scale, shift, posed.weights + step[:, pose:])


def crossing(turn: Float[Tensor, "frame 3"]) -> Float[Tensor, "frame 3 3"]:
    """The matrix of the cross product with each vector."""
    x, y, z = turn.unbind(-1)
    zero = torch.zeros_like(x)
    rows = ((zero, -z, y), (z, zero, -x), (-y, x, zero))
    return torch.stack([torch.stack(row, -1) for row in rows], -2)
