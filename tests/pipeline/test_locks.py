"""Hair on a made head: it is there and whole in every mesh, the head under it stays as it was, beards follow skin."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import ANCHORS
from facetalk.pipeline import hairdressing
from facetalk.pipeline.actor import NECK_CUT, Actor
from facetalk.pipeline.gallery import pictures
from facetalk.pipeline.identity import Identity, find, wearing
from facetalk.pipeline.locks import (
    BESIDE_MM,
    HIDDEN_MM,
    LEAST_FACING,
    LIP_RIM_MM,
    LOBE_MM,
    Roots,
    feathered,
    joined,
    off_lips,
)
from facetalk.pipeline.presenter import View
from facetalk.pipeline.roads import ROADS, Surface, road_of
from facetalk.render.look import Look
from facetalk.render.makeup import Makeup
from facetalk.types import Mesh, Region, Strands
from made_hair import THICKNESS_MM, made_hair
from made_models import RADIUS, ball_head

COARSE = Surface(resolution=16)


@pytest.fixture(scope="module")
def head():
    head = ball_head()
    way = torch.randn(ANCHORS, 3, generator=torch.Generator().manual_seed(1))
    head.anatomy.mean[: 3 * ANCHORS] = (RADIUS * torch.nn.functional.normalize(way, dim=1)).flatten()
    head.hair = made_hair(head.shape_hash)
    return head


@pytest.fixture(scope="module")
def z_id(head):
    return torch.zeros(head.config.layout.size)


@pytest.fixture(scope="module")
def hairy(head, z_id):
    return Actor(head, z_id, hair=head.hair.named("long+beard"))


def test_hair_lies_its_thickness_above_the_skin(hairy):
    for mesh in hairy.locks.meshes:
        with torch.inference_mode():
            off = UNIT_MM * hairy.canonical(torch.from_numpy(mesh.vertices)).numpy()
        rim = mesh.vertices[:, 1] < NECK_CUT.offset + 0.02
        # Locks stand out from the volume, or back, by some millimetres.
        assert np.abs(np.median(off[~rim]) - THICKNESS_MM) < 3
        assert off.min() > -10 * HIDDEN_MM


@pytest.mark.parametrize("mesh", ["fast", "exact"])
def test_the_head_under_hair_is_the_bald_one_to_the_bit(hairy, head, z_id, mesh):
    code = head.rest[None]
    surface = replace(COARSE, mesh=mesh)
    bald = next(ROADS[mesh](Actor(head, z_id), surface.resolution)(code))
    worn = next(iter(road_of(hairy, surface)(code)))
    vertices, faces = len(bald.vertices), len(bald.faces)
    assert np.array_equal(worn.vertices[:vertices], bald.vertices)
    assert np.array_equal(worn.faces[:faces], bald.faces)
    assert worn.strands.faces == len(worn.faces) - faces == sum(len(part.faces) for part in hairy.locks.meshes)
    assert (worn.regions[vertices:, Region.HAIR] == 1).all()
    assert worn.faces[faces:].min() >= vertices


def test_a_bald_actor_takes_the_plain_road(head, z_id):
    bald = Actor(head, z_id)
    assert bald.locks is None
    [one], [other] = (list(road(head.rest[None])) for road in (road_of(bald, COARSE), ROADS["fast"](bald, 16)))
    assert np.array_equal(one.vertices, other.vertices) and one.strands is None


def test_hair_stays_in_place_and_a_beard_moves_with_its_skin(hairy, head):
    locks, move = hairy.locks, torch.tensor([0.01, -0.03, 0.02])
    still, moved = (
        next(locks.worn(iter([locks.scalp]), iter([lambda points, m=m: (-m.expand_as(points), points[:, 0] * 0)])))
        for m in (torch.zeros(3), move)
    )
    scalp, beard = len(locks.scalp.vertices), len(locks.beard.vertices)
    assert np.array_equal(moved.vertices[: 2 * scalp], still.vertices[: 2 * scalp])
    shift = (moved.vertices - still.vertices)[-beard:]
    assert np.allclose(shift, move.numpy(), atol=5e-4)


def test_roots_of_a_beard_that_does_not_move_stay(hairy):
    roots = hairy.locks.roots
    assert isinstance(roots, Roots)
    assert not roots.displacement(roots.points).any()
    assert np.allclose(roots.share.sum(1), 1, atol=1e-5)


def test_meshes_are_joined_without_mixing_their_vertices(hairy):
    scalp, beard = hairy.locks.scalp, hairy.locks.beard
    whole = joined(scalp, [beard])
    assert np.array_equal(whole.vertices[whole.faces[-len(beard.faces) :]], beard.vertices[beard.faces])


def test_pictures_show_hair(head, z_id):
    person = Identity("somebody", z_id, Look(hair=(0.9, 0.1, 0.1)))
    [bald] = pictures(head, person, head.rest[None], View(size=64), COARSE)
    [worn] = pictures(head, wearing(head, person, "long"), head.rest[None], View(size=64), COARSE)
    middle = (slice(24, 40), slice(24, 40))
    assert not np.array_equal(bald.pixels, worn.pixels)
    red = worn.pixels[middle].astype(int)
    assert (red[..., 0] > 1.5 * red[..., 1]).mean() > 0.9


def test_the_picture_holds_the_hair(hairy, head, z_id):
    assert hairy.portrait_box().upper[1] > Actor(head, z_id).portrait_box().upper[1]
    assert hairy.portrait_box().upper[1] >= hairy.locks.top


def test_names_have_hair_where_the_head_has_some(head):
    bald = ball_head()
    assert not find(bald, "seed:3").hair
    with pytest.raises(InputError, match="no hair"):
        wearing(bald, find(bald, "seed:3"), "long")
    assert not wearing(bald, find(bald, "seed:3"), "none").hair


def test_seeds_draw_hair_that_stays_and_the_shaven_stay_bald(head):
    drawn = [hairdressing.seeded_hair(head, seed, Makeup(crop=0.9, stubble=0.5)) for seed in range(20)]
    again = hairdressing.seeded_hair(head, 3, Makeup(crop=0.9, stubble=0.5))
    assert torch.equal(drawn[3].scalp, again.scalp)
    assert len({tuple(hair.scalp.tolist()) for hair in drawn}) > 10
    assert 0 < sum(hair.beard is not None for hair in drawn) < 20
    assert not hairdressing.seeded_hair(head, 3, Makeup(crop=0.0))


def test_hair_comes_back_from_files_and_is_refused_by_other_weights(head, tmp_path):
    hair = head.hair.named("long+beard")
    arrays = hairdressing.packed(head, hair)
    again = hairdressing.unpacked(head, arrays, tmp_path)
    assert torch.equal(again.scalp, hair.scalp) and torch.equal(again.beard, hair.beard)
    assert not hairdressing.unpacked(head, {}, tmp_path)
    other = ball_head()
    other.hair = made_hair(other.shape_hash, 5.0)
    with pytest.raises(InputError, match="wears hair"):
        hairdressing.unpacked(other, arrays, tmp_path)


def test_between_two_hairstyles_lie_others(head):
    one, other = head.hair.named("long"), head.hair.named("crop+beard")
    middle = hairdressing.between(one, other, 0.5)
    assert torch.allclose(middle.scalp, (one.scalp + other.scalp) / 2)
    assert hairdressing.between(one, other, 0.2).beard is None
    assert hairdressing.between(one, other, 0.8).beard is not None


def test_a_beard_leaves_the_lobes_of_ears_bare(hairy):
    beard, ear = hairy.locks.beard, hairy.state.landmarks["ear_left"].numpy()
    near = UNIT_MM * np.linalg.norm(beard.vertices - ear, axis=1)
    with torch.inference_mode():
        off = UNIT_MM * hairy.canonical(torch.from_numpy(beard.vertices)).numpy()
    assert np.median(off[near < LOBE_MM - 10]) < 0
    assert np.median(off[near > BESIDE_MM + 10]) > THICKNESS_MM - 3


def test_a_beard_arrives_however_far_the_pose_is_from_the_one_before(hairy):
    roots, far = hairy.locks.roots, torch.tensor([0.0, -0.12, 0.05])

    def warp(points):
        return -far.expand(len(points), 3), torch.zeros(len(points))

    arrived = roots.moved(warp, roots.points)
    torch.testing.assert_close(arrived, roots.points + far, atol=0.05 / UNIT_MM, rtol=0)


def test_no_beard_is_left_on_lips(hairy):
    beard, mouth = hairy.locks.beard, hairy.landmark("mouth_centre").numpy()

    def lips_on_one_side(points):
        shares = torch.zeros(len(points), len(Region))
        shares[torch.arange(len(points)), torch.where(points[:, 0] > mouth[0], int(Region.LIPS), int(Region.SKIN))] = 1
        return shares

    depth = hairy.canonical(torch.from_numpy(beard.vertices)).numpy()
    left, depths = off_lips(beard, depth, hairy.canonical, lips_on_one_side, mouth)
    assert len(left.vertices) == len(depths) == len(left.strands.values)

    def beside(vertices, side):
        near = np.linalg.norm(vertices - mouth, axis=1) * UNIT_MM < 35
        return vertices[near & (side * (vertices[:, 0] - mouth[0]) * UNIT_MM > 5)]

    def standing(vertices):
        return (hairy.canonical(torch.from_numpy(vertices)) * UNIT_MM > 1).sum()

    assert standing(beside(beard.vertices, 1)) > 20 and standing(beside(left.vertices, 1)) == 0
    assert standing(beside(left.vertices, -1)) == standing(beside(beard.vertices, -1))


def wall_of_hair(way: tuple[float, float, float]) -> Mesh:
    """Points up a wall that leaves level skin at height 0, one each tenth of a millimetre; it faces z."""
    vertices = np.zeros((200, 3), np.float32)
    vertices[:, 1] = np.arange(200) * 0.1 / UNIT_MM
    faces = np.stack([np.arange(198), np.arange(1, 199), np.arange(2, 200)], 1).astype(np.int32)
    normals = np.tile(np.float32([0, 0, 1]), (200, 1))
    values = np.concatenate([np.tile(way, (200, 1)), np.zeros((200, 3)), np.ones((200, 1))], 1).astype(np.float32)
    return Mesh(vertices, faces, None, normals, vertices, Strands(values, len(faces)))


def height(points: torch.Tensor) -> torch.Tensor:
    return points[:, 1]


def test_hair_grows_dense_over_the_given_way_from_where_its_strands_leave_the_skin():
    density = feathered(wall_of_hair((0.0, 0.0, -1.0)), height, 5.0).strands.rim[:, 2]
    assert density[0] == 0 and (np.diff(density) >= 0).all()
    assert 0.35 < density[25] < 0.5 and (density[60:] == 1).all()


def test_strands_that_only_lie_on_the_skin_stay_whole():
    flat = np.sqrt(1 - (LEAST_FACING / 2) ** 2)
    assert (feathered(wall_of_hair((flat, 0.0, LEAST_FACING / 2)), height, 5.0).strands.rim[:, 2] == 1).all()
    upright = wall_of_hair((0.0, 0.0, -1.0))
    nowhere = feathered(upright, height, 5.0, grows=np.zeros(len(upright.vertices), bool))
    assert (nowhere.strands.rim[:, 2] == 1).all()


def test_a_rim_that_faces_the_mouth_is_cut_rather_than_thin():
    hair = wall_of_hair((0.0, 0.0, -1.0))
    before, behind = (np.array([0.0, 0.0, side * 20 / UNIT_MM]) for side in (1, -1))
    cut = feathered(hair, height, 5.0, before).strands.rim[:, 2]
    thin = feathered(hair, height, 5.0, behind).strands.rim[:, 2]
    full = int(10 * (LIP_RIM_MM + 1))
    assert (cut[full:] == 1).all() and thin[full] < 0.5
