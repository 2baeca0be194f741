"""The paper's own head, sizes and formulas to the letter, and the door for checkpoints in its public layout.

Backward-deformation NPHM (Giebenhain et al. 2023 and 2024, Tang et al. 2024): Softplus with beta 100, the 8 nearest
local networks and a global one under Gaussian weights, two ambient coordinates. The zero code is neutral here, and
nothing is relative to a rest code. Codes are constant over points and folded into first-layer biases, exactly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from facetalk.errors import CheckpointError
from facetalk.head.anatomy import ANCHORS, WEIGHT_SETS, CodeLayout, mirrored, weight_set

SOFTPLUS_BETA = 100.0
GLOBAL_DISTANCE = 0.75
"""Distance the global member is given in the blend, in units."""
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


@dataclass(frozen=True)
class PaperState:
    """What one identity fixes."""

    anchors: Float[Tensor, "39 3"]
    first_biases: list[Float[Tensor, " width"]]
    """First-layer bias of each anchor's network, then of the global one."""
    compressed: Float[Tensor, " compressed"]


@dataclass(frozen=True)
class PaperDeformation:
    """Where posed points lie in the canonical pose, and their ambient coordinates there."""

    offsets: Float[Tensor, "point 3"]
    level: Float[Tensor, " point"]
    """Zero: the ambient coordinates do this work."""
    ambient: Float[Tensor, "point ambient"]


class PaperHead(nn.Module):
    """Identity ensemble, anchors and deformation of the paper."""

    mean_anchors: Float[Tensor, "39 3"]

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

    @property
    def rest(self) -> Float[Tensor, " code"]:
        """The zero code: the paper knows no other rest."""
        return torch.zeros(self.config.expression)

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

    def deform(
        self, state: PaperState, points: Float[Tensor, "point 3"], code: Float[Tensor, " code"]
    ) -> PaperDeformation:
        """The backward deformation: three offsets and the ambient coordinates."""
        condition = torch.cat([state.compressed, code]).expand(len(points), -1)
        inputs = torch.cat([points, condition], 1)
        hidden = inputs
        for layer, linear in enumerate(self.deformation):
            if layer == self.skip:
                hidden = torch.cat([hidden, inputs], 1) / 2**0.5
            hidden = linear(hidden)
            if layer < len(self.deformation) - 1:
                hidden = softplus(hidden, SOFTPLUS_BETA)
        return PaperDeformation(hidden[:, :3], torch.zeros_like(hidden[:, 0]), hidden[:, 3:])

    def posed(self, state: PaperState, code: Float[Tensor, " code"]):
        """Signed distance of one identity in one expression."""

        def sdf(points: Float[Tensor, "point 3"]) -> Float[Tensor, " point"]:
            moved = self.deform(state, points, code)
            return self.canonical(state, points + moved.offsets, moved.ambient)

        return sdf

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


def read_published(
    tensors: Mapping[str, Tensor], mean_anchors: Float[Tensor, "39 3"], prefix: str = "weights."
) -> PaperHead:
    """A head from tensors in the layout of the public checkpoints, sizes taken from the tensors.

    Raises:
        CheckpointError: tensors are missing or of other shapes.
    """
    try:
        named = {
            _our_name(name.removeprefix(prefix)): value for name, value in tensors.items() if name.startswith(prefix)
        }
        head = PaperHead(_sizes(named))
        head.load_state_dict({**named, "mean_anchors": mean_anchors})
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"not a backward NPHM in the public layout ({str(error).splitlines()[0]})") from error
    return head.eval().requires_grad_(False)


def _our_name(name: str) -> str:
    """`id_model.mlp_pos.2.weight` is our `anchor_layers.1.weight`, and so on."""
    parts = name.split(".")
    match parts:
        case ["id_model", "mlp_pos", index, kind]:
            return f"anchor_layers.{int(index) // 2}.{kind}"
        case ["id_model", "deepSDFensemble", "layers", member, "layers", index, kind]:
            return f"members.{member}.{int(index) // 2}.{kind}"
        case ["ex_model", "compressor", "0", kind]:
            return f"compressor.{kind}"
        case ["ex_model", "defDeepSDF", layer, kind]:
            return f"deformation.{layer.removeprefix('lin')}.{kind}"
    raise CheckpointError(f"unknown tensor {name!r} in a backward NPHM checkpoint")


def _sizes(named: Mapping[str, Tensor]) -> PaperConfig:
    """The config that tensors imply."""
    global_size = named["anchor_layers.0.weight"].shape[1]
    compressed, whole = named["compressor.weight"].shape
    last = max(int(name.split(".")[1]) for name in named if name.startswith("deformation."))
    depth = max(int(name.split(".")[2]) for name in named if name.startswith("members.0."))
    return PaperConfig(
        layout=CodeLayout(global_size, (whole - 3 * ANCHORS - global_size) // (ANCHORS + 1)),
        expression=named["deformation.0.weight"].shape[1] - 3 - compressed,
        compressed=compressed,
        local_width=named["members.0.0.weight"].shape[0],
        local_depth=depth,
        width=named["deformation.0.weight"].shape[0],
        depth=last,
        ambient=named[f"deformation.{last}.weight"].shape[0] - 3,
        anchor_width=named["anchor_layers.0.weight"].shape[0],
    )


def _layers(sizes: list[int]) -> nn.ModuleList:
    return nn.ModuleList([nn.Linear(before, after) for before, after in pairwise(sizes)])
