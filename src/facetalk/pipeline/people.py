"""New people: drawn from the prior, like somebody, with longer noses, between two others, and what they wear."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.head import character as characters
from facetalk.head.character import TRAIT_SOURCE, Character
from facetalk.head.model import Head
from facetalk.head.prior import Survey, check, drawn, mixed, related
from facetalk.head.sources import FIRST_SOURCE
from facetalk.pipeline.hairdressing import between as hair_between
from facetalk.pipeline.hairdressing import seeded_hair, under
from facetalk.pipeline.identity import Identity, wearing
from facetalk.pipeline.wholeness import Look as Looked
from facetalk.pipeline.wholeness import kept_whole, looked_at
from facetalk.render.look import Colour, Look, linear, parse_colour, srgb
from facetalk.render.wardrobe import HAIR, IRIS, SKIN, dressed

SPREAD = 0.8
"""How far new people are from the mean, where those trained on have 1: varied, without the caricatures."""
FIRST_SEED = 1000
GREYING = (45.0, 75.0)
"""Years between which hair goes grey."""
BEARDED_FROM = 17.0
"""Years."""


@dataclass(frozen=True)
class Wear:
    """What people wear; what is left out follows the seed."""

    skin: str | None = None
    """fair, olive, rosy, brown, dark, tan, #rrggbb or r,g,b."""
    hair: str | None = None
    """black, dark-brown, chestnut, sandy, auburn, blond, grey, #rrggbb or r,g,b; also the colour of brows."""
    iris: str | None = None
    """hazel, blue, green, deep, grey, amber, #rrggbb or r,g,b."""
    crop: float | None = None
    """Hair cut short: 0 is bald, 1 is dense."""
    stubble: float | None = None
    """0 is shaven, 1 is plenty."""
    brows: float | None = None
    """0 is none, 1 is plenty."""
    hairstyle: str | None = None
    """A style such as long, a beard such as goatee, or both as in crop+beard; none is bald, or cropped."""

    def on(self, look: Look) -> Look:
        """`look` with these on; lips follow the skin.

        Raises:
            InputError: a colour is not understood, or an amount is not between 0 and 1.
        """
        amounts = {name: getattr(self, name) for name in ("crop", "stubble", "brows")}
        for name, amount in amounts.items():
            if amount is not None and not 0 <= amount <= 1:
                raise InputError(f"--{name} {amount} is out of range; use 0 (none) to 1 (plenty)")
        makeup = replace(look.makeup, **{name: amount for name, amount in amounts.items() if amount is not None})
        hair = parse_colour(self.hair, HAIR) if self.hair else look.hair
        iris = parse_colour(self.iris, IRIS) if self.iris else look.iris
        if self.skin is None:
            return replace(look, iris=iris, hair=hair, makeup=makeup)
        return Look.of(parse_colour(self.skin, SKIN), iris, hair, makeup)


@dataclass(frozen=True)
class Casting:
    """Who is wanted."""

    spread: float = SPREAD
    like: Identity | None = None
    """Draw relatives of this person."""
    likeness: float = 0.7
    """How much they take after them: 0 strangers, 1 the same."""
    sliders: Mapping[str, float] = field(default_factory=dict)
    """Measurement → standard deviations to move it by."""
    character: Character = field(default_factory=Character)
    """Age, sex and build they are given, before the sliders move them."""
    source: str = FIRST_SOURCE
    """Whose people they are drawn from: those of the first source, or of the one whose people have ages."""
    wear: Wear = field(default_factory=Wear)


def cast(head: Head, casting: Casting, seeds: Sequence[int]) -> list[Identity]:
    """One new person for each seed, nearer to the mean than asked for where they would not be whole.

    Raises:
        InputError: spread, likeness, a slider, a trait or something worn is out of range, or the head knows no ages.
    """
    check(casting.sliders)
    characters.check(head, casting.character, casting.source)
    survey = Survey.of(head) if any(casting.sliders.values()) else None
    reader = characters.Reader.of(head) if casting.character else None
    people = []
    for seed in seeds:
        z_id, look = _drawn(head, casting, seed), dressed(seed)
        if casting.like is not None:
            z_id, look = related(casting.like.z_id, z_id, casting.likeness), casting.like.look
        if reader is not None:
            z_id, look = reader.moved(z_id, casting.character), suited(look, casting.character)
        if survey is not None:
            z_id = survey.moved(head, z_id, casting.sliders)
        look = casting.wear.on(look)
        hair = casting.like.hair if casting.like is not None else seeded_hair(head, seed, look.makeup)
        if beardless(casting.character):
            hair = replace(hair, beard=None)
        person = Identity(f"person {seed}", z_id, under(look, hair), hair)
        people.append(wearing(head, person, casting.wear.hairstyle))
    looked = looked_at(head)
    return [
        _whole(person, _middle(head, casting, seed, reader), looked) for person, seed in zip(people, seeds, strict=True)
    ]


def beardless(character: Character) -> bool:
    """Whether somebody is said to be a woman or a child."""
    woman = character.sex is not None and character.sex < 0.5
    return woman or (character.age is not None and character.age < BEARDED_FROM)


def _drawn(head: Head, casting: Casting, seed: int) -> Float[Tensor, " identity"]:
    own = casting.source == TRAIT_SOURCE
    return characters.drawn(head, seed, casting.spread, casting.character) if own else drawn(head, seed, casting.spread)


def _middle(head: Head, casting: Casting, seed: int, reader: characters.Reader | None) -> Float[Tensor, " identity"]:
    """The mean of everybody who is said to be the same, which people are drawn towards to be whole."""
    if casting.source == TRAIT_SOURCE and casting.like is None:
        return characters.drawn(head, seed, 0.0, casting.character)
    mean = torch.zeros(head.config.layout.size)
    return mean if reader is None else reader.moved(mean, casting.character)


def _whole(person: Identity, middle: Float[Tensor, " identity"], looked: Looked) -> Identity:
    kept = kept_whole(person.z_id - middle, person.name, lambda away: looked(middle + away))
    return replace(person, z_id=middle + kept.z_id)


def suited(look: Look, character: Character) -> Look:
    """Greying hair with the years, no stubble on women and children; what is worn on purpose comes after."""
    if character.age is not None:
        look = replace(
            look, hair=_mixed_light(look.hair, HAIR["grey"], float(np.interp(character.age, GREYING, (0, 1))))
        )
    return replace(look, makeup=replace(look.makeup, stubble=0.0)) if beardless(character) else look


def between(first: Identity, second: Identity, steps: int) -> list[Identity]:
    """`steps` people from the first to the second, both included, with looks that change along.

    Raises:
        InputError: there are fewer than two steps.
    """
    if steps < 2:
        raise InputError(f"--steps {steps} leaves nobody between; use 2 or more, for example 5")
    people = []
    for share in np.linspace(0, 1, steps).tolist():
        name = f"{first.name} {1 - share:.0%} {second.name} {share:.0%}"
        z_id = mixed(first.z_id, second.z_id, share)
        hair = hair_between(first.hair, second.hair, share)
        people.append(Identity(name, z_id, blended(first.look, second.look, share), hair))
    return people


def blended(first: Look, second: Look, share: float) -> Look:
    """Colours mixed as light, amounts evenly."""
    makeup = replace(
        first.makeup,
        **{
            part.name: (1 - share) * getattr(first.makeup, part.name) + share * getattr(second.makeup, part.name)
            for part in fields(first.makeup)
        },
    )
    colours = {
        part.name: _mixed_light(getattr(first, part.name), getattr(second, part.name), share)
        for part in fields(first)
        if part.name != "makeup"
    }
    return Look(makeup=makeup, **colours)


def _mixed_light(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = srgb((1 - share) * linear(np.array(first)) + share * linear(np.array(second))).tolist()
    return red, green, blue
