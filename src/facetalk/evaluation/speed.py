"""What the exact road saves over the reference method: a dense grid of 256 nodes a side, every member at every node.

Same weights, same device, processor time. Dense planes take minutes each head, so some are timed and the rest is
counted; the surface a dense grid would give is made from the same values, asked only where it lies. Both surfaces are
smoothed; the dense grid's time is that without smoothing.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.evaluation.depth import outside, seen_by
from facetalk.evaluation.surfaces import nearest
from facetalk.geometry import PAPER_BOX, UNIT_MM
from facetalk.head.ensemble import IdentityEnsemble
from facetalk.head.model import Head, IdentityState
from facetalk.mesh.clip import clip
from facetalk.mesh.extract import extract, sample
from facetalk.mesh.grid import Grid
from facetalk.mesh.isosurface import isosurface, triangles
from facetalk.mesh.pieces import reachable
from facetalk.pipeline.actor import NECK_CUT, Actor
from facetalk.pipeline.roads import kept_between_frames
from facetalk.types import Mesh

CHUNK = 512
"""Points that all members are asked at together: their activations stay in a core's cache."""
Sdf = Callable[[Float[Tensor, "point 3"]], Float[Tensor, " point"]]


@dataclass(frozen=True)
class SpeedTest:
    """What is timed."""

    identity: str = "ada"
    nodes: int = 256
    """Of the dense grid along each edge of the box."""
    planes: int = 1
    """Planes of it that are timed, spread evenly."""
    frames: int = 3
    """Of the exact road: all but the first are timed, from scratch and after the one before."""
    resolution: int = 60
    """Of the exact road: cells along the head, six times finer round mouth and eyes."""


@dataclass(frozen=True)
class Speed:
    """Core-seconds a frame, and how far the two surfaces are apart in millimetres, where it can be seen."""

    dense_s: float
    """Extrapolated from the timed planes."""
    timed_share: float
    """Share of the dense grid that was timed."""
    exact_s: float
    """From scratch."""
    ratio: float
    next_s: float
    """With what stands still kept from the frame before."""
    next_ratio: float
    field_difference_mm: float
    """Largest difference between the two ways to ask the field."""
    exact_to_dense_mean_mm: float
    exact_to_dense_p99_mm: float
    dense_to_exact_mean_mm: float
    dense_to_exact_p99_mm: float

    def lines(self) -> list[str]:
        """For people."""
        return [f"{name:<26}{value:.4g}" for name, value in asdict(self).items()]


@torch.inference_mode()
def measure(actor: Actor, codes: Float[Tensor, "frame code"], test: SpeedTest) -> Speed:
    """Time both on one identity.

    Args:
        actor: of a compact head.
        codes: consecutive frames.
        test: how much is timed.

    Raises:
        InputError: the head has no members to ask everywhere, or there are fewer than two frames.
    """
    head, state = actor.head, actor.state
    if not (isinstance(head, Head) and isinstance(state, IdentityState)):
        raise InputError("an imported head has no windows to be measured against; give the bundled one")
    if test.frames < 2:
        raise InputError(f"--frames {test.frames} leaves none to time; use 2 or more")
    if not isinstance(head.ensemble, IdentityEnsemble):
        raise InputError("a head of one global network has no members; give one of preset compact")
    dense, difference = _dense_seconds(head, state, codes[0], test)
    grid = actor.grid(test.resolution)
    kept = kept_between_frames(actor, grid)
    ours = extract(actor.sdf(codes[0]), grid, cut=NECK_CUT, kept=kept)  # compiled loops are loaded
    exact = _seconds(lambda code: extract(actor.sdf(code), grid, cut=NECK_CUT), codes[1:])
    after = _seconds(lambda code: extract(actor.sdf(code), grid, cut=NECK_CUT, kept=kept), codes[1:])
    reference = dense_surface(actor.sdf(codes[0]), test.nodes)
    forth, back = nearest(_seen(ours), reference)[0], nearest(_seen(reference), ours)[0]
    return Speed(
        dense, test.planes / test.nodes, exact, dense / exact, after, dense / after, difference,
        float(forth.mean()), float(np.quantile(forth, 0.99)), float(back.mean()), float(np.quantile(back, 0.99)),
    )  # fmt: skip


def _seconds(make: Callable[[Float[Tensor, " code"]], Mesh], codes: Float[Tensor, "frame code"]) -> float:
    """Core-seconds of a mesh."""
    begin = time.process_time()
    for code in codes:
        make(code)
    return (time.process_time() - begin) / len(codes)


def _seen(mesh: Mesh) -> Float[np.ndarray, "vertex 3"]:
    """What is seen from outside."""
    return mesh.vertices[seen_by(outside(mesh.vertices, mesh.faces), mesh.vertices)]


def _dense_seconds(
    head: Head, state: IdentityState, code: Float[Tensor, " code"], test: SpeedTest
) -> tuple[float, float]:
    """Core-seconds of the whole dense grid, and how far its values are from the sparse ones in mm."""
    deform, sdf, axes = head.deformer(state, code), head.posed(state, code), dense_axes(test.nodes)
    spent, apart = 0.0, 0.0
    for plane in np.linspace(0, test.nodes - 1, test.planes + 2)[1:-1].round().astype(int):
        nodes = np.stack(np.meshgrid(axes[0], axes[1][plane], axes[2], indexing="ij"), -1).reshape(-1, 3)
        points, values = torch.from_numpy(nodes.astype(np.float32)), []
        begin = time.process_time()
        for chunk in points.split(CHUNK):
            moved = deform(chunk)
            everywhere = head.ensemble.everywhere(state.anatomy, state.biases, (chunk + moved.offsets)[None])
            values.append(everywhere[0] + moved.level)
        spent += time.process_time() - begin
        apart = max(apart, float((torch.cat(values) - sdf(points)).abs().max()))
    return spent * test.nodes / test.planes, apart * UNIT_MM


def dense_axes(nodes: int) -> list[Float[np.ndarray, " node"]]:
    """Coordinates of the reference grid's nodes."""
    return [np.linspace(a, b, nodes, dtype=np.float32) for a, b in zip(PAPER_BOX.lower, PAPER_BOX.upper, strict=True)]


def dense_surface(sdf: Sdf, nodes: int) -> Mesh:
    """What the dense grid's values give: its crossings, linear along each edge."""
    grid = Grid(*dense_axes(nodes))
    surface = isosurface(sample(sdf, grid), grid)
    return clip(reachable(Mesh(surface.vertices, triangles(surface, surface.vertices))), NECK_CUT)
