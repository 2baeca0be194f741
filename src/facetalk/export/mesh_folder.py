"""A clip as one mesh file a frame, in a folder that appears when it is whole."""

import os
import shutil
from pathlib import Path

from facetalk.errors import InputError
from facetalk.export.video import watched
from facetalk.mesh.files import write_sequence
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.presenter import Presentation, Watch

FRAMES = "frame_*.[po][lb][yj]"
"""What a former run left in the folder; nothing else in it is touched."""


def write(clip: Clip, path: Path, presentation: Presentation, watch: Watch) -> None:
    """Write frame_00000 … in the presentation's mesh format, at the clip's own rate."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        meshes = clip.meshes(presentation.surface)
        written = write_sequence(meshes, partial, f".{presentation.mesh_format}")
        for _ in watched(written, len(clip), watch):
            pass
        _move(partial, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _move(partial: Path, path: Path) -> None:
    if not path.exists():
        os.replace(partial, path)
        return
    for stale in path.glob(FRAMES):
        stale.unlink()
    for made in partial.iterdir():
        os.replace(made, path / made.name)
