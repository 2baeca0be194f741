"""The registry: a path's suffix picks what is written."""

from collections.abc import Callable
from pathlib import Path

from facetalk.errors import InputError
from facetalk.export import codes, live_link, mesh_folder, video
from facetalk.export.place import check_place
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.presenter import DEFAULT_PRESENTATION, Presentation, Watch, unwatched

Writer = Callable[[Clip, Path, Presentation, Watch], None]

WRITERS: dict[str, Writer] = {
    ".mp4": video.write,
    ".npz": codes.write,
    ".csv": live_link.write,
    "": mesh_folder.write,
}
"""Suffix → writer; a path without suffix is a folder."""


def save(
    clip: Clip, path: Path, presentation: Presentation = DEFAULT_PRESENTATION, *, overwrite: bool = False,
    watch: Watch = unwatched,
) -> None:  # fmt: skip
    """Write `clip` in the format of the suffix of `path`.

    Raises:
        InputError: the suffix is unknown, something is there already, or the place cannot be written.
    """
    presentation.check()
    check(path, overwrite=overwrite)
    WRITERS[path.suffix.lower()](clip, path, presentation, watch)


def check(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that cannot be written.

    Raises:
        InputError: the suffix is unknown, something is there already, or the place cannot be written.
    """
    if path.suffix.lower() not in WRITERS:
        raise InputError(
            f"{path}: cannot write {path.suffix!r}; use .mp4, .npz, .csv, or a folder/ for a mesh of every frame"
        )
    if path.exists() and path.is_dir() != (path.suffix == ""):
        kind = "folder" if path.is_dir() else "file"
        raise InputError(f"{path}: is a {kind}; choose another place")
    check_place(path, overwrite=overwrite)
