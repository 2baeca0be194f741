"""Expressiveness: how far codes stray from rest."""

from jaxtyping import Float
from torch import Tensor


def express(
    codes: Float[Tensor, "*batch code"], rest: Float[Tensor, " code"], amount: float | Float[Tensor, "*#batch 1"]
) -> Float[Tensor, "*batch code"]:
    """θ_rest + r(θ − θ_rest): 1 changes nothing, 0 is rest.

    The paper scales θ itself (§4); our canonical mouth is open, so the zero code is no face to shrink towards.
    """
    return rest + amount * (codes - rest)
