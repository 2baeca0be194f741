"""Roads from codes to meshes: exact, fast, and tracked. A road makes a run of consecutive frames."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.head.model import Deform, Deformation
from facetalk.head.paper import PaperHead
from facetalk.mesh.baked import bake
from facetalk.mesh.extract import ask, extract
from facetalk.mesh.fast import FastRoad
from facetalk.mesh.grid import Grid
from facetalk.mesh.kept import Kept
from facetalk.mesh.seams import seam_shares
from facetalk.mesh.standing import Stillness
from facetalk.pipeline.actor import Actor, Points, parts
from facetalk.pipeline.side_by_side import in_parts
from facetalk.pipeline.tracking import Tracking
from facetalk.types import Mesh

Road = Callable[[Float[Tensor, "frame code"]], Iterator[Mesh]]
"""Codes of consecutive frames to their meshes, with normals and regions."""

RIM_MM = 18.0
"""The neck stands still up to here above its rim, which is cut once: a hundredth of an expression reaches it."""
LOWEST_RESOLUTION, HIGHEST_RESOLUTION = 16, 1024


@dataclass(frozen=True)
class Surface:
    """How meshes are made of codes."""

    mesh: Literal["fast", "exact", "tracked"] = "fast"
    """fast: the head is baked once, each frame bends it. exact: the model is asked for every frame. tracked: one
    surface is carried through all frames, so that they share their faces; ready after some seconds, then quickest."""
    resolution: int = 60
    """Cells along the head's longest edge; round mouth and eyes they are six times finer (114: half a millimetre)."""
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


def road_of(actor: Actor, surface: Surface) -> Road:
    """The road that is asked for, with the actor's teeth and hair; all are made at the same time."""
    actor.state  # noqa: B018 - all ask for it
    with ThreadPoolExecutor(1) as pool:
        added = pool.submit(lambda: (actor.teeth, actor.locks))
        road = ROADS[surface.mesh](actor, surface.resolution)
        teeth, locks = added.result()

    @torch.inference_mode()
    def whole(codes: Float[Tensor, "frame code"]) -> Iterator[Mesh]:
        meshes = road(codes)
        if teeth is not None:
            meshes = teeth.worn(meshes, (parts(actor.bent(code)) for code in codes))
        if locks is not None:
            meshes = locks.worn(meshes, (parts(actor.deformation(code)) for code in codes))
        yield from meshes

    return whole


def exact(actor: Actor, resolution: int) -> Road:
    """The head's own field, asked anew for every frame where expressions reach."""
    grid = actor.grid(resolution)
    kept = kept_between_frames(actor, grid)

    @torch.inference_mode()
    def road(codes: Float[Tensor, "frame code"]) -> Iterator[Mesh]:
        for code in codes:
            mesh = extract(actor.sdf(code), grid, cut=actor.cut, kept=kept)
            canonical = ask(actor.carried(code), mesh.vertices)
            shares = ask(actor.shares, canonical)
            regions = seam_shares(shares, canonical, lambda points: ask(actor.canonical, points))
            yield replace(mesh, regions=regions, canonical=canonical)

    return road


def kept_between_frames(actor: Actor, grid: Grid) -> Kept | None:
    """What frames of the exact road have in common; None where anything may move."""
    reach = actor.reach
    return None if reach is None else Kept(grid, lambda points: reach(points.to(actor.device)) == 0)


def fast(actor: Actor, resolution: int) -> Road:
    """The canonical head baked once; each frame asks only the deformation, near the frame before."""
    check_bakeable(actor)
    grid = actor.grid(resolution)
    with torch.inference_mode():
        baked = bake(in_parts(actor.canonical), grid, in_parts(actor.shares))
        at_rest = KeptWarp(actor.at_rest, grid) if actor.smoothing is not None else None
        bend = FastRoad(baked, grid, cut=actor.cut, stillness=stillness(actor, at_rest))
        bend.rested, bend.resting  # noqa: B018 - made once, before threads share the road

    @torch.inference_mode()
    def road(codes: Float[Tensor, "frame code"]) -> Iterator[Mesh]:
        near = None
        for code in codes:
            mesh, near = bend(parts(actor.deformation(code, at_rest)), near)
            yield mesh

    return road


def stillness(actor: Actor, at_rest: Deform | None) -> Stillness | None:
    """Where no expression reaches; `at_rest` may stand in for the network's rest pose."""
    reach = actor.reach
    if reach is None:
        return None
    rest = actor.deformation(actor.head.rest, at_rest)
    above = actor.cut.offset + RIM_MM / UNIT_MM
    return Stillness(parts(rest), lambda points: (reach(points.to(actor.device)) > 0) & (points[:, 1] > above))


def tracked(actor: Actor, resolution: int) -> Road:
    """One canonical surface, its vertices carried to every frame."""
    check_bakeable(actor)
    return Tracking(actor, resolution)


def check_bakeable(actor: Actor) -> None:
    """Refuse a head whose canonical surface alone does not tell the posed one.

    Raises:
        InputError: it has ambient coordinates.
    """
    if isinstance(actor.head, PaperHead):
        raise InputError("an imported head changes its canonical surface in every pose; use --mesh exact")


class KeptWarp:
    """`deform` at the finest nodes of a grid, asked once for each and kept: frames ask for nearly the same ones."""

    def __init__(self, deform: Deform, grid: Grid) -> None:
        self.deform = deform
        self.origin = torch.tensor([float(axis[0]) for axis in grid.axes])
        self.step = torch.tensor([float(axis[1] - axis[0]) for axis in grid.axes]) / grid.factor
        self.known: tuple[Tensor, Tensor] = torch.full((1,), -1), torch.zeros(1, 4)
        """Sorted keys of nodes, and what was answered there; replaced as a whole, so that threads may share it."""

    def __call__(self, points: Points) -> Deformation:
        """Offsets and levels at nodes of the grid."""
        place = torch.round((points.cpu() - self.origin) / self.step).long()
        keys = (place[:, 0] << 40) + (place[:, 1] << 20) + place[:, 2]
        known, answers = self.known
        at = torch.searchsorted(known, keys).clamp(max=len(known) - 1)
        new = known[at] != keys
        if new.any():
            known, answers = self._asked(keys[new], points[new.to(points.device)], known, answers)
            at = torch.searchsorted(known, keys)
        found = answers[at].to(points.device)
        return Deformation(found[:, :3], found[:, 3])

    def _asked(self, keys: Tensor, points: Points, known: Tensor, answers: Tensor) -> tuple[Tensor, Tensor]:
        made = self.deform(points)
        fresh = torch.cat([made.offsets, made.level[:, None]], 1).cpu()
        keys, order = torch.cat([known, keys]).sort()
        self.known = keys, torch.cat([answers, fresh])[order]
        return self.known


ROADS: dict[str, Callable[[Actor, int], Road]] = {"fast": fast, "exact": exact, "tracked": tracked}
"""By the names used on the command line."""
