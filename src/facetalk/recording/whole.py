"""Windows of the fast settings become one sequence: every frame where its last window found it, then one walk."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from facetalk.errors import InputError
from facetalk.recording.blend import joined
from facetalk.recording.poses import apart
from facetalk.recording.problem import Person
from facetalk.recording.states import Evidence, State, matrices
from facetalk.recording.walk import WEIGHTS, Expected, Walk, walked

SPAN, COMMON = 240, 24
"""Frames that learn their steps together: ten seconds; where two spans meet, the later one fades in."""


def whole(person: Person, windows: Sequence[State], starts: Sequence[int], expected: Expected, walk: Walk) -> State:
    """All frames of windows that begin at `starts`, moved to where the whole sequence has them."""
    latest, evidence = _latest(windows, starts)
    firsts = [first for first in range(0, len(latest), SPAN - COMMON) if first == 0 or first + COMMON < len(latest)]
    spans = [slice(first, first + SPAN) for first in firsts]
    return joined([_walked(person, latest.rows(s), evidence.rows(s), expected, walk) for s in spans], firsts)


def _latest(windows: Sequence[State], starts: Sequence[int]) -> tuple[State, Evidence]:
    """Every frame as the last window that holds it has it, and what its points say there."""
    ends = [*np.diff(starts).tolist(), None]
    parts = [window.rows(slice(0, end)) for window, end in zip(windows, ends, strict=True)]
    known = [part.evidence for part in parts if part.evidence is not None]
    if len(known) < len(parts):
        raise InputError("windows were fitted by an earlier version; remove .work of the dataset, and fit again")
    state = (np.concatenate([getattr(part, name) for part in parts]) for name in ("weights", "T_head_world", "codes"))
    evidence = (np.concatenate([getattr(each, name) for each in known]) for name in ("squares", "pulls"))
    return State(*state), Evidence(*evidence)


def _walked(person: Person, state: State, evidence: Evidence, expected: Expected, walk: Walk) -> State:
    places, weights = state.placements, state.weights.astype(np.float64)
    steps = [apart(*pair, person.face) for pair in pairwise(places)]
    moved = walked(weights, np.array(steps).reshape(-1, 6), evidence, expected, walk)
    weights = weights + moved[:, :WEIGHTS]
    moves = zip(places, moved[:, WEIGHTS : WEIGHTS + 3], moved[:, WEIGHTS + 3 :], strict=True)
    places = [place.nudged(turn, shift_mm, person.face) for place, turn, shift_mm in moves]
    with torch.no_grad():
        codes = person.head.rig(torch.from_numpy(weights).float()).numpy()
    return State(weights.astype(np.float32), matrices(places), codes)
