"""Two roads from codes to meshes: exact, and fast. A road makes a run of consecutive frames."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.mesh.baked import bake
from facetalk.mesh.extract import extract
from facetalk.mesh.fast import FastRoad
from facetalk.pipeline.actor import NECK_CUT, Actor
from facetalk.types import Mesh

Road = Callable[[Float[Tensor, "frame code"]], Iterator[Mesh]]
"""Codes of consecutive frames to their meshes, with normals and regions."""

LOWEST_RESOLUTION, HIGHEST_RESOLUTION = 16, 1024


@dataclass(frozen=True)
class Surface:
    """How meshes are made of codes."""

    mesh: Literal["fast", "exact"] = "fast"
    """fast: the head is baked once, each frame bends it. exact: the model is asked for every frame."""
    resolution: int = 112
    """Cells along the head's longest edge; round mouth and eyes they are five times finer."""
    smoothing: bool = True
    """Facial smoothing: stills what should not move in speech, such as throat and skull."""

    def check(self) -> None:
        """Refuse what cannot be made.

        Raises:
            InputError: the resolution is too small or too large.
        """
        if not LOWEST_RESOLUTION <= self.resolution <= HIGHEST_RESOLUTION:
            raise InputError(
                f"--resolution {self.resolution} makes no head; "
                f"use {LOWEST_RESOLUTION} to {HIGHEST_RESOLUTION}, for example {Surface.resolution}"
            )


DEFAULT_SURFACE = Surface()


def exact(actor: Actor, resolution: int) -> Road:
    """The head's own field, asked anew for every frame."""
    grid = actor.grid(resolution)

    @torch.inference_mode()
    def road(codes: Float[Tensor, "frame code"]) -> Iterator[Mesh]:
        for code in codes:
            yield extract(actor.sdf(code), grid, cut=NECK_CUT, regions=actor.posed_shares(code))

    return road


def fast(actor: Actor, resolution: int) -> Road:
    """The canonical head baked once; each frame asks only the deformation, near the frame before."""
    grid = actor.grid(resolution)
    with torch.inference_mode():
        bend = FastRoad(bake(actor.canonical, grid, actor.shares), grid, cut=NECK_CUT)

    @torch.inference_mode()
    def road(codes: Float[Tensor, "frame code"]) -> Iterator[Mesh]:
        near = None
        for code in codes:
            mesh, near = bend(actor.warp(code), near)
            yield mesh

    return road


ROADS: dict[str, Callable[[Actor, int], Road]] = {"fast": fast, "exact": exact}
"""By the names used on the command line."""
