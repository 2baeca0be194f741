"""The tracked road: one surface of constant topology for an identity, in any pose, by principal components.

A number of poses is solved vertex by vertex (`facetalk.mesh.carry`) and compressed; what no expression reaches stands
still and is no part of that. A frame then asks the deformation at a few hundred probes only: they are solved as all
vertices once were, and the components that fit them best carry the rest. How well they fit is known for every frame, so
a pose that the components do not hold is noticed.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from scipy.linalg import qr
from torch import Tensor

from facetalk.geometry import UNIT_MM
from facetalk.mesh.carry import Carried, Deform, carry
from facetalk.mesh.normals import vertex_normals
from facetalk.types import Mesh

CANDIDATES = 3000
"""Vertices among which probes are chosen."""
STRAY_MM = 0.3
"""A vertex or probe that misses its place by more is not listened to: the deformation tears there."""
USUALLY = 0.9
"""Share of the poses in which a vertex must find its place to be a probe."""
NOISE_MM = 0.05
"""How exactly probes are believed against the guess of the components."""
RIDGE = 1e-4
"""Share of the mean kernel value that steadies the guess."""
SEED = 0


@dataclass(frozen=True)
class TrackConfig:
    """How finely a surface is compressed."""

    components: int = 96
    probes: int = 640
    rounds: int = 3
    """Evaluations at the probes of a frame after the first."""
    mean_mm: float = 0.3
    """Mean distance of fitted from solved probes beyond which a frame is solved vertex by vertex."""
    broken_mm: float = 1.0
    """Mean miss of solved vertices beyond which a frame cannot be carried at all."""


@dataclass(frozen=True)
class Guess:
    """Kernel ridge regression from conditions (expression codes) to numbers, exact near what it was given.

    The kernel (1 + a · b)^2 holds every product of two numbers of a condition.
    """

    conditions: Float[Tensor, "pose condition"]
    centre: Float[Tensor, " condition"]
    scale: float
    weights: Float[Tensor, "pose number"]

    @classmethod
    def of(cls, conditions: Float[Tensor, "pose condition"], numbers: Float[Tensor, "pose number"]) -> "Guess":
        """Fitted to what is known."""
        centre = conditions.mean(0)
        scale = float(1 / (conditions - centre).square().sum(1).mean().clamp_min(1e-9))
        kernel = _kernel(conditions - centre, conditions - centre, scale).double()
        kernel = kernel + RIDGE * kernel.diagonal().mean() * torch.eye(len(kernel), dtype=torch.float64)
        return cls(conditions, centre, scale, torch.linalg.solve(kernel, numbers.double()).float())

    def __call__(self, conditions: Float[Tensor, "frame condition"]) -> Float[Tensor, "frame number"]:
        """What conditions probably mean."""
        return _kernel(conditions - self.centre, self.conditions - self.centre, self.scale) @ self.weights


def _kernel(a: Tensor, b: Tensor, scale: float) -> Tensor:
    return (1 + scale * (a @ b.T)) ** 2


@dataclass(frozen=True)
class Posed:
    """One frame."""

    coefficients: Float[Tensor, " component"]
    residual_mm: Float[Tensor, " probe"]
    """Distance of each fitted probe from its solved place; NaN where there is none."""


@dataclass(frozen=True)
class Track:
    """The compressed surface of one identity."""

    canonical: Mesh
    """With normals and regions, which every frame keeps."""
    still: Float[Tensor, "vertex 3"]
    """Every vertex at rest."""
    moving: Int[Tensor, " moving"]
    """Those that expressions reach; the rest stay where they are."""
    mean: Float[Tensor, "moving 3"]
    basis: Float[Tensor, "component number"]
    """Rows are displacements of the moving vertices, x, y, z of each side by side."""
    guess: Guess
    """From conditions to coefficients."""
    probes: Int[Tensor, " probe"]
    """Among the moving."""
    fit: Float[Tensor, "component probenumber"]
    """From displacements of the probes to coefficients, least squares."""
    config: TrackConfig = field(default_factory=TrackConfig)

    @cached_property
    def points(self) -> Float[Tensor, "moving 3"]:
        """Moving vertices in the canonical pose."""
        return torch.from_numpy(self.canonical.vertices)[self.moving]

    @cached_property
    def normals(self) -> Float[Tensor, "moving 3"]:
        """Their normals."""
        assert self.canonical.normals is not None
        return torch.from_numpy(self.canonical.normals)[self.moving]

    def pose(self, deform: Deform, condition: Float[Tensor, " condition"]) -> Posed:
        """The components of one frame, from the deformation at the probes alone."""
        guess = self.guess(condition[None])[0]
        start = self.mean[self.probes] + rearrange(guess @ self._probed, "(probe way) -> probe way", way=3)
        solved = carry(deform, self.points[self.probes], self.normals[self.probes], start, self.config.rounds)
        sure = (solved.miss_mm < STRAY_MM)[:, None]
        wanted = torch.where(sure, solved.points - start, 0.0)
        change = self.fit @ wanted.flatten()
        left = wanted - rearrange(change @ self._probed, "(probe way) -> probe way", way=3)
        residual = torch.where(sure[:, 0], left.norm(dim=1) * UNIT_MM, torch.nan)
        return Posed(guess + change, residual)

    def vertices(self, coefficients: Float[Tensor, "frame component"]) -> Float[Tensor, "frame vertex 3"]:
        """All vertices of some frames."""
        return self.placed(self._moved(coefficients))

    def placed(self, moved: Float[Tensor, "frame moving 3"]) -> Float[Tensor, "frame vertex 3"]:
        """All vertices, of which the moving ones lie as given."""
        whole = self.still.repeat(len(moved), 1, 1)
        whole[:, self.moving] = moved
        return whole

    def _moved(self, coefficients: Float[Tensor, "frame component"]) -> Float[Tensor, "frame moving 3"]:
        moved = torch.addmm(self.mean.flatten(), coefficients, self.basis)
        return rearrange(moved, "frame (vertex way) -> frame vertex way", way=3)

    def holds(self, posed: Posed) -> bool:
        """Whether the components hold a pose."""
        return float(posed.residual_mm.nanmean()) <= self.config.mean_mm

    def solve(self, deform: Deform, condition: Float[Tensor, " condition"]) -> Carried:
        """Every moving vertex of a frame solved by itself: slow, and right where the components are not."""
        start = self._moved(self.guess(condition[None]))[0]
        return carry(deform, self.points, self.normals, start)

    def mesh(self, vertices: Float[np.ndarray, "vertex 3"]) -> Mesh:
        """A frame's mesh: the faces and regions of every other, with normals of its own."""
        normals = vertex_normals(vertices, self.canonical.faces)
        return replace(self.canonical, vertices=vertices, normals=normals, canonical=self.canonical.vertices)

    @cached_property
    def _probed(self) -> Float[Tensor, "component probenumber"]:
        return self.basis[:, _numbers(self.probes)]


def track(
    canonical: Mesh, still: Float[Tensor, "vertex 3"], moving: Int[Tensor, " moving"],
    conditions: Float[Tensor, "pose condition"], poses: Float[Tensor, "pose moving 3"],
    miss_mm: Float[Tensor, "pose moving"], config: TrackConfig = TrackConfig(),
) -> Track:  # fmt: skip
    """Compress solved poses of the moving vertices of a canonical surface, which has normals and regions."""
    mean = poses.mean(0)
    flat = (poses - mean).flatten(1)
    basis, coefficients, spread = _principal(flat, min(config.components, len(flat) - 1))
    probes = _probes(basis * spread[:, None], _sure(miss_mm), config.probes)
    probed = basis[:, _numbers(probes)]
    noise = NOISE_MM / UNIT_MM
    inner = probed @ probed.T + torch.diag((noise / spread.clamp_min(1e-3 * noise)) ** 2)
    fit = torch.linalg.solve(inner.double(), probed.double()).float()
    return Track(canonical, still, moving, mean, basis, Guess.of(conditions, coefficients), probes, fit, config)


def _sure(miss_mm: Float[Tensor, "pose moving"]) -> Bool[Tensor, " moving"]:
    """Vertices that nearly always find their place, and never have none (an infinite miss)."""
    often = (miss_mm < STRAY_MM).float().mean(0)
    return (often > USUALLY) & ~miss_mm.isinf().any(0)


def _principal(
    flat: Float[Tensor, "pose number"], count: int
) -> tuple[Float[Tensor, "component number"], Float[Tensor, "pose component"], Float[Tensor, " component"]]:
    """Orthonormal rows, the coefficients of the poses, and the spread of each, widest first (by the Gram matrix)."""
    gram = (flat @ flat.T).double()
    values, vectors = torch.linalg.eigh(gram)
    values, vectors = values.flip(0)[:count].clamp_min(1e-12), vectors.flip(1)[:, :count]
    basis = (vectors / values.sqrt()).float().T @ flat
    return basis.contiguous(), (vectors * values.sqrt()).float(), (values / len(flat)).sqrt().float()


def _probes(
    weighted: Float[Tensor, "component number"], sure: Bool[Tensor, " moving"], count: int
) -> Int[Tensor, " probe"]:
    """Vertices that tell the components apart (pivoted QR, Drmač and Gugercin 2016), and as many again at random."""
    draw = np.random.default_rng(SEED)
    sure_rows = np.flatnonzero(sure.numpy())
    candidates = torch.from_numpy(draw.permutation(sure_rows)[:CANDIDATES])
    _, order = qr(weighted[:, _numbers(candidates)].numpy(), mode="r", pivoting=True)
    telling = dict.fromkeys((order[: len(weighted)] // 3).tolist())
    chosen = dict.fromkeys([*telling, *range(len(candidates))])
    return candidates[list(chosen)[:count]].sort().values


def _numbers(vertices: Int[Tensor, " vertex"]) -> Int[Tensor, " number"]:
    return (3 * vertices[:, None] + torch.arange(3)).flatten()
