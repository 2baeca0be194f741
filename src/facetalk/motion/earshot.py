"""What is within hearing: of a stream of features those about a window, and no others."""

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.types import SpeechStream


class Earshot:
    """Windows of a stream with what is heard on each side of them, asked for in order.

    It keeps what later windows still hear, and what of the last piece they have not come to: memory does not grow with
    the stream.

    Args:
        stream: features, read as far as windows need them.
        reach: frames heard on each side.
    """

    def __init__(self, stream: SpeechStream, reach: int) -> None:
        self.stream, self.reach = stream, reach
        self._kept: list[Float[Tensor, "frame feature"]] = []
        self._first = 0

    def __call__(self, wanted: range) -> Float[Tensor, "heard feature"]:
        """The wanted frames and `reach` on each side; before the first frame of all and behind the last, those."""
        asked = torch.arange(wanted.start - self.reach, wanted.stop + self.reach).clamp(0, len(self.stream) - 1)
        self._read(int(asked[-1]) + 1)
        self._forget(int(asked[0]))
        known = self._kept[0] if len(self._kept) == 1 else torch.cat(self._kept)
        return known[(asked - self._first).to(known.device)]

    def _read(self, end: int) -> None:
        """Pieces until frame `end` is reached."""
        while self._first + sum(map(len, self._kept)) < end:
            self._kept.append(next(self.stream.pieces))

    def _forget(self, begin: int) -> None:
        """Pieces that end before frame `begin`."""
        while self._first + len(self._kept[0]) <= begin:
            self._first += len(self._kept.pop(0))
