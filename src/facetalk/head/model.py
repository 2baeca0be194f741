"""The head model: identity and expression codes in, posed signed distances out.

Backward-deformation NPHM: a point of the posed head is carried to the canonical pose and asked there,
`sdf(x) = canonical(x + offsets) + level`. The level, a small scalar near lips and lids, lets surfaces that are
apart in the canonical pose touch and seal; it takes the place of ambient coordinates.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint
from facetalk.head.anatomy import NUMBERS, Anatomy, AnatomyPredictor, CodeLayout
from facetalk.head.configuration import restored
from facetalk.head.ensemble import EnsembleConfig, IdentityEnsemble
from facetalk.head.field import Field, FieldConfig, NetworkSize
from facetalk.head.hair import Hair, HairModel, HairSdf, grown
from facetalk.head.npm import GlobalConfig, GlobalIdentity
from facetalk.head.rig import CODE_SCALE, RigConfig, RigEncoder
from facetalk.head.sources import FIRST_SOURCE, SourceMaps
from facetalk.types import Region

SOURCE_SIZE = 100
"""Identity weights of the first source the head was trained on, each N(0, 1)."""
CODE_SPREAD = 0.03
"""Spread of each dimension of an identity code over people: a whole code has a norm of about 1."""
KIND = "head"
_CODE_GAIN = 7.0 / CODE_SCALE
"""Brings the dimensions of a code to about unit size: a code of norm 0.35 has dimensions of 0.025."""
_CHUNK = 3000
"""Most points evaluated together: their activations stay in a core's cache, several times faster than one great
batch."""
_EXACT = ("rig.", "anatomy.mean", "ensemble.radius")
"""Tensors kept in single precision in files."""


DEFORMATION = FieldConfig(outputs=4, broad_outputs=3, condition=328, output_scale=0.03)
"""Three offsets everywhere and the level near mouth and eyes."""
REGIONS = FieldConfig(
    outputs=len(Region),
    broad_outputs=len(Region),
    condition=32,
    output_scale=4.0,
    broad=NetworkSize(64, 3, (0.4, 0.2)),
    mouth=NetworkSize(64, 3, (0.16, 0.08, 0.04)),
    eye=NetworkSize(64, 3, (0.12, 0.06, 0.03)),
    mouth_radius=0.2,
    eye_radius=0.16,
    trunk=32,
)
"""A score for each region; the fine networks draw the edges of lips, teeth, iris and pupil."""


@dataclass(frozen=True)
class HeadConfig:
    """Sizes of every part; the presets are functions of this module."""

    layout: CodeLayout = field(default_factory=CodeLayout)
    rig: RigConfig = field(default_factory=RigConfig)
    ensemble: EnsembleConfig | GlobalConfig = field(default_factory=EnsembleConfig)
    """The identity network: local ones round the anchors, or a single one."""
    compressed: int = 32
    """Dimensions an anatomy is compressed to for the deformation and for the regions."""
    detail: int = 96
    """Dimensions the identity code itself is compressed to for the deformation: lips and lids follow more of a person
    than anchors and landmarks tell. 0 leaves it to the anatomy."""
    deformation: FieldConfig = field(default_factory=lambda: DEFORMATION)
    regions: FieldConfig = field(default_factory=lambda: REGIONS)


def compact() -> HeadConfig:
    """Small and fast: the bundled head."""
    return HeadConfig()


def npm() -> HeadConfig:
    """The baseline: one global network for identity and one for deformation, as many parameters as `compact`."""
    broad = NetworkSize(288, 4, (0.8, 0.4, 0.2))
    deformation = FieldConfig(4, 4, 328, 0.03, broad=broad, mouth=None, eye=None, trunk=128)
    return HeadConfig(ensemble=GlobalConfig(), deformation=deformation)


def tiny() -> HeadConfig:
    """For tests: every part, a few units wide."""
    size = NetworkSize(16, 2, (0.4,))
    return HeadConfig(
        layout=CodeLayout(8, 4),
        rig=RigConfig(code_size=60),
        ensemble=EnsembleConfig(width=16, depth=2, global_width=16, global_depth=2, wavelengths=(0.4,)),
        compressed=8,
        detail=4,
        deformation=FieldConfig(4, 3, 72, 0.03, size, size, size, trunk=16),
        regions=FieldConfig(len(Region), len(Region), 8, 4.0, size, size, size, trunk=16),
    )


@dataclass(frozen=True)
class IdentityState:
    """Everything about one identity that does not depend on point or frame, computed once."""

    z_id: Float[Tensor, " identity"]
    anatomy: Anatomy
    biases: tuple[Float[Tensor, "1 *member width"], Float[Tensor, "1 globalwidth"]]
    """Biases of the identity network with the code folded in."""
    deviations: Float[Tensor, "1 number"]
    """The anatomy, standardised."""

    @property
    def anchors(self) -> Float[Tensor, "39 3"]:
        """Anchor positions in the canonical pose."""
        return self.anatomy.anchors[0]

    @property
    def landmarks(self) -> Mapping[str, Float[Tensor, "3"]]:
        """Named points in the rest pose."""
        return self.anatomy.named()

    @property
    def eye_radius(self) -> Float[Tensor, "2"]:
        """Radius of the left and right eyeball, in units."""
        return self.anatomy.eye_radius[0]


@dataclass(frozen=True)
class Deformation:
    """Where points of the posed head lie in the canonical pose."""

    offsets: Float[Tensor, "point 3"]
    level: Float[Tensor, " point"]
    """Added to the canonical signed distance."""


Deform = Callable[[Float[Tensor, "point 3"]], Deformation]
Sdf = Callable[[Float[Tensor, "point 3"]], Float[Tensor, " point"]]
Smoothing = Callable[[Deform, Deform], Deform]
"""Takes the deformations at rest and at the wanted code, returns the smoothed one."""


class Head(nn.Module):
    """A compact neural parametric head."""

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        self.rig = RigEncoder(config.rig)
        self.anatomy = AnatomyPredictor(config.layout.global_size)
        several = isinstance(config.ensemble, EnsembleConfig)
        self.ensemble = (IdentityEnsemble if several else GlobalIdentity)(config.ensemble, config.layout)
        self.source = nn.Parameter(torch.randn(SOURCE_SIZE, config.layout.size) / SOURCE_SIZE**0.5)
        self.sources = SourceMaps()
        self.deformation_identity = nn.Linear(NUMBERS, config.compressed)
        self.deformation_detail = nn.Linear(config.layout.size, config.detail, bias=False) if config.detail else None
        self.deformation = Field(config.deformation)
        self.region_identity = nn.Linear(NUMBERS, config.compressed)
        self.region_field = Field(config.regions)
        self.hair: HairModel | None = None
        """Where hair was trained for this head; kept in a file of its own, and no part of the hash."""

    @property
    def rest(self) -> Float[Tensor, " code"]:
        """The code of the rest pose: all ARKit weights zero, lips sealed. Not the zero code."""
        return self.rig.rest

    @property
    def hash(self) -> str:
        """Hash of the weights as they are saved."""
        return self.to_checkpoint().hash

    @property
    def shape_hash(self) -> str:
        """Hash of all but the deformation: a head whose expressions alone were trained on keeps it, and its hair."""
        whole = self.to_checkpoint()
        shape = {name: value for name, value in whole.tensors.items() if not name.startswith("deformation")}
        config = {name: value for name, value in whole.config.items() if name not in ("deformation", "detail")}
        return replace(whole, config=config, tensors=shape).hash

    def identity(
        self, weights: Float[Tensor, "identity mode"], source: str = FIRST_SOURCE
    ) -> Float[Tensor, "identity code"]:
        """Identity codes of a source's identity weights, by the learnt linear map.

        Raises:
            InputError: the head was not trained on that source.
        """
        first = source == FIRST_SOURCE
        return CODE_SPREAD * (weights @ self.source if first else self.sources.standard_codes(source, weights))

    def anatomies(self, z_id: Float[Tensor, "identity code"]) -> Anatomy:
        """Anchors, landmarks and eyeballs of identity codes."""
        return self.anatomy(self.config.layout.split(z_id / CODE_SPREAD)[0])

    def fold(
        self, z_id: Float[Tensor, "identity code"]
    ) -> tuple[Float[Tensor, "identity *member width"], Float[Tensor, "identity globalwidth"]]:
        """Biases of the identity network for identity codes."""
        return self.ensemble.biases(*self.config.layout.split(z_id / CODE_SPREAD))

    def condition(
        self, anatomy: Anatomy, z_id: Float[Tensor, "identity code"], codes: Float[Tensor, "frame expression"]
    ) -> Float[Tensor, "frame condition"]:
        """What the deformation depends on besides the point: the compressed identity and the expression code.

        There is one identity for each frame, or one for all; a code of zeros leaves it to the anatomy.
        """
        identity = [self.deformation_identity(self.anatomy.deviations(anatomy))]
        if self.deformation_detail is not None:
            identity.append(self.deformation_detail(z_id / CODE_SPREAD))
        return torch.cat([*(part.expand(len(codes), -1) for part in identity), _CODE_GAIN * codes], -1)

    def identify(self, z_id: Float[Tensor, " identity"]) -> IdentityState:
        """Constants of one identity."""
        anatomy = self.anatomies(z_id[None])
        return IdentityState(z_id, anatomy, self.fold(z_id[None]), self.anatomy.deviations(anatomy))

    def canonical(self, state: IdentityState, points: Float[Tensor, "point 3"]) -> Float[Tensor, " point"]:
        """Signed distance in the canonical pose, in units."""
        chunks = [self.ensemble(state.anatomy, state.biases, chunk[None])[0] for chunk in _pieces(points)]
        return torch.cat(chunks)

    def deformer(self, state: IdentityState, code: Float[Tensor, " code"]) -> Deform:
        """The backward deformation of one frame, its constants folded once."""
        folded = self.deformation.fold(self.condition(state.anatomy, state.z_id[None], code[None]))

        def deform(points: Float[Tensor, "point 3"]) -> Deformation:
            chunks = [self.deformation(folded, state.anatomy, chunk[None])[0] for chunk in _pieces(points)]
            field = torch.cat(chunks)
            return Deformation(field[:, :3], field[:, 3])

        return deform

    def deform(
        self, state: IdentityState, points: Float[Tensor, "point 3"], code: Float[Tensor, " code"]
    ) -> Deformation:
        """Carry points of the posed head to the canonical pose: `x_can = x + offsets`."""
        return self.deformer(state, code)(points)

    def regions(self, state: IdentityState, points: Float[Tensor, "point 3"]) -> Float[Tensor, "point region"]:
        """Share of each `Region` at points of the canonical surface; rows sum to one."""
        folded = self.region_field.fold(self.region_identity(state.deviations))
        chunks = [self.region_field(folded, state.anatomy, chunk[None])[0] for chunk in _pieces(points)]
        return torch.cat(chunks).softmax(-1)

    def grown(self, state: IdentityState, hair: Hair) -> dict[str, HairSdf]:
        """Hair of an identity over the canonical pose: "scalp" and "beard", those that there are.

        The surface of the person is the union of `canonical` and these.
        """
        if self.hair is None:
            return {}
        carried = self.hair.warp.to_mean(state.anatomy)
        codes = (("scalp", self.hair.scalp, hair.scalp), ("beard", self.hair.beard, hair.beard))
        return {
            name: grown(kind, code.to(self.rest.device), carried, lambda points: self.canonical(state, points))
            for name, kind, code in codes
            if code is not None
        }

    def posed(self, state: IdentityState, code: Float[Tensor, " code"], smoothing: Smoothing | None = None) -> Sdf:
        """Signed distance of one identity in one expression, facial smoothing applied where given."""
        deform = self.deformer(state, code)
        if smoothing is not None:
            deform = smoothing(self.deformer(state, self.rest), deform)

        def sdf(points: Float[Tensor, "point 3"]) -> Float[Tensor, " point"]:
            moved = deform(points)
            return self.canonical(state, points + moved.offsets) + moved.level

        return sdf

    def to_checkpoint(self) -> Checkpoint:
        """Weights in half precision where that costs nothing."""
        tensors = {
            name: tensor.detach() if name.startswith(_EXACT) else tensor.detach().half()
            for name, tensor in self.state_dict().items()
            if not name.startswith("hair.")
        }
        config = asdict(self.config)
        if self.deformation_detail is None:
            del config["detail"]  # as heads were written before there was any, which keeps their hash
        return Checkpoint(KIND, config, tensors)


def _pieces(points: Float[Tensor, "point 3"]) -> tuple[Float[Tensor, "piece 3"], ...]:
    """Points in as few equal pieces as `_CHUNK` allows, at least one."""
    return points.chunk(max(-(-len(points) // _CHUNK), 1))


def save(head: Head, path: Path | str) -> None:
    """Write a head's weights and config in one file."""
    checkpoint.save(head.to_checkpoint(), path)


def load(path: Path | str) -> Head:
    """Read a head written by `save`.

    Raises:
        CheckpointError: the file is missing or does not hold a head.
    """
    saved = checkpoint.load(path, KIND)
    saved.config.setdefault("detail", 0)
    with checkpoint.unseeded():
        head = Head(restored(HeadConfig, saved.config))
        head.sources.expect("sources.", saved.tensors)
    head.load_state_dict({name: tensor.float() for name, tensor in saved.tensors.items()}, assign=True)
    return head.eval().requires_grad_(False)
