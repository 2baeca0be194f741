"""Importer of LibriSpeech-like folders: `<part>/<speaker>/…/*.flac`, speech without any label."""

from dataclasses import dataclass
from pathlib import Path

from facetalk.errors import InputError

HELD_OUT_PARTS = ("test-other", "test-clean", "dev-other", "dev-clean")
"""Parts whose clips are never trained on."""


@dataclass(frozen=True)
class Utterance:
    """One unlabelled clip of speech."""

    id: str
    speaker: str
    path: Path
    split: str
    """"train" or "test"."""


def read(folder: Path | str) -> tuple[Utterance, ...]:
    """All clips below a LibriSpeech folder, sorted by id.

    Raises:
        InputError: no .flac file lies below the folder.
    """
    paths = sorted(Path(folder).rglob("*.flac"), key=lambda path: path.stem)
    if not paths:
        raise InputError(f"{folder}: no .flac below it; give a LibriSpeech folder such as one with train-clean-100/")
    return tuple(_utterance(path, Path(folder)) for path in paths)


def _utterance(path: Path, folder: Path) -> Utterance:
    parts = path.relative_to(folder.parent).parts
    is_held = any(name in part for part in parts for name in HELD_OUT_PARTS)
    return Utterance(path.stem, path.stem.split("-")[0], path, "test" if is_held else "train")
