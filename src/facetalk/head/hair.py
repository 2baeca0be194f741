"""Hair as a member of the identity: a small field over the canonical head, for the scalp and for the beard.

A head of hair is a code. Points are carried to the mean head by the anchors of the identity, and the field is told how
far they are from the skin, so that one code fits every skull and thin hair hugs it. It gives two volumes, a shell
of some thickness on the skin and loose hair, joined smoothly, and the direction in which hair runs. The surface of a
person with hair is the union of head and hair; without a code there is none.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint
from facetalk.errors import CheckpointError, InputError
from facetalk.geometry import UNIT_MM
from facetalk.head.configuration import restored
from facetalk.head.field import ConditionedNetwork, Folded, NetworkSize
from facetalk.head.warping import Warp

KIND = "hair"
NONE = "none"
TEXTURES = ("curl", "wave", "clump")
"""What hair is like closer than its volume, 0 … 1: coils, swinging locks, and how deep locks are parted."""
JOIN = 7.0 / UNIT_MM
"""Over which shell and loose hair melt together."""
SHELL_SCALE, LOOSE_SCALE = 10.0 / UNIT_MM, 25.0 / UNIT_MM
"""Typical size of the outputs."""
FARTHEST = 60.0 / UNIT_MM
"""Distances to the skin beyond are not told apart: far away a head's own field is no distance."""
SKIN_SCALES = (6.0 / UNIT_MM, 24.0 / UNIT_MM, 80.0 / UNIT_MM)
"""At which the distance to the skin is told to the network."""
DEEP, BARE = 8.0 / UNIT_MM, 4.0 / UNIT_MM
"""Deeper in the head hair is not asked; where none grows its surface lies this far below the skin."""
MIX = 0.6
"""How far drawn hair goes from a named style towards a variant of it."""
_CHUNK = 8192


@dataclass(frozen=True)
class HairFieldConfig:
    """Sizes of one kind of hair."""

    network: NetworkSize = field(default_factory=lambda: NetworkSize(192, 4, (1.6, 0.8, 0.4, 0.2, 0.1)))
    code: int = 24
    trunk: int = 64


SCALP = HairFieldConfig()
BEARD = HairFieldConfig(NetworkSize(96, 3, (0.8, 0.4, 0.2, 0.1)), 8, 32)


@dataclass(frozen=True)
class HairConfig:
    """Both kinds of hair, and what is known of them."""

    head: str
    """`Head.shape_hash` of the head that the hair is for."""
    scalp_names: tuple[str, ...]
    beard_names: tuple[str, ...]
    variants: int
    """Trained codes of each name, the named one itself first."""
    scalp: HairFieldConfig = field(default_factory=lambda: SCALP)
    beard: HairFieldConfig = field(default_factory=lambda: BEARD)


@dataclass(frozen=True)
class Hair:
    """What hair a person has: codes of scalp and beard, None where there is none."""

    scalp: Float[Tensor, " scalp"] | None = None
    beard: Float[Tensor, " beard"] | None = None

    def __bool__(self) -> bool:
        return self.scalp is not None or self.beard is not None


BALD = Hair()


@dataclass(frozen=True)
class HairSample:
    """Hair at points of one person."""

    distance: Float[Tensor, "*point"]
    """Signed, in units; negative in hair and, from a little below the skin on, in the head."""
    way: Float[Tensor, "*point 3"]
    """Unit direction in which hair runs, from root to tip."""


class HairField(nn.Module):
    """One kind of hair: thickness on the skin, loose hair and direction from a code, over the mean head."""

    def __init__(self, config: HairFieldConfig, names: int, variants: int) -> None:
        super().__init__()
        self.config = config
        self.network = ConditionedNetwork(config.network, len(SKIN_SCALES), config.code, 5, config.trunk)
        self.texture = nn.Linear(config.code, len(TEXTURES))
        self.codes = nn.Parameter(torch.zeros(names, variants, config.code))

    def fold(self, codes: Float[Tensor, "person code"]) -> Folded:
        """Constants of the network for codes."""
        return self.network.fold(codes)

    def textures(self, codes: Float[Tensor, "person code"]) -> Float[Tensor, "person texture"]:
        """Amounts of `TEXTURES`."""
        return self.texture(codes).sigmoid()

    def forward(
        self, folded: Folded, points: Float[Tensor, "person point 3"], skin: Float[Tensor, "person point"]
    ) -> HairSample:
        """Hair at points of the mean head that lie `skin` from the skin of their person, in units."""
        skin = skin.clamp(-FARTHEST, FARTHEST)
        told = torch.stack([torch.tanh(skin / scale) for scale in SKIN_SCALES], -1)
        out = self.network(folded, points, told)
        shell, loose = skin - SHELL_SCALE * out[..., 0], LOOSE_SCALE * out[..., 1]
        return HairSample(smooth_union(shell, loose), nn.functional.normalize(out[..., 2:], dim=-1))


def smooth_union(first: Float[Tensor, "*point"], second: Float[Tensor, "*point"]) -> Float[Tensor, "*point"]:
    """The nearer of two volumes, rounded where they meet (polynomial, Quilez)."""
    share = (0.5 + 0.5 * (first - second) / JOIN).clamp(0, 1)
    return first + share * (second - first) - JOIN * share * (1 - share)


class HairModel(nn.Module):
    """Hair of scalp and beard, with the styles that have a name."""

    def __init__(self, config: HairConfig) -> None:
        super().__init__()
        self.config = config
        self.scalp = HairField(config.scalp, len(config.scalp_names), config.variants)
        self.beard = HairField(config.beard, len(config.beard_names), config.variants)
        self.warp = Warp()

    @property
    def names(self) -> tuple[str, ...]:
        """Every named style."""
        return (*self.config.scalp_names, *self.config.beard_names)

    def named(self, wanted: str) -> Hair:
        """Hair of a style, of a beard, or of both: "long", "beard", "crop+beard"; "none" is bald.

        Raises:
            InputError: there is no such style, or two for one place.
        """
        parts = [part for part in wanted.split("+") if part != NONE]
        scalp = [part for part in parts if part in self.config.scalp_names]
        beard = [part for part in parts if part in self.config.beard_names]
        if len(scalp) + len(beard) < len(parts) or len(scalp) > 1 or len(beard) > 1:
            raise InputError(
                f"--hairstyle {wanted!r} is no hairstyle; use none, one of {', '.join(self.config.scalp_names)}, "
                f"one of {', '.join(self.config.beard_names)}, or one of each as in crop+beard"
            )
        return Hair(
            self.scalp.codes[self.config.scalp_names.index(scalp[0]), 0].detach() if scalp else None,
            self.beard.codes[self.config.beard_names.index(beard[0]), 0].detach() if beard else None,
        )

    def drawn(self, random: np.random.Generator, scalp: str | None, beard: str | None) -> Hair:
        """Hair about named styles, varied as the trained variants vary."""
        return Hair(
            _varied(self.scalp, self.config.scalp_names.index(scalp), random) if scalp else None,
            _varied(self.beard, self.config.beard_names.index(beard), random) if beard else None,
        )

    @property
    def hash(self) -> str:
        """Hash of the weights as they are saved."""
        return self.to_checkpoint().hash

    def to_checkpoint(self) -> Checkpoint:
        """Weights in half precision."""
        return Checkpoint(KIND, asdict(self.config), {k: v.detach().half() for k, v in self.state_dict().items()})


HairSdf = Callable[[Float[Tensor, "point 3"]], HairSample]


def grown(
    kind: HairField, code: Float[Tensor, " code"], carried: Callable[[Tensor], Tensor], skin: Callable[[Tensor], Tensor]
) -> HairSdf:
    """Hair of one person, its constants folded once.

    Args:
        kind: scalp or beard.
        code: of the hair.
        carried: canonical points of the person to places of the mean head.
        skin: the person's canonical signed distance.
    """
    folded = kind.fold(code[None])

    def sampled(points: Float[Tensor, "point 3"]) -> HairSample:
        points = points.to(code.device)
        parts = [_above(kind, folded, carried, chunk, skin(chunk)) for chunk in points.split(_CHUNK)]
        return HairSample(torch.cat([p.distance for p in parts]), torch.cat([p.way for p in parts]))

    return sampled


def _above(
    kind: HairField, folded: Folded, carried: Callable[[Tensor], Tensor], points: Float[Tensor, "point 3"],
    skin: Float[Tensor, " point"],
) -> HairSample:  # fmt: skip
    """Hair at points, of which those deep in the head are not asked: there nothing of it is seen."""
    distance, way = skin + BARE, torch.zeros_like(points)
    asked = skin > -DEEP
    found = kind(folded, carried(points[asked])[None], skin[asked][None])
    distance[asked], way[asked] = found.distance[0], found.way[0]
    return HairSample(distance, way)


def _varied(kind: HairField, name: int, random: np.random.Generator) -> Float[Tensor, " code"]:
    codes = kind.codes[name].detach()
    return torch.lerp(codes[0], codes[int(random.integers(len(codes)))], MIX * float(random.uniform()))


def save(model: HairModel, path: Path | str) -> None:
    """Write weights and config in one file."""
    checkpoint.save(model.to_checkpoint(), path)


def load(path: Path | str, shape_hash: str) -> HairModel:
    """Read hair written by `save`, for heads of a shape.

    Raises:
        CheckpointError: the file is missing, holds no hair, or hair of another head.
    """
    saved = checkpoint.load(path, KIND)
    with checkpoint.unseeded():
        model = HairModel(restored(HairConfig, saved.config))
    if model.config.head != shape_hash:
        raise CheckpointError(
            f"{path}: hair for heads of shape {model.config.head}, this one has {shape_hash}; "
            "use the head it was trained for"
        )
    model.load_state_dict({name: tensor.float() for name, tensor in saved.tensors.items()}, assign=True)
    return model.eval().requires_grad_(False)
