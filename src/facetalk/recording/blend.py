"""Windows become one sequence: where two overlap, the later one fades in."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation, Slerp

from facetalk.recording.poses import Placement
from facetalk.recording.states import State, matrices


def joined(windows: Sequence[State], starts: Sequence[int]) -> State:
    """All frames of windows that begin at `starts`."""
    whole = windows[0]
    for window, start in zip(windows[1:], starts[1:], strict=True):
        common = len(whole) - start
        share = (np.arange(common) + 1.0) / (common + 1)
        mixed = _mixed(whole.rows(slice(start, None)), window.rows(slice(0, common)), share)
        parts = [whole.rows(slice(0, start)), mixed, window.rows(slice(common, None))]
        names = ("weights", "T_head_world", "codes")
        whole = State(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return whole


def _mixed(earlier: State, later: State, share: Float[np.ndarray, " frame"]) -> State:
    of_later = share[:, None]
    pairs = zip(earlier.placements, later.placements, share.tolist(), strict=True)
    return State(
        ((1 - of_later) * earlier.weights + of_later * later.weights).astype(earlier.weights.dtype),
        matrices([_between(*pair) for pair in pairs]),
        ((1 - of_later) * earlier.codes + of_later * later.codes).astype(earlier.codes.dtype),
    )


def _between(earlier: Placement, later: Placement, share: float) -> Placement:
    """Turned part of the way, the head's origin moved straight."""
    turns = Slerp([0.0, 1.0], Rotation.from_matrix(np.stack([earlier.turn, later.turn])))
    turn = turns(share).as_matrix()
    origins = [-place.turn.T @ place.shift / place.size for place in (earlier, later)]
    origin = (1 - share) * origins[0] + share * origins[1]
    return Placement(turn, -earlier.size * turn @ origin, earlier.size)
