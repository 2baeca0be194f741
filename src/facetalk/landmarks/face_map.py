"""Where landmarks lie on a head, as a linear function of who it is and of its ARKit weights; and what is likely.

Knows numbers only: they are taken from a head source by `facetalk.training.landmark_map` and kept with the weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.checkpoint import Checkpoint
from facetalk.errors import CheckpointError

KIND = "landmark map"


@dataclass(frozen=True)
class FaceMap:
    """places = neutral + identity · identities + weights · expressions, in NPHM units."""

    neutral: Float[Tensor, "70 3"]
    identities: Float[Tensor, "mode 70 3"]
    """Displacements of one standard deviation."""
    expressions: Float[Tensor, "52 70 3"]
    mean: Float[Tensor, " 52"]
    """ARKit weights that are usual."""
    covariance: Float[Tensor, "52 52"]
    """How weights stray from there, together."""

    def places(
        self, neutral: Float[Tensor, "*#frame 70 3"], weights: Float[Tensor, "*frame 52"]
    ) -> Float[Tensor, "*frame 70 3"]:
        """Landmarks of a face with these neutral places."""
        return neutral + torch.einsum("...w,wpc->...pc", weights, self.expressions)

    def person(self, identity: Float[Tensor, " mode"]) -> Float[Tensor, "70 3"]:
        """Neutral landmarks of one person."""
        return self.neutral + torch.einsum("m,mpc->pc", identity, self.identities)

    @property
    def checkpoint(self) -> Checkpoint:
        """The map in half precision, rounded by far less than a tracker's noise."""
        return Checkpoint(KIND, {}, {name: value.half() for name, value in self.tensors().items()})

    def tensors(self) -> dict[str, Tensor]:
        """The numbers by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def hash(self) -> str:
        """Hash of the map as it is kept."""
        return self.checkpoint.hash

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], name: str) -> "FaceMap":
        """What `tensors` returned, or its halves.

        Raises:
            CheckpointError: a part is missing.
        """
        missing = [field.name for field in fields(cls) if field.name not in tensors]
        if missing:
            raise CheckpointError(f"{name}: damaged landmark weights ({missing[0]} is missing)")
        return cls(**{field.name: tensors[field.name].float() for field in fields(cls)})
