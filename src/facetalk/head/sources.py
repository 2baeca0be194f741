"""Maps from identity weights to identity codes for the sources a head was trained on beside its first."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from facetalk.errors import InputError

FIRST_SOURCE = "ICT-FaceKit"
"""Name of the source of `Head.source`, whose people have 100 weights and a code of zero in the mean."""


class SourceMaps(nn.ParameterDict):
    """A linear map for each source by its name: a row for its mean person, then one for each identity weight.

    Weights that know no further source hold no tensor of this, so that they and their hashes stay as they were.
    """

    def learn(self, source: str, modes: int, code: int) -> None:
        """Make room for a source; the first one and those already known are left alone."""
        if source != FIRST_SOURCE and source not in self:
            self[source] = nn.Parameter(torch.cat([torch.zeros(1, code), torch.randn(modes, code) / modes**0.5]))

    def standard_codes(self, source: str, weights: Float[Tensor, "identity mode"]) -> Float[Tensor, "identity code"]:
        """Codes of about unit spread.

        Raises:
            InputError: the source is not known, or its people have another number of weights.
        """
        if source not in self:
            known = ", ".join([FIRST_SOURCE, *self.keys()])
            raise InputError(f"this head knows no people of {source!r}, only of {known}; train it on a set of theirs")
        mean, modes = self[source][:1], self[source][1:]
        if len(modes) != weights.shape[1]:
            raise InputError(
                f"people of {source!r} have {len(modes)} weights here, not {weights.shape[1]}; make the set again"
            )
        return mean + weights @ modes

    def expect(self, prefix: str, tensors: Mapping[str, Tensor]) -> None:
        """Make room for the maps that a file's tensors hold under `prefix`."""
        for name, tensor in tensors.items():
            if name.startswith(prefix):
                self[name.removeprefix(prefix)] = nn.Parameter(torch.empty(tensor.shape))
