"""Hair of one person as meshes: made once from its field, its locks set, and carried with every frame.

Hair on the scalp moves with the skull alone. A beard grows on skin that moves: it follows some points of that skin.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree
from torch import Tensor

from facetalk.geometry import UNIT_MM, Box
from facetalk.head.hair import Hair, HairField, HairSdf
from facetalk.head.model import Head, IdentityState
from facetalk.mesh.carry import carry
from facetalk.mesh.clip import Plane
from facetalk.mesh.extract import ask
from facetalk.mesh.grid import uniform_grid
from facetalk.mesh.halved import extract_smooth
from facetalk.mesh.normals import vertex_normals
from facetalk.mesh.pieces import select_faces
from facetalk.mesh.strands import Groom, stand_out, strand_coordinates, swung
from facetalk.types import Mesh, Region, Strands

Points = Float[Tensor, "point 3"]
HairSkin = Callable[[Points], Float[Tensor, " point"]]
"""Distance to the skin that hair grows on."""
Warp = Callable[[Points], tuple[Points, Float[Tensor, " point"]]]
"""Offsets and levels at posed points."""

SCALP_BOX = Box((-0.52, -0.45, -0.94), (0.52, 0.745, 0.36))
BEARD_BOX = Box((-0.42, -0.45, -0.32), (0.42, 0.16, 0.4))
"""Where hair is looked for."""
SCALP_CELL_MM, BEARD_CELL_MM = 7.0, 4.5
"""Where the field is asked; triangles are half as large."""
STEEP = 2.0
"""Distances to hair are overestimated by at most this where a volume ends steeply."""
HIDDEN_MM = 1.5
"""Faces deeper under the skin are left out."""
FULL_MM = 7.0
"""Height above the skin from which on locks are set fully."""
LOBE_MM, BESIDE_MM = 45.0, 57.0
"""Nearer to the middle of an ear than the first no beard grows, further than the second all of it."""
ROUND_MOUTH_MM, LIP_MARGIN_MM, ON_LIP = 45.0, 3.0, 0.5
"""How far round the mouth lips are looked for under a beard, how wide a rim stays free, and what share is a lip."""
IN_SHADE_MM = 3.0
"""How much less the locks of a beard stand out, as far as light goes, where it bends down beside the lips."""
BESIDE_LIPS = 1.15
"""How densely skin between a beard and the lips is painted: as dark as the beard."""
MIDDLE_MM, UPRIGHT_MM, FEW = 10.0, 24.0, 12
"""A beard grows above or below the lips where it has more than a few vertices so near to their middle."""
AT_SKIN_MM = 0.4
"""Hair that stands off the skin by less is its rim."""
LEAST_FACING = 0.3
"""Least cosine between strands and the outward normal where they come out of the skin, or end."""
SCALP_RIM_MM, BEARD_RIM_MM, LIP_RIM_MM = 3.5, 7.0, 1.0
"""How far from the rim hair is as dense as elsewhere; the last beside lips, which a beard is cut along."""
ROOTS, SPREAD, ROUNDS = 240, 4, 2
"""Points of the skin that carry a beard, how many of them each vertex follows, and corrections of their places."""
CLOSE_MM = 12.0
"""Roots thin out with the square of the distance from the mouth and this."""
ASTRAY_MM, FEW_ASTRAY, JUMP_ROUNDS = 1.0, 0.05, 10
"""Where more than a few roots miss their places by more, as between poses, they are corrected further."""


@dataclass(frozen=True)
class Roots:
    """Points of the canonical skin that carry a beard."""

    points: Float[Tensor, "root 3"]
    normals: Float[Tensor, "root 3"]
    index: Int[np.ndarray, "vertex near"]
    share: Float[np.ndarray, "vertex near"]

    @classmethod
    def under(cls, mesh: Mesh, depth: Float[np.ndarray, " vertex"], mouth: Float[np.ndarray, "3"]) -> "Roots":
        """Roots of a beard that stands `depth` off the skin, densest round the mouth, where skin moves unevenly."""
        assert mesh.normals is not None
        skin = mesh.vertices - depth[:, None] * mesh.normals
        wish = (UNIT_MM * np.linalg.norm(skin - mouth, axis=1) + CLOSE_MM) ** -2.0
        count = min(ROOTS, len(skin))
        chosen = np.random.default_rng(0).choice(len(skin), count, replace=False, p=wish / wish.sum())
        distance, index = KDTree(skin[chosen]).query(skin, SPREAD)
        weight = 1 / (distance + 1 / UNIT_MM)
        return cls(
            torch.from_numpy(skin[chosen]).float(),
            torch.from_numpy(mesh.normals[chosen]).float(),
            index,
            (weight / weight.sum(1, keepdims=True)).astype(np.float32),
        )

    def moved(self, warp: Warp, start: Float[Tensor, "root 3"]) -> Float[Tensor, "root 3"]:
        """Where the roots lie in a pose, looked for from `start`."""

        def near(points: Points) -> tuple[Points, Float[Tensor, " point"]]:
            offsets, level = warp(points)
            return offsets.cpu(), level.cpu()

        found = carry(near, self.points, self.normals, start, rounds=ROUNDS)
        if (found.miss_mm > ASTRAY_MM).float().mean() > FEW_ASTRAY:  # another pose, not the next frame
            found = carry(near, self.points, self.normals, found.points, rounds=JUMP_ROUNDS)
        return found.points

    def displacement(self, moved: Float[Tensor, "root 3"]) -> Float[np.ndarray, "vertex 3"]:
        """How far each vertex moves with its roots."""
        moves = (moved - self.points).numpy()
        return np.einsum("vn,vnx->vx", self.share, moves[self.index])


@dataclass(frozen=True)
class Locks:
    """The hair of a person in the canonical pose."""

    scalp: Mesh | None
    beard: Mesh | None
    roots: Roots | None

    @property
    def top(self) -> float:
        """Height of the highest hair, in units."""
        return max(float(mesh.vertices[:, 1].max()) for mesh in self.meshes)

    @property
    def back(self) -> float:
        """The hindmost hair, in units."""
        return min(float(mesh.vertices[:, 2].min()) for mesh in self.meshes)

    @property
    def meshes(self) -> list[Mesh]:
        """What there is of both."""
        return [mesh for mesh in (self.scalp, self.beard) if mesh is not None]

    def round_lips(self, mouth: Float[np.ndarray, "3"]) -> tuple[float, float]:
        """How densely to paint skin above and below the lips, so that the beard seems to come up to them."""
        if self.beard is None:
            return 0.0, 0.0
        across, up, _ = (UNIT_MM * (self.beard.vertices - mouth)).T
        near = (np.abs(across) < MIDDLE_MM) & (np.abs(up) < UPRIGHT_MM)
        above, below = (BESIDE_LIPS if (near & side).sum() >= FEW else 0.0 for side in (up > 0, up < 0))
        return above, below

    def worn(self, heads: Iterator[Mesh], warps: Iterator[Warp]) -> Iterator[Mesh]:
        """Meshes of consecutive frames with this hair; `warps` are the deformations they are in, asked for a beard."""
        scalp = [self.scalp] if self.scalp is not None else []
        if self.beard is None or self.roots is None:
            yield from (joined(head, scalp) for head in heads)
            return
        place = self.roots.points
        for head, warp in zip(heads, warps, strict=True):
            place = self.roots.moved(warp, place)
            vertices = (self.beard.vertices + self.roots.displacement(place)).astype(np.float32)
            normals = vertex_normals(vertices, self.beard.faces)
            yield joined(head, [*scalp, replace(self.beard, vertices=vertices, normals=normals)])


def made(head: Head, state: IdentityState, hair: Hair, cut: Plane) -> Locks | None:
    """The hair of a person, cut at the rim of the bust; None where there is none."""
    fields = head.grown(state, hair)
    if not fields or head.hair is None:
        return None

    def skin(points: Points) -> Float[Tensor, " point"]:
        return head.canonical(state, points.to(head.rest.device))

    def regions(points: Points) -> Float[Tensor, "point region"]:
        return head.regions(state, points.to(head.rest.device))

    scalp = beard = roots = None
    if "scalp" in fields and hair.scalp is not None:
        groom = groomed(head.hair.scalp, hair.scalp)
        scalp, _ = surface(fields["scalp"], skin, SCALP_BOX, SCALP_CELL_MM, groom, cut)
        scalp = feathered(scalp, skin, SCALP_RIM_MM, grows=on_hairline(scalp, state))
    if "beard" in fields and hair.beard is not None:
        groom = groomed(head.hair.beard, hair.beard)
        beard, depth = surface(fields["beard"], skin, BEARD_BOX, BEARD_CELL_MM, groom, cut)
        mouth = state.landmarks["mouth_centre"].cpu().numpy()
        beard = off_ears(beard, depth, state)
        beard, depth = off_lips(beard, depth, skin, regions, mouth)
        roots = Roots.under(beard, depth, mouth)
        beard = feathered(beard, skin, BEARD_RIM_MM, mouth)
    return Locks(scalp, beard, roots)


@torch.inference_mode()
def groomed(kind: HairField, code: Float[Tensor, " code"]) -> Groom:
    """What hair of a code is like closer than its volume."""
    return Groom(*kind.textures(code[None].to(kind.codes.device))[0].tolist())


@torch.inference_mode()
def surface(
    field: HairSdf,
    skin: Callable[[Points], Float[Tensor, " point"]],
    box: Box,
    cell_mm: float,
    groom: Groom,
    cut: Plane,
) -> tuple[Mesh, Float[np.ndarray, " vertex"]]:
    """Hair above the skin with its locks set, and how far each vertex is off the skin, in units."""
    grid = uniform_grid(box, round(UNIT_MM * float(box.size.max()) / cell_mm))
    mesh = extract_smooth(lambda points: field(points).distance, grid, margin=STEEP, cut=cut)
    shown = ask(skin, mesh.vertices) > -HIDDEN_MM / UNIT_MM
    mesh = select_faces(mesh, np.flatnonzero(shown[mesh.faces].any(1)))
    off, ways = ask(skin, mesh.vertices), ask(lambda points: field(points).way, mesh.vertices)
    coordinates = swung(strand_coordinates(mesh.vertices, mesh.faces, ways), groom)
    full = np.clip((UNIT_MM * off + 1) / FULL_MM, 0, 1)
    height = stand_out(mesh.vertices, coordinates, groom) * full
    assert mesh.normals is not None
    vertices = (mesh.vertices + height[:, None] / UNIT_MM * mesh.normals).astype(np.float32)
    dense = np.ones((len(vertices), 1))
    values = np.concatenate([ways, coordinates, height[:, None], dense], 1, dtype=np.float32)
    regions = np.zeros((len(vertices), len(Region)), np.float32)
    regions[:, Region.HAIR] = 1
    normals = vertex_normals(vertices, mesh.faces)
    return Mesh(vertices, mesh.faces, regions, normals, vertices, Strands(values, len(mesh.faces))), off


def off_ears(beard: Mesh, depth: Float[np.ndarray, " vertex"], state: IdentityState) -> Mesh:
    """A beard that sinks into the skin beside the ears, whose lobes it would cover."""
    near = UNIT_MM * KDTree(_ears(state)).query(beard.vertices)[0]
    share = np.clip((BESIDE_MM - near) / (BESIDE_MM - LOBE_MM), 0, 1)
    assert beard.normals is not None
    return _sunk(beard, depth, share, beard.normals)


def off_lips(
    beard: Mesh, depth: Float[np.ndarray, " vertex"], skin: HairSkin, regions: Callable[[Points], Tensor],
    mouth: Float[np.ndarray, "3"],
) -> tuple[Mesh, Float[np.ndarray, " left"]]:  # fmt: skip
    """A beard that ends in the skin before the lips, which it would hide as they move; and the depths that are left."""
    away = mouth - beard.vertices
    distance = np.linalg.norm(away, axis=1)
    near = np.flatnonzero(UNIT_MM * distance < ROUND_MOUTH_MM)
    ground = np.zeros_like(beard.vertices)
    ground[near] = upwards = slope(skin, beard.vertices[near])
    feet = beard.vertices[near] - ask(skin, beard.vertices[near])[:, None] * upwards
    inwards = feet + (LIP_MARGIN_MM / UNIT_MM / distance[near])[:, None] * away[near]
    share = np.zeros(len(beard.vertices))
    share[near] = np.maximum(*(ask(regions, places)[:, Region.LIPS] for places in (feet, inwards)))
    shown = (share[beard.faces] < ON_LIP).any(1)
    left, sunk = np.unique(beard.faces[shown]), _sunk(beard, depth, share, ground)
    assert beard.strands is not None
    strands = beard.strands.deepened(IN_SHADE_MM * share).kept(left, int(shown.sum()))
    return replace(select_faces(sunk, shown), strands=strands), depth[left]


def feathered(
    hair: Mesh, skin: HairSkin, width_mm: float, mouth: Float[np.ndarray, "3"] | None = None,
    grows: Bool[np.ndarray, " vertex"] | None = None,
) -> Mesh:  # fmt: skip
    """Hair that thins out within `width_mm` of where it comes out of the skin or ends on it, across its strands.

    Strands that only lie on the skin, as long ones do on a neck, stay whole: they run along it, or touch it where no
    hair `grows`. So does a beard, nearly, where it is cut along the lips: where its rim faces the `mouth`.
    """
    assert hair.strands is not None and hair.normals is not None
    facing = np.abs((hair.strands.ways * hair.normals).sum(1))
    out = (UNIT_MM * ask(skin, hair.vertices) < AT_SKIN_MM) & (facing > LEAST_FACING)
    rim = np.flatnonzero(out if grows is None else out & grows)
    if not len(rim):
        return hair
    width = np.full(len(rim), width_mm)
    if mouth is not None:
        width[((mouth - hair.vertices[rim]) * hair.normals[rim]).sum(1) > 0] = LIP_RIM_MM
    away, nearest = KDTree(hair.vertices[rim]).query(hair.vertices)
    density = np.clip(UNIT_MM * away / width[nearest], 0, 1)
    return replace(hair, strands=hair.strands.thinned(density))


def on_hairline(hair: Mesh, state: IdentityState) -> Bool[np.ndarray, " vertex"]:
    """Which vertices may be at the hairline: above the middle of the ears, or behind it."""
    _, height, depth = _ears(state).mean(axis=0)
    return (hair.vertices[:, 1] > height) | (hair.vertices[:, 2] < depth)


def _ears(state: IdentityState) -> Float[np.ndarray, "2 3"]:
    return np.stack([state.landmarks[name].cpu().numpy() for name in ("ear_left", "ear_right")])


def slope(sdf: HairSkin, points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
    """Unit slope of a distance, by central differences."""
    steps = np.eye(3, dtype=np.float32) * 0.5 / UNIT_MM
    raw = np.stack([ask(sdf, points + step) - ask(sdf, points - step) for step in steps], 1)
    return raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-9)


def _sunk(
    beard: Mesh, depth: Float[np.ndarray, " vertex"], share: Float[np.ndarray, " vertex"],
    ways: Float[np.ndarray, "vertex 3"],
) -> Mesh:  # fmt: skip
    """Vertices drawn back against `ways`; those of share 1 until they are under the skin."""
    stands = UNIT_MM * depth + (beard.strands.standing if beard.strands is not None else 0) + HIDDEN_MM
    vertices = (beard.vertices - (share * stands / UNIT_MM)[:, None] * ways).astype(np.float32)
    return replace(beard, vertices=vertices, canonical=vertices, normals=vertex_normals(vertices, beard.faces))


def joined(head: Mesh, hair: list[Mesh]) -> Mesh:
    """A head with its hair as one mesh, the hair last."""
    parts = [head, *hair]
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    faces = [part.faces + start for part, start in zip(parts, starts, strict=True)]
    values = np.concatenate([part.strands.values for part in hair if part.strands is not None])

    def together(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts], dtype=np.float32)

    return Mesh(
        together("vertices"), np.concatenate(faces, dtype=np.int32), together("regions"), together("normals"),
        together("canonical"), Strands(values, sum(len(part.faces) for part in hair)),
    )  # fmt: skip
