"""The paper's own head, sizes and formulas to the letter; `facetalk.head.published` reads weights for it.

Backward-deformation NPHM (Giebenhain et al. 2023 and 2024, Tang et al. 2024): Softplus with beta 100, the 8 nearest
local networks and a global one under Gaussian weights, two ambient coordinates. The zero code is neutral here, and
nothing is relative to a rest code. Codes are constant over points and folded into biases, exactly. It knows neither
landmarks nor regions nor eyes: what needs them degrades, and says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from facetalk.checkpoint import Checkpoint
from facetalk.head.anatomy import ANCHORS, WEIGHT_SETS, CodeLayout, mirrored, weight_set
from facetalk.head.model import Deformation, Smoothing
from facetalk.types import Region

KIND = "paper head"
SOFTPLUS_BETA = 100.0
GLOBAL_DISTANCE = 0.75
"""Distance the global member is given in the blend, in units."""
CHUNK = 8192
"""Points evaluated together."""
SPREADS_TO_FURTHEST = 4.0
"""The Gaussian's spread is the distance of the furthest neighbour divided by this."""


@dataclass(frozen=True)
class PaperConfig:
    """Sizes; the defaults are the paper's."""

    layout: CodeLayout = field(default_factory=lambda: CodeLayout(64, 32))
    expression: int = 200
    compressed: int = 32
    local_width: int = 200
    local_depth: int = 4
    width: int = 512
    depth: int = 6
    ambient: int = 2
    anchor_width: int = 64
    neighbours: int = 8
    identities: int = 0
    """Identity codes that came with the weights."""
    expressions: int = 0
    """Expression codes that came with the weights."""


@dataclass(frozen=True)
class PaperState:
    """What one identity fixes."""

    anchors: Float[Tensor, "39 3"]
    first_biases: list[Float[Tensor, " width"]]
    """First-layer bias of each anchor's network, then of the global one."""
    compressed: Float[Tensor, " compressed"]

    @property
    def landmarks(self) -> Mapping[str, Float[Tensor, "3"]]:
        """None are known."""
        return {}

    @property
    def eye_radius(self) -> Float[Tensor, " eye"]:
        """None are known."""
        return self.anchors.new_zeros(0)


@dataclass(frozen=True)
class PaperDeformation(Deformation):
    """Where posed points lie in the canonical pose, and their ambient coordinates there; the level is zero."""

    ambient: Float[Tensor, "point ambient"]


class PaperHead(nn.Module):
    """Identity ensemble, anchors and deformation of the paper."""

    mean_anchors: Float[Tensor, "39 3"]
    identities: Float[Tensor, "identity code"]
    expressions: Float[Tensor, "expression code"]

    def __init__(self, config: PaperConfig) -> None:
        super().__init__()
        self.config = config
        layout, width = config.layout, config.width
        local = [
            layout.global_size + layout.local_size + 3 + config.ambient,
            *[config.local_width] * config.local_depth,
            1,
        ]
        inputs = 3 + config.compressed + config.expression
        sizes = [inputs, *[width] * config.depth, 3 + config.ambient]
        skip = config.depth // 2
        self.skip = skip
        self.members = nn.ModuleList([_layers(local) for _ in range(WEIGHT_SETS + 1)])
        self.anchor_layers = _layers([layout.global_size, config.anchor_width, config.anchor_width, 3 * ANCHORS])
        self.compressor = nn.Linear(layout.size + 3 * ANCHORS, config.compressed)
        self.deformation = nn.ModuleList(
            [nn.Linear(size + inputs * (layer == skip), after) for layer, (size, after) in enumerate(pairwise(sizes))]
        )
        self.register_buffer("mean_anchors", torch.zeros(ANCHORS, 3))
        self.register_buffer("identities", torch.zeros(config.identities, layout.size))
        self.register_buffer("expressions", torch.zeros(config.expressions, config.expression))

    @property
    def rest(self) -> Float[Tensor, " code"]:
        """The zero code: the paper knows no other rest."""
        return torch.zeros(self.config.expression, device=self.mean_anchors.device)

    @property
    def hash(self) -> str:
        """Hash of the weights as they are saved."""
        return self.to_checkpoint().hash

    def to_checkpoint(self) -> Checkpoint:
        """Weights in single precision, as they came."""
        tensors = {name: tensor.detach() for name, tensor in self.state_dict().items()}
        return Checkpoint(KIND, asdict(self.config), tensors)

    def identify(self, z_id: Float[Tensor, " identity"]) -> PaperState:
        """Anchors, folded biases and compressed identity of one code."""
        z_global, z_local = self.config.layout.split(z_id[None])
        hidden = z_global[0]
        for layer in self.anchor_layers[:-1]:
            hidden = layer(hidden).relu()
        anchors = self.mean_anchors + self.anchor_layers[-1](hidden).view(ANCHORS, 3)
        biases = [self._fold(member, torch.cat([z_global[0], z_local[0, member]])) for member in range(ANCHORS + 1)]
        return PaperState(anchors, biases, self.compressor(torch.cat([z_id, anchors.flatten()])))

    def canonical(
        self,
        state: PaperState,
        points: Float[Tensor, "point 3"],
        ambient: Float[Tensor, "point ambient"] | None = None,
    ) -> Float[Tensor, " point"]:
        """Signed distance in the canonical pose, at zero ambient coordinates unless given."""
        if ambient is None:
            ambient = points.new_zeros(len(points), self.config.ambient)
        distances = torch.cdist(points, state.anchors, compute_mode="donot_use_mm_for_euclid_dist")
        near, chosen = distances.topk(self.config.neighbours, largest=False)
        weights = blend(torch.cat([near, near.new_full((len(near), 1), GLOBAL_DISTANCE)], 1))
        total = weights[:, -1] * self._member(ANCHORS, state, points, ambient)
        for anchor in range(ANCHORS):
            rows, places = (chosen == anchor).nonzero(as_tuple=True)
            value = self._member(anchor, state, points[rows] - state.anchors[anchor], ambient[rows])
            total = total.index_add(0, rows, weights[rows, places] * value)
        return total

    def deformer(
        self, state: PaperState, code: Float[Tensor, " code"]
    ) -> Callable[[Float[Tensor, "point 3"]], PaperDeformation]:
        """The backward deformation of one frame, identity and expression folded into two biases."""
        condition = torch.cat([state.compressed, code])
        folded = {layer: self._fold_condition(layer, condition) for layer in (0, self.skip)}

        def deform(points: Float[Tensor, "point 3"]) -> PaperDeformation:
            hidden = points @ folded[0][0].T + folded[0][1]
            for layer, linear in enumerate(self.deformation):
                if layer == self.skip:
                    weight, bias = folded[layer]
                    hidden = torch.cat([hidden, points], 1) @ weight.T / 2**0.5 + bias
                elif layer > 0:
                    hidden = linear(hidden)
                if layer < len(self.deformation) - 1:
                    hidden = softplus(hidden, SOFTPLUS_BETA)
            return PaperDeformation(hidden[:, :3], torch.zeros_like(hidden[:, 0]), hidden[:, 3:])

        return deform

    def deform(
        self, state: PaperState, points: Float[Tensor, "point 3"], code: Float[Tensor, " code"]
    ) -> PaperDeformation:
        """The backward deformation: three offsets and the ambient coordinates."""
        return self.deformer(state, code)(points)

    def regions(self, state: PaperState, points: Float[Tensor, "point 3"]) -> Float[Tensor, "point region"]:
        """Share of each `Region` at points of the canonical surface: the paper knows of none, so all is skin."""
        return torch.nn.functional.pad(points.new_ones(len(points), 1), (0, len(Region) - 1))

    def posed(
        self, state: PaperState, code: Float[Tensor, " code"], smoothing: Smoothing | None = None
    ) -> Callable[[Tensor], Tensor]:
        """Signed distance of one identity in one expression. There are no landmarks for a smoothing to go by."""
        assert smoothing is None
        deform = self.deformer(state, code)

        def sdf(points: Float[Tensor, "point 3"]) -> Float[Tensor, " point"]:
            values = []
            for chunk in points.split(CHUNK):
                moved = deform(chunk)
                values.append(self.canonical(state, chunk + moved.offsets, moved.ambient))
            return torch.cat(values)

        return sdf

    def _fold_condition(
        self, layer: int, condition: Float[Tensor, " condition"]
    ) -> tuple[Float[Tensor, "width input"], Float[Tensor, " width"]]:
        """The weight of what varies over points and the bias of all that does not, where (point, condition) enters."""
        linear = self.deformation[layer]
        varying = linear.weight.shape[1] - len(condition)
        share = linear.weight[:, varying:] @ condition
        return linear.weight[:, :varying], linear.bias + (share if layer == 0 else share / 2**0.5)

    def _layers_of(self, member: int) -> list[nn.Linear]:
        layers = self.members[WEIGHT_SETS if member == ANCHORS else weight_set(member)]
        return list(layers)  # pyright: ignore[reportArgumentType]

    def _fold(self, member: int, code: Float[Tensor, " code"]) -> Float[Tensor, " width"]:
        first = self._layers_of(member)[0]
        return first.bias + first.weight[:, : len(code)] @ code

    def _member(
        self, member: int, state: PaperState, local: Float[Tensor, "row 3"], ambient: Float[Tensor, "row ambient"]
    ) -> Float[Tensor, " row"]:
        """One network at points in its own coordinates."""
        if member < ANCHORS and mirrored(member):
            local = local * local.new_tensor([-1.0, 1.0, 1.0])
        first, *rest = self._layers_of(member)
        inputs = torch.cat([local, ambient], 1)
        hidden = inputs @ first.weight[:, -inputs.shape[1] :].T + state.first_biases[member]
        for layer in rest:
            hidden = layer(softplus(hidden, SOFTPLUS_BETA))
        return hidden[:, 0]


def blend(distances: Float[Tensor, "point member"]) -> Float[Tensor, "point member"]:
    """Gaussian weights exp(-(d/s)^2 / 2) / sum, s a quarter of the furthest neighbour's distance; global last."""
    spread = distances[:, :-1].max(1, keepdim=True).values / SPREADS_TO_FURTHEST
    weights = (-((distances / spread) ** 2) / 2).exp()
    return weights / (weights.sum(1, keepdim=True) + 1e-8)


def _layers(sizes: list[int]) -> nn.ModuleList:
    return nn.ModuleList([nn.Linear(before, after) for before, after in pairwise(sizes)])
