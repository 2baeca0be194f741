"""Labelled contact sheets, and single pictures on disk."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facetalk.errors import InputError
from facetalk.types import Frame

PAPER, INK = (245, 245, 243), (40, 40, 44)
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
LABEL_SHARE = 0.09
"""Height of a label's line in heights of a picture."""


def contact_sheet(frames: Sequence[Frame], labels: Sequence[str], columns: int) -> Frame:
    """Pictures of one size in rows of `columns`, each with its label below."""
    height, width = frames[0].pixels.shape[:2]
    line = max(int(height * LABEL_SHARE), 14)
    gap = max(width // 64, 2)
    rows = -(-len(frames) // columns)
    sheet = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + line + gap) + gap), PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=line * 0.68)
    for index, (frame, label) in enumerate(zip(frames, labels, strict=True)):
        x, y = gap + index % columns * (width + gap), gap + index // columns * (height + line + gap)
        sheet.paste(Image.fromarray(frame.pixels), (x, y))
        pen.text((x + width / 2, y + height + line / 2), label, INK, font, anchor="mm")
    return Frame(np.asarray(sheet))


def check_picture(path: Path) -> None:
    """Refuse a path that names no picture, before any work is done.

    Raises:
        InputError: the suffix is unknown.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{path}: unknown picture format {path.suffix!r}; use {', '.join(FORMATS)}")


def write_picture(frame: Frame, path: Path | str) -> None:
    """Write a picture as PNG or JPEG, beside `path` and then renamed.

    Raises:
        InputError: the suffix is unknown or the place cannot be written.
    """
    path = Path(path)
    check_picture(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(frame.pixels).save(partial, FORMATS[path.suffix.lower()], quality=92)
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
