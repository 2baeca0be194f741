"""Where each sound wants jaw and lips to be: one entry for every IPA symbol of the timed-speech set.

Targets are ARKit weights as the mouth of ICT-FaceKit reads them (jawOpen 1 is 33 mm between the lips; speech lives
below .4). Openings of vowels follow the order of jaw heights in Edwards et al. 2016 (JALI) and in cineradiography
(Lindblom and Sundberg 1971); rounding separates funnel (open and round: o ɔ ʃ) from pucker (narrow and round: u y w).
"""

from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
from jaxtyping import Float

from facetalk.errors import InputError


@dataclass(frozen=True)
class Viseme:
    """Targets of one sound, and how strongly it insists on them against its neighbours."""

    jaw: float = 0.039
    funnel: float = 0.0
    pucker: float = 0.0
    spread: float = 0.0
    """Corners drawn apart: stretch, smile and dimple together."""
    lower: float = 0.0
    """Lower lip drawn down, showing teeth."""
    upper: float = 0.0
    """Upper lip raised."""
    tuck: float = 0.0
    """Lower lip rolled in."""
    jaw_pull: float = 0.21
    lip_pull: float = 0.2
    seal: float = 0.0
    """1: the lips must close (Cohen–Massaro dominance alone would let them miss)."""
    bite: float = 0.0
    """1: the lower lip must touch the upper teeth."""
    is_vowel: bool = False


TARGETS = tuple(field.name for field in fields(Viseme))[:7]
"""Names of the blended channels, in order."""


def _vowel(jaw: float, *, funnel: float = 0.0, pucker: float = 0.0, spread: float = 0.0, lower: float = 0.0) -> Viseme:
    is_round = funnel + pucker > 0
    lip_pull = 1.0 if is_round else 0.6
    return Viseme(jaw, funnel, pucker, spread, lower, 0.03, jaw_pull=1.0, lip_pull=lip_pull, is_vowel=True)


_SCHWA = replace(_vowel(0.197, lower=0.03), jaw_pull=0.6, lip_pull=0.2)
_STOP = Viseme(0.033, lower=0.05, jaw_pull=0.35)
_BACK = Viseme(0.065, jaw_pull=0.17)
_HISS = Viseme(0.023, spread=0.1, lower=0.13, upper=0.05, jaw_pull=0.63, lip_pull=0.41)
_HUSH = Viseme(0.033, funnel=0.22, pucker=0.13, lower=0.05, jaw_pull=0.56, lip_pull=1.2)
_BILABIAL = Viseme(0.039, jaw_pull=0.32, lip_pull=0.25, seal=1.0)
_LABIODENTAL = Viseme(0.033, tuck=0.1, jaw_pull=0.42, lip_pull=0.33, bite=1.0)
_NASAL = Viseme(0.052, lower=0.04, jaw_pull=0.24)
_RHOTIC = Viseme(0.052, funnel=0.12, pucker=0.14, jaw_pull=0.24, lip_pull=0.74)

VISEMES: dict[str, Viseme] = {
    "a": _vowel(0.371, lower=0.1),
    "ɑ": _vowel(0.371, lower=0.07),
    "æ": _vowel(0.344, spread=0.15, lower=0.12),
    "ɐ": _vowel(0.294, lower=0.06),
    "ʌ": _vowel(0.294, lower=0.06),
    "ɒ": _vowel(0.323, funnel=0.11),
    "ɔ": _vowel(0.279, funnel=0.2, pucker=0.11),
    "o": _vowel(0.223, funnel=0.2, pucker=0.23),
    "ʊ": _vowel(0.179, funnel=0.14, pucker=0.27),
    "u": _vowel(0.129, funnel=0.09, pucker=0.38),
    "y": _vowel(0.118, funnel=0.09, pucker=0.38),
    "ø": _vowel(0.188, funnel=0.18, pucker=0.34),
    "œ": _vowel(0.256, funnel=0.2, pucker=0.18),
    "e": _vowel(0.215, spread=0.3, lower=0.13),
    "ɛ": _vowel(0.279, spread=0.2, lower=0.11),
    "i": _vowel(0.145, spread=0.42, lower=0.16),
    "ɪ": _vowel(0.179, spread=0.25, lower=0.1),
    "ᵻ": replace(_vowel(0.17, spread=0.15, lower=0.07), jaw_pull=0.7, lip_pull=0.3),
    "ə": _SCHWA,
    "ɚ": replace(_vowel(0.188, funnel=0.13, pucker=0.13), jaw_pull=0.8, lip_pull=0.5),
    "ɜ": _vowel(0.215, funnel=0.13, pucker=0.11),
    **dict.fromkeys("pbm", _BILABIAL),
    "β": replace(_BILABIAL, seal=0.62),
    **dict.fromkeys("fv", _LABIODENTAL),
    "ʋ": replace(_LABIODENTAL, bite=0.7),
    **dict.fromkeys("tdʈɖ", _STOP),
    **dict.fromkeys("szʂ", _HISS),
    **dict.fromkeys("ʃʒ", _HUSH),
    **dict.fromkeys("θð", Viseme(0.043, lower=0.12, upper=0.03, jaw_pull=0.42, lip_pull=0.33)),
    **dict.fromkeys("nɳɲ", _NASAL),
    **dict.fromkeys("ŋɡkqxɣʁ", _BACK),
    **dict.fromkeys("cɟ", replace(_STOP, spread=0.12)),
    "l": Viseme(0.071, lower=0.06, jaw_pull=0.28),
    "ʎ": Viseme(0.059, spread=0.15, lower=0.06, jaw_pull=0.28),
    "ɾ": Viseme(0.046, lower=0.05, jaw_pull=0.21),
    "r": Viseme(0.052, lower=0.05, jaw_pull=0.28),
    "ɹ": _RHOTIC,
    "w": Viseme(0.033, funnel=0.11, pucker=0.36, jaw_pull=0.42, lip_pull=1.6),
    "j": Viseme(0.046, spread=0.3, lower=0.08, jaw_pull=0.35, lip_pull=0.58),
    **dict.fromkeys("hʔ", Viseme(0.071, jaw_pull=0.035, lip_pull=0.033)),
    "_": Viseme(0.0, jaw_pull=1.0, lip_pull=1.0),
}
OPEN_VOWELS = frozenset("aɑæɐʌɒɔɛ")
"""Vowels on which a closed mouth is plainly wrong."""


def viseme(symbol: str) -> Viseme:
    """The entry of a symbol.

    Raises:
        InputError: the table has none.
    """
    if symbol not in VISEMES:
        raise InputError(f"phone {symbol!r} has no viseme; the table knows {' '.join(sorted(VISEMES))}")
    return VISEMES[symbol]


@cache
def target(symbol: str) -> Float[np.ndarray, " target"]:
    """Targets of a symbol in the order of `TARGETS`."""
    entry = viseme(symbol)
    return np.array([getattr(entry, name) for name in TARGETS])
