"""Importer of the timed-speech set: clips with the time of every phoneme, and the splits fixed for them.

Layout: `index.jsonl` (one clip a line: id, voice, language, text, samples, frames) and `clips/<id>.ogg`.
`frames` is a list of [symbol, n]: the symbol lasts n frames of exactly 25 ms.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from facetalk.errors import InputError

LABEL_SECONDS = Fraction(1, 40)
"""Length of one label frame: 600 samples at 24 kHz."""

HELD_OUT_VOICES = frozenset(
    {"af_nova", "am_eric", "bf_lily", "bm_daniel", "em_alex", "im_nicola", "pm_alex", "hf_beta", "zm_yunxi"}
)
"""Voices never trained on."""

SINGLE_VOICE_LANGUAGES = frozenset({"fr-fr"})
"""Languages with one voice: a sixth of their texts is held out instead."""

SILENCE = "_"
"""Symbol of the silent edges of a clip."""
BOUNDARY = " "
"""Symbol of a word boundary or a pause; it may or may not be silent."""

_PRIMARY, _SECONDARY, _LENGTH = "ˈ", "ˌ", "ː"
_BEFORE = {_PRIMARY: 2, _SECONDARY: 1}
_AFTER = {_LENGTH, "̃", "ʰ"}
_PUNCTUATION = set('.,;:?!"—…')


@dataclass(frozen=True)
class Phone:
    """One sound with its time; marks of stress, length and nasality are folded into the sound that carries them."""

    symbol: str
    start: Fraction
    """Seconds."""
    end: Fraction
    """Seconds."""
    stress: int = 0
    """0 none, 1 secondary, 2 primary."""
    is_long: bool = False
    pause: str = ""
    """Punctuation inside a boundary, if any."""


@dataclass(frozen=True)
class TimedClip:
    """A clip of speech and its phones, which cover it without a gap."""

    id: str
    voice: str
    language: str
    text: str
    path: Path
    duration: Fraction
    """Seconds."""
    phones: tuple[Phone, ...]
    split: str
    """"train"; "validation" (known voice, unseen text); or "test" (unseen voice and unseen text)."""


def read(folder: Path | str) -> tuple[TimedClip, ...]:
    """All clips of a timed-speech folder, in index order, each with its split.

    Raises:
        InputError: there is no index, or a line of it is not as documented.
    """
    index = Path(folder) / "index.jsonl"
    if not index.is_file():
        raise InputError(f"{index}: no such file; give the folder that holds index.jsonl and clips/")
    rows = [_parse(line, number, index) for number, line in enumerate(index.read_text("utf-8").splitlines(), 1)]
    held = held_out_texts((row["voice"], row["language"], row["text"]) for row in rows)
    return tuple(_clip(row, Path(folder), held) for row in rows)


def held_out_texts(clips: Iterable[tuple[str, str, str]]) -> frozenset[str]:
    """Texts no training clip may speak, from (voice, language, text) of every clip.

    They are the texts of held-out voices, a sixth of those of single-voice languages, and one in 32 of the rest.
    """
    held = set()
    for voice, language, text in clips:
        share = 6 if language in SINGLE_VOICE_LANGUAGES else 32
        if voice in HELD_OUT_VOICES or _draw(text) % share == 0:
            held.add(text)
    return frozenset(held)


def split_of(voice: str, language: str, *, text_is_held: bool) -> str:
    """Name of the split a clip belongs to."""
    if not text_is_held:
        return "train"
    return "test" if voice in HELD_OUT_VOICES or language in SINGLE_VOICE_LANGUAGES else "validation"


def fold(frames: Iterable[tuple[str, int]]) -> tuple[Phone, ...]:
    """Phones of a label sequence.

    A stress mark gives its time to the next sound, a mark of length or nasality to the one before,
    and punctuation joins the boundary beside it.
    """
    phones: list[Phone] = []
    time, start, stress = Fraction(0), Fraction(0), 0
    for symbol, count in frames:
        end = time + count * LABEL_SECONDS
        if symbol in _BEFORE:
            stress = _BEFORE[symbol]
        elif symbol in _AFTER and phones:
            is_long = phones[-1].is_long or symbol == _LENGTH
            phones[-1] = replace(phones[-1], end=end, is_long=is_long)
            start = end
        else:
            mark = symbol if symbol in _PUNCTUATION else ""
            phones.append(Phone(BOUNDARY if mark else symbol, start, end, stress, pause=mark))
            start, stress = end, 0
        time = end
    if phones and start < time:  # a stress mark with nothing behind it
        phones[-1] = replace(phones[-1], end=time)
    return _joined(phones)


def _joined(phones: list[Phone]) -> tuple[Phone, ...]:
    """Neighbouring boundaries made one."""
    if not phones:
        return ()
    joined = [phones[0]]
    for before, phone in pairwise(phones):
        if before.symbol == phone.symbol == BOUNDARY:
            joined[-1] = replace(joined[-1], end=phone.end, pause=joined[-1].pause + phone.pause)
        else:
            joined.append(phone)
    return tuple(joined)


def _draw(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _parse(line: str, number: int, index: Path) -> dict:
    try:
        row = json.loads(line)
        row["frames"] = [(str(symbol), int(count)) for symbol, count in row["frames"]]
        row["id"], row["voice"], row["language"], row["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{index} line {number}: not a timed-speech entry ({error!r}); it needs id, voice, language, text, frames"
        ) from error
    return row


def _clip(row: dict, folder: Path, held: frozenset[str]) -> TimedClip:
    phones = fold(row["frames"])
    return TimedClip(
        id=row["id"],
        voice=row["voice"],
        language=row["language"],
        text=row["text"],
        path=folder / "clips" / f"{row['id']}.ogg",
        duration=phones[-1].end if phones else Fraction(0),
        phones=phones,
        split=split_of(row["voice"], row["language"], text_is_held=row["text"] in held),
    )
