"""The paper's settings (§3): Adam on free codes of a window's frames, poses held.

L = 10 · mean |SDF| + 0.1 · Σ Huber(θ_{i+1} − θ_i) + 0.0025 · Σ ‖θ_i‖², 5000 points of each frame drawn uniformly in
every iteration, 500 iterations, steps of 1e-3 and from iteration 300 on 1e-4. The paper leaves Huber's ε open; here it
is 1, as libraries have it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import huber_loss

from facetalk.head.fitting import posed_distances
from facetalk.recording.blend import joined
from facetalk.recording.problem import Person, Window
from facetalk.recording.states import State


@dataclass(frozen=True)
class PaperConfig:
    """The paper's numbers."""

    window: int = 10
    overlap: int = 2
    points: int = 5000
    iterations: int = 500
    late: int = 300
    """Iteration from which steps are a tenth."""
    rate: float = 1e-3
    sdf: float = 10.0
    huber: float = 0.1
    edge: float = 1.0
    """ε of Huber's penalty."""
    norm: float = 0.0025

    def __call__(self, window: Window) -> State:
        """The frames of a window."""
        head, z_id = window.person.head, window.person.z_id[None]
        codes = torch.from_numpy(window.start.codes.copy()).requires_grad_(True)
        optimiser = torch.optim.Adam([codes], self.rate)
        randoms = [window.random(frame) for frame in range(len(window.clouds))]
        known = torch.tensor([len(cloud) > 0 for cloud in window.clouds])
        for iteration in range(self.iterations):
            for group in optimiser.param_groups:
                group["lr"] = self.rate * (0.1 if iteration >= self.late else 1.0)
            distance = posed_distances(head, z_id, codes, self._drawn(window, randoms))
            loss = self.sdf * distance.abs().mean(1)[known].mean() + self.regular(codes)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        found = codes.detach()
        return State(head.rig.solve(found).numpy(), window.start.T_head_world, found.numpy())

    def joined(self, person: Person, windows: Sequence[State], starts: Sequence[int]) -> State:
        """All frames of windows that begin at `starts`."""
        return joined(windows, starts)

    def regular(self, codes: Float[Tensor, "frame code"]) -> Float[Tensor, ""]:
        """The two terms that know no points."""
        steps = codes.diff(dim=0)
        tied = huber_loss(steps, torch.zeros_like(steps), reduction="sum", delta=self.edge)
        return self.huber * tied + self.norm * codes.square().sum()

    def _drawn(self, window: Window, randoms: list[np.random.Generator]) -> Float[Tensor, "frame point 3"]:
        placed = np.zeros((len(window.clouds), self.points, 3), np.float32)
        each = zip(window.clouds, window.start.placements, randoms, strict=True)
        for frame, (cloud, place, random) in enumerate(each):
            if len(cloud):
                placed[frame] = place(cloud[random.integers(len(cloud), size=self.points)])
        return torch.from_numpy(placed)
