"""Who is seen: the neutral landmarks of a sequence, found together with its poses and weights.

Given poses, places are linear in the neutral landmarks, and what pose and expression could still explain is taken out
of every frame (generalised least squares). The prior is the identities of the map, and a little freedom for each point:
trackers disagree about where exactly a brow or a jaw runs.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.landmarks.fit import NOISE, Fitting, Posed, Seen

LOOKED_AT = 40
"""Frames that are looked at, evenly spaced over those with a pose."""
ALIKE = 4.0
"""Frames of one sequence resemble each other: so many count as one."""
FREEDOM = 2.0 / UNIT_MM
"""How far a point may lie from where the identities put it, in units."""
ROUNDS, STEPS = 2, 2
"""How often the person is found, and steps of the poses before each time."""


def find_person(fitting: Fitting, seen: Seen, posed: Posed) -> Float[Tensor, "70 3"]:
    """Neutral landmarks of whoever is seen; the map's where nobody is."""
    neutral = fitting.face.neutral
    for _ in range(ROUNDS):
        for _ in range(STEPS):
            posed = fitting.refine(seen, posed, neutral)
        neutral = neutral_places(fitting, seen, posed, neutral)
    return neutral


def spread(count: int) -> Tensor:
    """Numbers of the frames to look at."""
    return torch.linspace(0, count - 1, min(count, LOOKED_AT)).round().long()


def neutral_places(fitting: Fitting, seen: Seen, posed: Posed, neutral: Float[Tensor, "70 3"]) -> Float[Tensor, "70 3"]:
    """The likeliest neutral landmarks, given about where each frame's pose and weights are."""
    off = fitting.residual(seen, posed, neutral)
    trust = fitting.trust(seen, off)
    lever, weighed, matrix = fitting.normal(posed, trust, neutral)
    sure = (trust / NOISE**2).repeat_interleave(seen.axes, 1)
    # S⁻¹ = W − W J (P + JᵀWJ)⁻¹ JᵀW: the covariance of a frame with its pose and expression taken out (Woodbury).
    taken = weighed @ torch.linalg.solve(matrix, weighed.transpose(1, 2))
    inverse = torch.diag_embed(sure) - taken
    camera = posed.camera
    # Places are compared with those of the weights' mean, which the prior of `matrix` is about.
    strayed = fitting.face.mean - posed.weights
    pose = lever.shape[-1] - strayed.shape[-1]
    off = rearrange(off, "f p a -> f (p a)") - torch.einsum("fxw,fw->fx", lever[..., pose:], strayed)
    blocks = rearrange(inverse, "f (p a) (q b) -> f p a q b", a=seen.axes, b=seen.axes)
    left = torch.einsum("fpaqb,fac->fpcqb", blocks, camera)
    gathered = torch.einsum("fpcqb,fbd->pcqd", left, camera)
    pull = torch.einsum("fpcqb,fqb->pc", left, rearrange(off, "f (p a) -> f p a", a=seen.axes))
    size = neutral.numel()
    modes = fitting.face.identities.flatten(1)
    prior = torch.linalg.inv((modes.T @ modes + FREEDOM**2 * torch.eye(size)).double()).float()
    system = gathered.reshape(size, size) / ALIKE + prior
    back = prior @ (fitting.face.neutral - neutral).flatten()
    return neutral + torch.linalg.solve(system, pull.flatten() / ALIKE + back).reshape(neutral.shape)
