"""Timed phones → segments whose times are where the sound really is.

The labels of the timed-speech set need four repairs, made here from the clip's energy:
they trail the sound by a constant; pauses inside a clip belong to no label and are swallowed by the phone before;
a word boundary takes time that its neighbours fill; and a stop is one label, whose closure and burst look different.
"""

from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from facetalk.data.loudness import STEP_S, Loudness
from facetalk.data.timed_speech import BOUNDARY, SILENCE, Phone

LABEL_LAG_S = 0.055
"""Seconds by which the labels trail the sound: hiss against s z ʃ ʒ, murmur against m n, silence against p t k all
give 50–65 ms, the same for every voice and language."""
QUIET_DB = -38.0
PAUSE_S = 0.15
"""A shorter silence is a stop's closure."""
CLOSURE_S = 0.07
"""Closure of a stop beside a pause, where silence hides its beginning or end."""
SHORTEST_S = 0.02
STOPS = frozenset("ptkbdɡcɟʈɖqʔ")
BILABIAL = frozenset("pbm")
CONTRAST_DB = 8.0
"""Least fall of the middle band that is believed to be a closure."""


class Part(Enum):
    """Which part of a phone a segment is."""

    WHOLE = ""
    CLOSURE = "closure"
    BURST = "burst"


@dataclass(frozen=True)
class Segment:
    """A stretch of sound in one articulation; segments follow each other without gaps. Times in seconds."""

    symbol: str
    start: float
    end: float
    stress: int = 0
    """0 none, 1 secondary, 2 primary."""
    is_long: bool = False
    part: Part = Part.WHOLE

    @property
    def is_silent(self) -> bool:
        """A pause or the edge of a clip."""
        return self.symbol == SILENCE

    @property
    def label(self) -> str:
        """Symbol in written files: the burst of a stop is marked by ʼ after it."""
        return self.symbol + ("ʼ" if self.part is Part.BURST else "")


def segment(phones: tuple[Phone, ...], loudness: Loudness) -> tuple[Segment, ...]:
    """Segments of a clip, from time zero to the end of its last label."""
    end = float(phones[-1].end)
    moved = [_moved(phone, end) for phone in phones]
    joined = _without_boundaries(_with_pauses(moved, _pauses(loudness, end), end))
    exact = _on_the_sound(joined, loudness)
    parts = [part for item in exact for part in _parts(item, loudness)]
    return tuple(_contiguous(parts, end))


def _moved(phone: Phone, end: float) -> Segment:
    start = max(0.0, float(phone.start) - LABEL_LAG_S)
    stop = end if float(phone.end) >= end else float(phone.end) - LABEL_LAG_S
    return Segment(phone.symbol, start, max(start, stop), phone.stress, phone.is_long)


def _pauses(loudness: Loudness, end: float) -> list[tuple[float, float]]:
    """Spans of silence longer than `PAUSE_S` inside the clip."""
    quiet = np.concatenate([[False], loudness.full < QUIET_DB, [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(int))) * STEP_S
    spans = [(float(first), float(last)) for first, last in edges.reshape(-1, 2) if last - first >= PAUSE_S]
    return [(first, min(last, end)) for first, last in spans if first < end]


def _with_pauses(items: list[Segment], pauses: list[tuple[float, float]], end: float) -> list[Segment]:
    """Phones pushed out of the pauses, which become segments of their own; edge labels are pauses already."""
    sounds = [item for item in items if item.symbol != SILENCE and item.end > item.start]
    inner = [span for span in pauses if span[0] > 0 and span[1] < end - STEP_S]
    for pause in inner:
        sounds = _split_at(sounds, pause)
    first = max((last for start, last in pauses if start <= 0), default=sounds[0].start if sounds else end)
    last = min((start for start, stop in pauses if stop >= end - STEP_S), default=end)
    if not sounds or first >= last:
        return [Segment(SILENCE, 0.0, end)]
    sounds = _after(_before(sounds, last), first)
    return [Segment(SILENCE, 0.0, sounds[0].start), *sounds, Segment(SILENCE, sounds[-1].end, end)]


def _split_at(items: list[Segment], pause: tuple[float, float]) -> list[Segment]:
    """The pause put at the best place between two phones, and those pushed to its sides."""
    first, last = pause
    cut = min(range(1, len(items)), key=lambda place: _misfit(items, place, pause), default=0)
    if not cut:
        return items
    # A word boundary beside a pause is the pause.
    before = items[: cut - 1] if items[cut - 1].symbol == BOUNDARY else items[:cut]
    after = items[cut + 1 :] if items[cut].symbol == BOUNDARY else items[cut:]
    if not before or not after:
        return items
    if before[-1].symbol in STOPS:
        first = min(first + CLOSURE_S, last - CLOSURE_S)
    if after[0].symbol in STOPS:
        last = max(last - CLOSURE_S, first + STEP_S)
    return [*_before(before, first), Segment(SILENCE, first, last), *_after(after, last)]


def _misfit(items: list[Segment], place: int, pause: tuple[float, float]) -> float:
    """How far a pause is from the gap before `items[place]`; boundaries and silences attract it."""
    time = items[place].start
    distance = max(pause[0] - time, time - pause[1], 0.0) + 0.05 * abs(time - pause[1])
    is_boundary = BOUNDARY in (items[place].symbol, items[place - 1].symbol)
    is_taken = SILENCE in (items[place].symbol, items[place - 1].symbol)
    return distance - 0.12 * is_boundary + 9.0 * is_taken


def _before(items: list[Segment], limit: float) -> list[Segment]:
    """Phones ending at `limit`: the last one reaches it, spilled ones are pushed back to their shortest."""
    kept = list(items)
    kept[-1] = replace(kept[-1], end=limit)
    for place in range(len(kept) - 1, -1, -1):
        end = min(kept[place].end, limit) if place < len(kept) - 1 else limit
        start = min(kept[place].start, end - SHORTEST_S)
        kept[place] = replace(kept[place], start=start, end=end)
        limit = start
    return kept


def _after(items: list[Segment], limit: float) -> list[Segment]:
    """Phones starting at `limit`, the mirror image of `_before`."""
    kept = list(items)
    for place, item in enumerate(kept):
        start = limit if place == 0 else max(item.start, limit)
        end = max(item.end, start + SHORTEST_S)
        kept[place] = replace(item, start=start, end=end)
        limit = end
    return kept


def _without_boundaries(items: list[Segment]) -> list[Segment]:
    """Audible word boundaries given to their neighbours, half each."""
    kept: list[Segment] = []
    for item in items:
        if item.symbol != BOUNDARY:
            kept.append(item)
    for place, (before, after) in enumerate(pairwise(kept)):
        middle = (before.end + after.start) / 2
        middle = before.end if before.is_silent else after.start if after.is_silent else middle
        kept[place] = replace(before, end=middle)
        kept[place + 1] = replace(after, start=middle)
    return kept


def _on_the_sound(items: list[Segment], loudness: Loudness) -> list[Segment]:
    """Closures and /m/ moved to where the middle band really falls and rises."""
    exact = list(items)
    for place in range(1, len(exact) - 1):
        item = exact[place]
        if item.symbol not in STOPS | BILABIAL:
            continue
        left = exact[place - 1].start + SHORTEST_S
        right = exact[place + 1].end - SHORTEST_S
        start, end = _closure(item, loudness, left, right)
        if item.symbol in STOPS:  # the burst stays with its label
            end = max(item.end, min(end + SHORTEST_S, right))
        if not exact[place - 1].is_silent:
            exact[place - 1] = replace(exact[place - 1], end=start)
            item = replace(item, start=start)
        if not exact[place + 1].is_silent:
            exact[place + 1] = replace(exact[place + 1], start=end)
            item = replace(item, end=end)
        exact[place] = item
    return exact


def _closure(item: Segment, loudness: Loudness, left: float, right: float) -> tuple[float, float]:
    """Where the middle band is low round a closed phone; the label's times where it does not fall."""
    reach = 0.04
    first = max(0, int(max(left, item.start - reach) / STEP_S))
    last = min(len(loudness.middle), int(min(right, item.end + reach) / STEP_S) + 1)
    level = loudness.middle[first:last]
    if len(level) < 5:
        return item.start, item.end
    low = int(level.argmin())
    threshold = (level[low] + np.minimum(level[: low + 1].max(), level[low:].max())) / 2
    if threshold - level[low] < CONTRAST_DB / 2:
        return item.start, item.end
    above = np.flatnonzero(level > threshold)
    start = above[above < low].max(initial=-1) + 1
    end = above[above > low].min(initial=len(level))
    if (end - start) * STEP_S < SHORTEST_S:
        return item.start, item.end
    return (first + start) * STEP_S, (first + end) * STEP_S


def _parts(item: Segment, loudness: Loudness) -> list[Segment]:
    """A stop's closure and burst; other phones whole."""
    if item.symbol not in STOPS:
        return [item]
    burst = _burst(item, loudness)
    if item.end - burst < STEP_S:
        return [replace(item, part=Part.CLOSURE)]
    return [replace(item, end=burst, part=Part.CLOSURE), replace(item, start=burst, part=Part.BURST)]


def _burst(item: Segment, loudness: Loudness) -> float:
    """The steepest rise of level after a stop's quietest moment; two thirds into the label where there is none."""
    first, last = int(item.start / STEP_S), min(len(loudness.full) - 1, int(item.end / STEP_S))
    level: Float[np.ndarray, " step"] = np.maximum(loudness.middle, loudness.high)[first : last + 1]
    if len(level) < 6:
        return item.start + (item.end - item.start) * 2 / 3
    low = int(level[: len(level) * 3 // 4].argmin())
    rise = level[low + 2 :] - level[low:-2]
    if not len(rise) or rise.max() < CONTRAST_DB / 2:
        return item.start + (item.end - item.start) * 2 / 3
    return max((first + low + int(rise.argmax()) + 1) * STEP_S, item.start + SHORTEST_S)


def _contiguous(items: list[Segment], end: float) -> list[Segment]:
    """The same segments with gaps closed and empty ones left out."""
    kept: list[Segment] = []
    for item in items:
        start = kept[-1].end if kept else 0.0
        if min(item.end, end) > start + 1e-9:
            kept.append(replace(item, start=start, end=min(item.end, end)))
    kept[-1] = replace(kept[-1], end=end)
    return kept
