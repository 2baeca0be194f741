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

    jaw: float = 0.07
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
    jaw_pull: float = 0.3
    lip_pull: float = 0.12
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


_SCHWA = replace(_vowel(0.15, lower=0.03), jaw_pull=0.6, lip_pull=0.2)
_STOP = Viseme(0.06, lower=0.05, jaw_pull=0.5)
_BACK = Viseme(0.11, jaw_pull=0.25)
_HISS = Viseme(0.045, spread=0.1, lower=0.13, upper=0.05, jaw_pull=0.9, lip_pull=0.25)
_HUSH = Viseme(0.06, funnel=0.24, pucker=0.14, lower=0.05, jaw_pull=0.8, lip_pull=0.7)
_BILABIAL = Viseme(0.07, jaw_pull=0.45, lip_pull=0.15, seal=1.0)
_LABIODENTAL = Viseme(0.06, tuck=0.1, jaw_pull=0.6, lip_pull=0.2, bite=1.0)
_NASAL = Viseme(0.09, lower=0.04, jaw_pull=0.35)
_RHOTIC = Viseme(0.09, funnel=0.13, pucker=0.16, jaw_pull=0.35, lip_pull=0.45)

VISEMES: dict[str, Viseme] = {
    "a": _vowel(0.38, lower=0.1),
    "ɑ": _vowel(0.38, lower=0.07),
    "æ": _vowel(0.34, spread=0.15, lower=0.12),
    "ɐ": _vowel(0.27, lower=0.06),
    "ʌ": _vowel(0.27, lower=0.06),
    "ɒ": _vowel(0.31, funnel=0.12),
    "ɔ": _vowel(0.25, funnel=0.22, pucker=0.12),
    "o": _vowel(0.18, funnel=0.22, pucker=0.25),
    "ʊ": _vowel(0.13, funnel=0.16, pucker=0.3),
    "u": _vowel(0.08, funnel=0.1, pucker=0.42),
    "y": _vowel(0.07, funnel=0.1, pucker=0.42),
    "ø": _vowel(0.14, funnel=0.2, pucker=0.38),
    "œ": _vowel(0.22, funnel=0.22, pucker=0.2),
    "e": _vowel(0.17, spread=0.3, lower=0.13),
    "ɛ": _vowel(0.25, spread=0.2, lower=0.11),
    "i": _vowel(0.095, spread=0.42, lower=0.16),
    "ɪ": _vowel(0.13, spread=0.25, lower=0.1),
    "ᵻ": replace(_vowel(0.12, spread=0.15, lower=0.07), jaw_pull=0.7, lip_pull=0.3),
    "ə": _SCHWA,
    "ɚ": replace(_vowel(0.14, funnel=0.14, pucker=0.14), jaw_pull=0.8, lip_pull=0.5),
    "ɜ": _vowel(0.17, funnel=0.14, pucker=0.12),
    **dict.fromkeys("pbm", _BILABIAL),
    "β": replace(_BILABIAL, seal=0.62),
    **dict.fromkeys("fv", _LABIODENTAL),
    "ʋ": replace(_LABIODENTAL, bite=0.7),
    **dict.fromkeys("tdʈɖ", _STOP),
    **dict.fromkeys("szʂ", _HISS),
    **dict.fromkeys("ʃʒ", _HUSH),
    **dict.fromkeys("θð", Viseme(0.075, lower=0.12, upper=0.03, jaw_pull=0.6, lip_pull=0.2)),
    **dict.fromkeys("nɳɲ", _NASAL),
    **dict.fromkeys("ŋɡkqxɣʁ", _BACK),
    **dict.fromkeys("cɟ", replace(_STOP, spread=0.12)),
    "l": Viseme(0.12, lower=0.06, jaw_pull=0.4),
    "ʎ": Viseme(0.1, spread=0.15, lower=0.06, jaw_pull=0.4),
    "ɾ": Viseme(0.08, lower=0.05, jaw_pull=0.3),
    "r": Viseme(0.09, lower=0.05, jaw_pull=0.4),
    "ɹ": _RHOTIC,
    "w": Viseme(0.06, funnel=0.12, pucker=0.4, jaw_pull=0.6, lip_pull=1.0),
    "j": Viseme(0.08, spread=0.3, lower=0.08, jaw_pull=0.5, lip_pull=0.35),
    **dict.fromkeys("hʔ", Viseme(0.12, jaw_pull=0.05, lip_pull=0.02)),
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
