"""Where outputs go: refused early when they cannot go there, written beside and renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facetalk.errors import InputError


def check_place(path: Path, *, overwrite: bool) -> None:
    """Refuse a place that cannot be written, before any work is done.

    Raises:
        InputError: something is there already, or a folder on the way is none or may not be written.
    """
    existing = path.exists() and not (path.is_dir() and not any(path.iterdir()))
    if existing and not overwrite:
        raise InputError(f"{path}: exists already; add --overwrite to replace it, or choose another place")
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise InputError(f"{path}: {folder} is a file, not a folder; choose another place")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path}: {folder} may not be written; choose another place")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A path next to `path`, renamed to it when all went well and removed when not.

    Raises:
        InputError: the place cannot be written.
    """
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    finally:
        if partial.is_file():
            partial.unlink()
