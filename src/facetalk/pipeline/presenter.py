"""Codes → meshes → frames, run by run over the cores, in order, in memory that does not grow with the clip."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Literal

from facetalk.errors import InputError
from facetalk.geometry import Box
from facetalk.pipeline.actor import Actor
from facetalk.pipeline.roads import Road, Surface, road_of
from facetalk.pipeline.side_by_side import cores, ordered
from facetalk.pipeline.sway import Sway
from facetalk.pipeline.timing import codes_at, rate_of
from facetalk.render.camera import Camera, portrait
from facetalk.render.look import Look, Studio, parse_colour
from facetalk.render.picture import Photographer
from facetalk.types import ExpressionCodes, Frame, Mesh

RUN_FRAMES = 5
"""Consecutive frames made by one core: within a run each frame starts from the surface of the one before."""
MESH_RUN_FRAMES = 4
"""The same where the meshes themselves wait to be taken: they are large."""
HALF = Fraction(1, 2)
SMALLEST_PIXELS, LARGEST_PIXELS = 16, 4096

Watch = Callable[[int, int], None]
"""Told how many frames of how many are done."""


def unwatched(done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class View:
    """What a video shows, and from where."""

    size: int = 512
    """Pixels along each edge of the picture, even."""
    fps: str = "30"
    """Frames a second, a whole number, a decimal or a fraction such as 30000/1001."""
    camera: str = "front"
    """front, three-quarter, side, above, below; three-quarter-right and side-right show the other cheek."""
    background: str = "studio"
    """A name such as studio, white or green, #rrggbb, or r,g,b."""
    sway: bool = True
    """A gentle sway of the head; it follows the seed."""

    @property
    def rate(self) -> Fraction:
        """Frames a second, exact."""
        return rate_of(self.fps)

    def check(self) -> None:
        """Refuse what cannot be drawn.

        Raises:
            InputError: size, rate, camera or background is wrong.
        """
        if not SMALLEST_PIXELS <= self.size <= LARGEST_PIXELS or self.size % 2:
            raise InputError(
                f"--size {self.size} makes no video; use an even number from {SMALLEST_PIXELS} to {LARGEST_PIXELS}"
            )
        rate_of(self.fps)
        parse_colour(self.background)
        portrait(self.camera, Box((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)), self.size, self.size)


@dataclass(frozen=True)
class Presentation:
    """How a clip is shown: its meshes, its pictures, its files."""

    surface: Surface = field(default_factory=Surface)
    view: View = field(default_factory=View)
    mesh_format: Literal["ply", "obj"] = "ply"
    """Files in a folder of meshes."""

    def check(self) -> None:
        """Refuse what cannot be shown.

        Raises:
            InputError: a setting is wrong.
        """
        self.surface.check()
        self.view.check()


DEFAULT_PRESENTATION = Presentation()


@dataclass(frozen=True)
class Presenter:
    """Shows codes on one actor."""

    actor: Actor
    surface: Surface
    workers: int = field(default_factory=cores)

    @cached_property
    def road(self) -> Road:
        """From codes to meshes."""
        return road_of(self.actor, self.surface)

    def meshes(self, codes: ExpressionCodes) -> Iterator[Mesh]:
        """A mesh for each code."""

        def work(run: range) -> list[Mesh]:
            return list(road(codes.values[run.start : run.stop]))

        road = self.road
        for made in ordered(work, runs(len(codes), MESH_RUN_FRAMES), self.workers):
            yield from made

    def frames(self, codes: ExpressionCodes, count: int, view: View, look: Look, seed: int) -> Iterator[Frame]:
        """`count` pictures at the view's rate."""
        rate = view.rate
        camera = portrait(view.camera, self.actor.portrait_box(), view.size, view.size)
        studio = Studio(background=parse_colour(view.background))
        photographer = Photographer(look, studio, view.size, view.size, self.actor.places)
        sway = Sway(seed, self.actor.pivot) if view.sway else None

        def seen(frame: int) -> Camera:
            return camera.seeing(sway.T_world_head(float((frame + HALF) / rate))) if sway else camera

        def work(run: range) -> list[Frame]:
            meshes = road(codes_at(codes, rate, run))
            return [photographer(mesh, seen(frame)) for frame, mesh in zip(run, meshes, strict=True)]

        road = self.road
        for made in ordered(work, runs(count, RUN_FRAMES), self.workers):
            yield from made


def runs(frames: int, length: int) -> Iterator[range]:
    """Frames 0 … `frames` in runs of `length`."""
    return (range(first, min(first + length, frames)) for first in range(0, frames, length))
