"""Which hair people wear: a style by its name, or one that a seed draws."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facetalk.errors import InputError
from facetalk.head.hair import BALD, NONE, Hair
from facetalk.head.kinds import AnyHead
from facetalk.head.model import Head
from facetalk.render.look import Look
from facetalk.render.makeup import Makeup

CHANCES: dict[str, float] = {
    "crop": 0.10, "short": 0.14, "swept": 0.10, "fringe": 0.08, "bob": 0.09, "long": 0.11, "wavy": 0.09,
    "ponytail": 0.08, "bun": 0.07, "afro": 0.07, "curls": 0.07,
}  # fmt: skip
"""How often a style is drawn; those that a head does not know are left out."""
BEARDED = 0.6
"""How many of those with stubble have a beard."""
WITH_BEARD = ("crop", "short", "swept", "long", "afro", "curls")
"""Styles of bearded people."""


def styled(head: AnyHead, name: str) -> Hair:
    """Hair of a style that has a name.

    Raises:
        InputError: there is no such style, or the head has no hair.
    """
    if isinstance(head, Head) and head.hair is not None:
        return head.hair.named(name)
    if name == NONE:
        return BALD
    raise InputError(f"--hairstyle {name}: these weights have no hair; use none, or weights with hair.safetensors")


def knows(head: AnyHead, name: str) -> bool:
    """Whether the head has hair, and of this style."""
    return isinstance(head, Head) and head.hair is not None and set(name.split("+")) <= set(head.hair.names)


def seeded_hair(head: AnyHead, seed: int, makeup: Makeup) -> Hair:
    """Hair of the person of a seed, in whose look hair is cropped or shaven where it is; none if the head has none."""
    if not (isinstance(head, Head) and head.hair is not None) or makeup.crop == 0:
        return BALD
    random = np.random.default_rng([seed, 3])  # another stream than those that draw shapes and looks
    bearded = makeup.stubble > 0 and random.uniform() < BEARDED
    known = [name for name in CHANCES if name in head.hair.config.scalp_names and (name in WITH_BEARD or not bearded)]
    share = np.array([CHANCES[name] for name in known])
    scalp = str(random.choice(known, p=share / share.sum())) if known else None
    beards = head.hair.config.beard_names
    return head.hair.drawn(random, scalp, str(random.choice(beards)) if bearded and beards else None)


def under(look: Look, hair: Hair) -> Look:
    """A look with the skin painted from which hair grows."""
    return look.covered(scalp=hair.scalp is not None, beard=hair.beard is not None)


def packed(head: AnyHead, hair: Hair) -> dict[str, np.ndarray]:
    """Arrays that keep hair in a file; none of a bald person."""
    if not hair or not (isinstance(head, Head) and head.hair is not None):
        return {}
    codes = {"hair_scalp": hair.scalp, "hair_beard": hair.beard}
    kept = {name: code.cpu().numpy() for name, code in codes.items() if code is not None}
    return {**kept, "hair_hash": np.array(head.hair.hash)}


def unpacked(head: AnyHead, arrays: Mapping[str, np.ndarray], path: Path) -> Hair:
    """Hair back from a file; files without any are of bald people.

    Raises:
        InputError: it is of other weights.
    """
    if "hair_hash" not in arrays:
        return BALD
    mine, owner = head.hair.hash if isinstance(head, Head) and head.hair is not None else "none", arrays["hair_hash"]
    if str(owner) != mine:
        raise InputError(f"{path}: wears hair of weights {owner}, these have {mine}; make the file again")
    codes = (arrays.get("hair_scalp"), arrays.get("hair_beard"))
    return Hair(*(None if code is None else torch.from_numpy(code.astype(np.float32)) for code in codes))


def between(first: Hair, second: Hair, share: float) -> Hair:
    """Hair `share` of the way from one person's to another's: mixed where both have it, else that of the nearer."""
    pairs = ((first.scalp, second.scalp), (first.beard, second.beard))
    return Hair(*(_mixed(one, other, share) for one, other in pairs))


def _mixed(one: Tensor | None, other: Tensor | None, share: float) -> Tensor | None:
    if one is not None and other is not None:
        return torch.lerp(one, other, share)
    return one if share < 0.5 else other
