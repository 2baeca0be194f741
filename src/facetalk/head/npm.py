"""A baseline: one global network for the identity, DeepSDF's (Park et al. 2019), and one for the deformation.

Neural parametric models (Palafox et al. 2021) are this: no anchors, no windows. It takes the ensemble's place in a
head, and points enter it as they enter the ensemble's global member, so that the two differ in being local alone.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu

from facetalk.head.anatomy import Anatomy, CodeLayout
from facetalk.head.features import wave_count, waves


@dataclass(frozen=True)
class GlobalConfig:
    """Sizes of the global identity network."""

    global_width: int = 160
    layers: int = 8
    """Hidden layers; in the middle one point and code enter again."""
    global_wavelengths: tuple[float, ...] = (0.36, 0.18, 0.09)
    """Wavelengths of the sine and cosine inputs, in units."""
    ball_centre: tuple[float, float, float] = (0.0, 0.06, -0.12)
    ball_radius: float = 0.36
    """The network corrects the signed distance to this ball."""


class GlobalIdentity(nn.Module):
    """Signed distance in the canonical pose from one network that sees point and whole code."""

    def __init__(self, config: GlobalConfig, layout: CodeLayout) -> None:
        super().__init__()
        self.config = config
        width, inputs = config.global_width, wave_count(config.global_wavelengths)
        self.first, self.skip = (nn.Linear(inputs, width) for _ in range(2))
        self.first_code, self.skip_code = (nn.Linear(layout.size, width, bias=False) for _ in range(2))
        self.hidden = nn.ModuleList([nn.Linear(width, width) for _ in range(config.layers - 1)])
        self.last = nn.Linear(width, 1)
        for layer, gain in [(self.first, 1.6), (self.skip, 0.5), *((layer, 1.6) for layer in self.hidden)]:
            nn.init.normal_(layer.weight, std=gain / layer.in_features**0.5)
        for layer in (self.first_code, self.skip_code):
            nn.init.normal_(layer.weight, std=0.5 / layer.in_features**0.5)
        nn.init.normal_(self.last.weight, std=0.02 / width**0.5)
        nn.init.zeros_(self.last.bias)

    def fit_windows(self, anchors: Float[Tensor, "39 3"]) -> None:
        """There are none."""

    def biases(
        self, z_global: Float[Tensor, "identity global"], z_local: Float[Tensor, "identity 40 local"]
    ) -> tuple[Float[Tensor, "identity width"], Float[Tensor, "identity width"]]:
        """What the code adds to the first layer and to the middle one."""
        code = torch.cat([z_global, z_local.flatten(1)], -1)
        return self.first_code(code), self.skip_code(code)

    def forward(
        self,
        anatomy: Anatomy,
        biases: tuple[Float[Tensor, "identity width"], Float[Tensor, "identity width"]],
        points: Float[Tensor, "identity point 3"],
    ) -> Float[Tensor, "identity point"]:
        """Signed distances, in units; where anchors are is of no account."""
        inputs = waves(points, self.config.global_wavelengths)
        hidden = silu(self.first(inputs) + biases[0][:, None])
        for number, layer in enumerate(self.hidden):
            more = self.skip(inputs) + biases[1][:, None] if number == len(self.hidden) // 2 else 0.0
            hidden = silu(layer(hidden) + more)
        centre = torch.tensor(self.config.ball_centre, device=points.device)
        ball = ((points - centre).square().sum(-1) + 1e-8).sqrt() - self.config.ball_radius
        return ball + self.last(hidden)[..., 0]
