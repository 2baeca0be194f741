"""What must hold for anybody: laws that need no scan, asked of people drawn from the sources' priors."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.head import traits
from facetalk.head.anatomy import Anatomy
from facetalk.head.character import TRAIT_SOURCE
from facetalk.head.model import SOURCE_SIZE, Head
from facetalk.head.traits import Traits
from facetalk.training import head_losses as losses
from facetalk.training.lids import under_closed_lids, where_lids_are
from facetalk.training.seams import HELD_OPEN, between_lips, gaping_weights, openness, sealed_weights, through_lips

BLINKS = [ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]
WIDE = [ARKIT_INDEX["eyeWideLeft"], ARKIT_INDEX["eyeWideRight"]]
REACHES_LIDS = ("mouthSmile", "mouthUpperUp", "mouthLeft", "mouthRight")
BELOW_LIDS = [
    index
    for index, name in enumerate(ARKIT_NAMES)
    if name.startswith(("jaw", "mouth", "tongue")) and not name.startswith(REACHES_LIDS)
]
"""What moves jaw and lips and leaves lids where they are."""
LID_POINTS = 60
"""Points before each eyeball of a person whose eyes are closed."""
FURTHEST = 2.5
"""Furthest that a source weight is drawn, in its spreads."""


@dataclass(frozen=True)
class DrawnPeople:
    """Their anatomies and canonical fields, which stay as they are."""

    canonical: Head
    z_id: Float[Tensor, "person code"]
    anatomy: Anatomy
    biases: tuple[Tensor, Tensor]

    @classmethod
    def draw(cls, canonical: Head, people: int, generator: torch.Generator) -> "DrawnPeople":
        """New people, some near the mean and some far from it.

        Of a head that knows ages every third is of the source that has them, and every third has another age and sex.
        """
        spread = torch.rand(people, 1, generator=generator)
        weights = torch.randn(people, SOURCE_SIZE, generator=generator).clamp(-FURTHEST, FURTHEST)
        z_id = canonical.identity(spread * weights)
        if TRAIT_SOURCE in canonical.sources:
            z_id = _of_all_ages(canonical, z_id, generator)
        return cls(canonical, z_id, canonical.anatomies(z_id), canonical.fold(z_id))

    def moved(
        self, head: Head, weights: Float[Tensor, "person 52"], points: Float[Tensor, "person point 3"]
    ) -> Float[Tensor, "person point 4"]:
        """Offsets and levels under the deformation of `head`."""
        folded = head.deformation.fold(head.condition(self.anatomy, self.z_id, head.rig(weights)))
        return head.deformation(folded, self.anatomy, points)

    def posed(
        self, head: Head, weights: Float[Tensor, "person 52"], points: Float[Tensor, "person point 3"]
    ) -> Float[Tensor, "person point"]:
        """Posed distances under the deformation of `head`."""
        field = self.moved(head, weights, points)
        return self.canonical.ensemble(self.anatomy, self.biases, points + field[..., :3]) + field[..., 3]


def _of_all_ages(
    canonical: Head, z_id: Float[Tensor, "person code"], generator: torch.Generator
) -> Float[Tensor, "person code"]:
    """The same people, every third of another age, sex and build, and every third replaced by one who has them."""
    random = np.random.default_rng(int(torch.randint(1 << 31, (1,), generator=generator)))
    drawn = [traits.draw(random) for _ in z_id]
    plain = [Traits(person.age, person.sex, person.build) for person in drawn]
    own, said, middle = (
        canonical.identity(torch.from_numpy(np.stack([*map(traits.identity_weights, row)])).float(), TRAIT_SOURCE)
        for row in (drawn, plain, [Traits()])
    )
    third = (torch.arange(len(z_id)) % 3)[:, None]
    return torch.where(third == 0, z_id, torch.where(third == 1, own, z_id + said - middle))


def closed_error(
    head: Head, people: DrawnPeople, weights: Float[Tensor, "person 52"], generator: torch.Generator
) -> Float[Tensor, ""]:
    """Air before the eyeballs of closed eyes, the rest of the face as in `weights`; millimetres."""
    weights = weights.clone()
    weights[:, BLINKS], weights[:, WIDE] = 1.0, 0.0
    points = under_closed_lids(people.anatomy, LID_POINTS, generator)
    return losses.air_error(people.posed(head, weights, points))


def sealed_error(
    head: Head, people: DrawnPeople, weights: Float[Tensor, "person 52"], generator: torch.Generator
) -> Float[Tensor, ""]:
    """Air on the way out between sealed lips, the rest of the face as in `weights`; millimetres."""
    lines = through_lips(people.anatomy, generator)
    distances = people.posed(head, sealed_weights(weights, generator), lines.flatten(1, 3))
    return losses.air_error(openness(distances.view(lines.shape[:-1])))


def parted_error(
    head: Head, people: DrawnPeople, weights: Float[Tensor, "person 52"], generator: torch.Generator
) -> Float[Tensor, ""]:
    """Flesh, or what is nearly so, in the middle of widely opened mouths, brows, lids and gaze as in `weights`.

    Scans say little of it: points in the air are drawn all about a head. Millimetres.
    """
    gaping = gaping_weights(weights, generator)
    points = between_lips(people.anatomy, gaping[:, HELD_OPEN], generator)
    return losses.flesh_error(people.posed(head, gaping, points))


def still_error(
    head: Head, people: DrawnPeople, weights: Float[Tensor, "person 52"], generator: torch.Generator
) -> Float[Tensor, ""]:
    """How far lids go with the jaw and lips of `weights`, against the same face at rest below or its jaw alone open.

    Scans with the jaw far open are few, and lids are little of them; millimetres.
    """
    other = weights.clone()
    other[:, BELOW_LIDS] = 0.0
    other[::2, HELD_OPEN] = torch.rand(len(other[::2]), generator=generator)
    points = where_lids_are(people.anatomy, LID_POINTS, generator)
    return losses.magnitude(people.moved(head, weights, points) - people.moved(head, other, points))
