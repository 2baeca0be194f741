"""The people a head can be: how its identity codes are distributed, and how to move through them by measurements.

An identity code is a linear image of the source's weights, each N(0, 1) over people. What the auto-decoder adds of its
own to the code of a trained person is 0.3 % of the variance, without direction, so the codes of all people are the
Gaussian N(0, CODE_SPREAD² SᵀS) with S = `head.source`: its principal components are S's singular vectors, its
spectrum their squared values. Drawing is drawing weights. A code from elsewhere, fitted or mixed, moves by the same
directions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.head.measures import MEASURES, measured
from facetalk.head.model import Head

SURVEYED = 300
"""People that are measured to learn how measurements follow codes."""
SURVEY_SEED = 2026
ROUNDS = 3
"""Corrections until a moved person has the wanted measurements: they follow codes nearly linearly."""
FARTHEST = 3.0
"""Spreads by which a measurement may be moved: beyond, heads leave what the model was trained on."""
WIDEST = 1.5
"""Most that people may be spread, where the source's own spread is 1."""


def drawn(head: Head, seed: int, spread: float) -> Float[Tensor, " identity"]:
    """The code of a person drawn from the prior, `spread` times as far from the mean as the source's people.

    Raises:
        InputError: `spread` is out of range.
    """
    if not 0 <= spread <= WIDEST:
        raise InputError(f"--spread {spread} makes no people; use 0 (everybody the mean) to {WIDEST}, for example 0.85")
    person = torch.from_numpy(person_weights(seed, len(head.source)).astype(np.float32))[None]
    with torch.inference_mode():
        return head.identity(spread * person.to(head.source.device))[0].cpu()


def person_weights(seed: int, size: int) -> Float[np.ndarray, " weight"]:
    """The source's weights of a person of spread 1."""
    return np.random.default_rng(seed).standard_normal(size)


def related(
    person: Float[Tensor, " identity"], stranger: Float[Tensor, " identity"], likeness: float
) -> Float[Tensor, " identity"]:
    """Somebody like `person`: codes correlate by `likeness`, and the family is spread as strangers are.

    Raises:
        InputError: `likeness` is not between 0 (a stranger) and 1 (the person).
    """
    if not 0 <= likeness <= 1:
        raise InputError(f"--amount {likeness} is out of range; use 0 (a stranger) to 1 (the same person)")
    return likeness * person + (1 - likeness**2) ** 0.5 * stranger


def mixed(
    first: Float[Tensor, " identity"], second: Float[Tensor, " identity"], share: float
) -> Float[Tensor, " identity"]:
    """`share` of the way from one person to another, straight: measurements change evenly."""
    return torch.lerp(first, second, share)


@dataclass(frozen=True)
class Survey:
    """How the measurements of a head's people are spread, and how they follow the source's weights."""

    mean: Float[Tensor, " measure"]
    """Millimetres."""
    spread: Float[Tensor, " measure"]
    """Standard deviation over people, millimetres."""
    slope: Float[Tensor, "measure weight"]
    """Millimetres a unit of weight, by linear regression."""
    explained: Float[Tensor, " measure"]
    """Share of the variance that the linear regression explains."""

    @classmethod
    def of(cls, head: Head) -> "Survey":
        """Measure people drawn from the prior."""
        generator = torch.Generator().manual_seed(SURVEY_SEED)
        weights = torch.randn(SURVEYED, len(head.source), generator=generator)
        with torch.no_grad():
            lengths = measured(head, head.identity(weights.to(head.source.device))).cpu()
        mean = lengths.mean(0)
        design = torch.cat([weights, torch.ones(SURVEYED, 1)], 1)
        fitted = torch.linalg.lstsq(design, lengths - mean).solution
        left = lengths - mean - design @ fitted
        return cls(mean, lengths.std(0), fitted[:-1].T, 1 - left.var(0) / lengths.var(0))

    def moved(
        self, head: Head, z_id: Float[Tensor, " identity"], sliders: Mapping[str, float]
    ) -> Float[Tensor, " identity"]:
        """The most likely person whose measurements differ from those of `z_id` by `sliders`, in spreads.

        Measurements without a slider keep their values, the rest of the face moves as little as it can.

        Raises:
            InputError: a slider is unknown or too far.
        """
        check(sliders)
        if not any(sliders.values()):
            return z_id
        wanted = torch.tensor([float(sliders.get(name, 0.0)) for name in MEASURES]) * self.spread
        device = head.source.device
        goal = measured(head, z_id[None].to(device))[0].cpu() + wanted
        inverse = torch.linalg.pinv(self.slope)
        for _ in range(ROUNDS):
            missing = goal - measured(head, z_id[None].to(device))[0].cpu()
            with torch.no_grad():
                z_id = z_id + head.identity((inverse @ missing)[None].to(device))[0].cpu()
        return z_id


def check(sliders: Mapping[str, float]) -> None:
    """Refuse sliders that are unknown or too far.

    Raises:
        InputError: one is.
    """
    for name, amount in sliders.items():
        option = "--" + name.replace("_", "-")
        if name not in MEASURES:
            raise InputError(f"{option} is no slider; use one of {', '.join(MEASURES)}")
        if not abs(amount) <= FARTHEST:
            raise InputError(f"{option} {amount} is too far; use {-FARTHEST:g} to {FARTHEST:g} standard deviations")
