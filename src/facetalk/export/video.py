"""A clip as an MP4 with its sound."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from facetalk.pipeline.clip import Clip
from facetalk.pipeline.presenter import Presentation, Watch
from facetalk.render.video import write_video

Item = TypeVar("Item")


def write(clip: Clip, path: Path, presentation: Presentation, watch: Watch) -> None:
    """Draw every frame and write them with the sound."""
    rate = presentation.view.rate
    frames = watched(clip.frames(presentation), clip.frames_at(rate), watch)
    write_video(frames, path, rate, clip.speech)


def watched(items: Iterable[Item], total: int, watch: Watch) -> Iterator[Item]:
    """The same items; `watch` is told of each."""
    watch(0, total)
    for done, item in enumerate(items, start=1):
        yield item
        watch(done, total)
