"""Finding the code of a hairstyle that was never trained, from points about it."""

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.head.hair import HairField
from facetalk.training.hair import HairRecipe, distance_error
from facetalk.training.hair_data import HairBatch

STEPS, RATE = 150, 0.03


def fitted(
    kind: HairField, batch: HairBatch, recipe: HairRecipe, steps: int = STEPS, points: int = 1500
) -> Float[Tensor, " code"]:
    """The code for the one row of `batch`: from the best trained code on, by Adam."""
    known = kind.codes.detach().flatten(0, 1)
    generator = torch.Generator().manual_seed(0)

    def error(codes: Float[Tensor, "some code"]) -> Float[Tensor, ""]:
        chosen = torch.randint(batch.distance.shape[1], (points,), generator=generator)
        part = HairBatch(
            batch.points[:, chosen], batch.skin[:, chosen], batch.distance[:, chosen], batch.way[:, chosen]
        )
        return distance_error(kind(kind.fold(codes), part.points, part.skin).distance, part, recipe)

    with torch.no_grad():
        first = min(range(len(known)), key=lambda row: float(error(known[row : row + 1])))
    code = known[first].clone().requires_grad_(True)
    optimiser = torch.optim.Adam([code], lr=RATE)
    for _ in range(steps):
        optimiser.zero_grad()
        error(code[None]).backward()
        optimiser.step()
    return code.detach()
