"""Who is seen: named heads, seeded ones, and identity codes from files."""

import json
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.head.hair import BALD, Hair
from facetalk.head.kinds import AnyHead
from facetalk.head.model import SOURCE_SIZE, Head
from facetalk.head.paper import PaperHead
from facetalk.pipeline.hairdressing import knows, seeded_hair, styled, under, unpacked
from facetalk.render.look import HAIR_TONES, IRIS_TONES, SKIN_TONES, Look
from facetalk.render.makeup import Makeup

NAMED_SEEDS: dict[str, int] = {"ada": 1, "ben": 18, "cleo": 17, "dev": 28, "emil": 11, "fay": 14}
"""Heads with a name: seeds of their shapes, chosen so that all differ."""
_FAIR, _OLIVE, _ROSY, _BROWN, _DARK, _TAN = SKIN_TONES
_BLACK, _DARK_BROWN, _CHESTNUT, _SANDY = HAIR_TONES
_HAZEL, _BLUE, _GREEN, _DEEP = IRIS_TONES
NAMED_LOOKS: dict[str, Look] = {
    "ada": Look.of(_FAIR, _GREEN, _DARK_BROWN, Makeup(crop=0.9)),
    "ben": Look.of(_OLIVE, _BLUE, _BLACK, Makeup(crop=0.92, stubble=0.7)),
    "cleo": Look.of(_DARK, _DEEP, _BLACK, Makeup(crop=0.85)),
    "dev": Look.of(_BROWN, _DEEP, _BLACK, Makeup(stubble=0.6)),
    "emil": Look.of(_ROSY, _HAZEL, _CHESTNUT, Makeup(crop=0.85, stubble=0.3)),
    "fay": Look.of(_TAN, _HAZEL, _DARK_BROWN, Makeup()),
}
"""What they wear."""
NAMED_HAIR: dict[str, str] = {
    "ada": "long", "ben": "short+short-beard", "cleo": "curls", "dev": "short-beard", "emil": "swept", "fay": "bun",
}  # fmt: skip
"""Their hair, where the head has any."""
DEFAULT = "ada"
SPREAD = 0.7
"""Seeded heads stay this much nearer to the mean than the source's own spread, so that none is a caricature."""


@dataclass(frozen=True)
class Identity:
    """A person: a shape, the colours it wears, and hair."""

    name: str
    z_id: Float[Tensor, " identity"]
    look: Look = field(default_factory=Look)
    hair: Hair = BALD


def seeded(head: Head, seed: int, name: str) -> Identity:
    """A person drawn from the source's distribution; the same for every head trained on that source."""
    weights = np.random.default_rng(seed).standard_normal((1, SOURCE_SIZE)).astype(np.float32)
    with torch.inference_mode():
        z_id = head.identity(SPREAD * torch.from_numpy(weights).to(head.rest.device))[0]
    look = Look.seeded(seed)
    hair = seeded_hair(head, seed, look.makeup)
    return Identity(name, z_id.cpu(), under(look, hair), hair)


def wearing(head: AnyHead, person: Identity, hairstyle: str | None) -> Identity:
    """The person with another hairstyle; None leaves what there is.

    Raises:
        InputError: there is no such style, or no hair at all.
    """
    if hairstyle is None:
        return person
    hair = styled(head, hairstyle)
    return replace(person, hair=hair, look=under(person.look, hair))


def find(head: AnyHead, wanted: str) -> Identity:
    """The identity called `wanted`: a name, "seed:N", or an .npz file holding z_id.

    Raises:
        InputError: none of these.
    """
    if isinstance(head, PaperHead) and not wanted.endswith(".npz"):
        return published_person(head, wanted)
    if wanted in NAMED_SEEDS:
        person = replace(seeded(head, NAMED_SEEDS[wanted], wanted), look=NAMED_LOOKS[wanted], hair=BALD)
        return wearing(head, person, NAMED_HAIR[wanted]) if knows(head, NAMED_HAIR[wanted]) else person
    if wanted.startswith("seed:"):
        return seeded(head, _number(wanted), wanted)
    if wanted.endswith(".npz"):
        return _read(head, Path(wanted))
    raise InputError(f"identity {wanted!r} is unknown; use {', '.join(NAMED_SEEDS)}, seed:N or a FILE.npz")


def published_person(head: PaperHead, wanted: str) -> Identity:
    """Somebody of an imported head: "zero", "identity:N" of the codes that came with it, or drawn like them.

    Raises:
        InputError: there is nobody of that name.
    """
    count = len(head.identities)
    choice = ["zero", "FILE.npz", *[f"identity:0 to identity:{count - 1}"] * (count > 0), *["seed:N"] * (count > 1)]
    if wanted == "zero":
        return Identity(wanted, torch.zeros(head.config.layout.size))
    kind, _, number = wanted.partition(":")
    if kind == "identity" and number.isdecimal() and int(number) < count:
        return Identity(wanted, head.identities[int(number)].cpu())
    if count > 1 and (wanted in NAMED_SEEDS or kind == "seed"):
        seed = NAMED_SEEDS.get(wanted) or _number(wanted)
        draw = np.random.default_rng(seed).standard_normal(count).astype(np.float32) / (count - 1) ** 0.5
        codes = head.identities.cpu()
        mean = codes.mean(0)
        return Identity(wanted, mean + SPREAD * torch.from_numpy(draw) @ (codes - mean), Look.seeded(seed))
    raise InputError(f"--identity {wanted!r} is unknown to this imported head; use {', '.join(choice)}")


def _number(wanted: str) -> int:
    digits = wanted.removeprefix("seed:")
    if not digits.isdecimal():
        raise InputError(f"identity {wanted!r} is unknown; write seed:N with a whole number, for example seed:7")
    return int(digits)


def _read(head: AnyHead, path: Path) -> Identity:
    """The identity of a saved clip, or of any .npz file with an array z_id."""
    if not path.is_file():
        raise InputError(f"identity {path}: no such file; check the path")
    try:
        with np.load(path, allow_pickle=False) as file:
            z_id = torch.from_numpy(np.asarray(file["z_id"], np.float32))
            name = str(file["identity"]) if "identity" in file else path.stem
            look = worn(json.loads(str(file["look"]))) if "look" in file else Look()
            owner = str(file["head_hash"]) if "head_hash" in file else None
            arrays = dict(file)
    except (OSError, KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"identity {path}: holds no z_id array; give an .npz written by facetalk") from error
    if z_id.shape != (head.config.layout.size,) or not torch.isfinite(z_id).all():
        size = head.config.layout.size
        raise InputError(f"identity {path}: z_id has shape {tuple(z_id.shape)}, this head needs {size} finite numbers")
    if owner is not None and owner != head.hash:
        raise InputError(f"identity {path}: belongs to head {owner}, this one is {head.hash}; make or fit it again")
    return Identity(name, z_id, look, unpacked(head, arrays, path))


def worn(look: dict) -> Look:
    """A look back from its JSON form."""
    makeup = Makeup(**look.get("makeup", {}))
    colours = {part: value for part, value in look.items() if part != "makeup"}
    return Look(makeup=makeup, **{part: (red, green, blue) for part, (red, green, blue) in colours.items()})
