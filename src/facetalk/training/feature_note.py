"""What a folder of speech features says of the encoder that made them."""

import json
from collections.abc import Iterable
from pathlib import Path

from facetalk.errors import InputError
from facetalk.speech.encoder import Encoder
from facetalk.types import FRAME_RATE

NOTE = "encoder.json"


def claim(folder: Path, model: Encoder) -> None:
    """Write down whose features a folder holds.

    Raises:
        InputError: it holds another encoder's already.
    """
    about = {"hash": model.hash, "size": model.size, "rate": int(FRAME_RATE)}
    note = folder / NOTE
    if note.exists() and json.loads(note.read_text("utf-8")) != about:
        raise InputError(f"{folder}: holds features of another encoder; give another folder or empty this one")
    note.write_text(json.dumps(about), "utf-8")


def encoder_hash(folders: Iterable[Path], known: str | None = None) -> str:
    """Hash of the encoder whose features lie in all of some folders.

    Args:
        folders: folders of features; those without a note say nothing.
        known: the hash, where it is known otherwise.

    Raises:
        InputError: they are of several encoders, or nothing says of which.
    """
    told = {
        folder: json.loads((folder / NOTE).read_text("utf-8"))["hash"] for folder in folders if (folder / NOTE).exists()
    }
    for folder, hash_ in told.items():
        known = known or hash_
        if hash_ != known:
            raise InputError(
                f"{folder}: holds features of encoder {hash_}, the others are of {known}; write them again"
            )
    if known is None:
        raise InputError(f"no folder of features has {NOTE}; give --speech the weights of the encoder that made them")
    return known
