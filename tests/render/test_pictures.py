import dataclasses

import numpy as np
import pytest
from balls import ball

from facetalk.errors import InputError
from facetalk.geometry import Box
from facetalk.render.camera import PRESETS, looking_at, portrait
from facetalk.render.look import IRIS_TONES, NAMED, Look, Studio, linear, parse_colour
from facetalk.render.occlusion import ambient
from facetalk.render.picture import Photographer
from facetalk.render.raster import visible
from facetalk.types import Mesh, Region

BOX = Box((-0.4, -0.5, -0.4), (0.4, 0.5, 0.4))


def test_the_middle_of_the_box_is_the_middle_of_the_picture():
    for name in PRESETS:
        camera = portrait(name, BOX, 200, 100)
        assert np.allclose(camera.project(BOX.centre[None])[0, :2], [100, 50], atol=1e-3)
        assert np.allclose(camera.project(camera.position[None] * 0 + BOX.centre)[0, 2] > 0, True)


def test_left_of_the_subject_is_right_in_a_front_picture_and_up_is_up():
    camera = portrait("front", BOX, 100, 100)
    column, row, _ = camera.project(np.array([[0.1, 0.1, 0.0]], np.float32))[0]
    assert column > 50 and row < 50


def test_the_box_fits_the_picture():
    for name in PRESETS:
        camera = portrait(name, BOX, 100, 100)
        middles = np.array([[0, 0.5, 0], [0, -0.5, 0], [0.4, 0, 0], [-0.4, 0, 0]], np.float32)
        seen = camera.project(middles)[:, :2]
        assert (seen >= -1).all() and (seen <= 101).all()


def test_moving_the_head_is_seen_as_moving_the_head():
    camera, shift = portrait("front", BOX, 100, 100), np.eye(4)
    shift[:3, 3] = 0.1, 0.0, 0.0
    point = np.array([[0.0, 0.1, 0.2]], np.float32)
    assert np.allclose(camera.seeing(shift).project(point), camera.project(point + np.float32([0.1, 0, 0])), atol=1e-4)


def test_unknown_cameras_and_empty_pictures_are_refused():
    with pytest.raises(InputError, match="'back' is unknown"):
        portrait("back", BOX, 10, 10)
    with pytest.raises(InputError, match="0×10"):
        portrait("front", BOX, 0, 10)


def test_a_ball_covers_its_disc_and_the_nearer_triangle_wins():
    near, far = ball(0.2, (0, 0, 0.3)), ball(0.3)
    count = len(far.faces)
    both = Mesh(
        np.concatenate([far.vertices, near.vertices]),
        np.concatenate([far.faces, near.faces + np.int32(len(far.vertices))]),
    )
    camera = looking_at(np.array([0.0, 0.0, 5.0]), np.zeros(3), 600.0, 120, 120)
    seen = visible(camera.project(both.vertices), both.faces, 120, 120, 2)
    assert seen.triangle.shape == (240, 240)
    assert seen.triangle[120, 120] >= count
    disc = np.pi * (600 * 0.3 / 5 * 2) ** 2
    assert (seen.triangle >= 0).sum() == pytest.approx(disc, rel=0.02)
    assert seen.nearness[120, 120] == pytest.approx(1 / 4.5, rel=0.01)


def test_faces_turned_away_are_not_seen():
    mesh = ball(0.3)
    camera = looking_at(np.array([0.0, 0.0, 5.0]), np.zeros(3), 600.0, 50, 50)
    inside_out = mesh.faces[:, ::-1]
    front = visible(camera.project(mesh.vertices), mesh.faces, 50, 50)
    back = visible(camera.project(mesh.vertices), inside_out, 50, 50)
    assert front.nearness.max() > back.nearness.max() > 0


def test_creases_get_less_light_than_open_places():
    camera = looking_at(np.array([0.0, 0.0, 3.0]), np.zeros(3), 300.0, 100, 100)
    columns = np.abs(np.arange(100) - 50) / 100  # a valley: its middle is farthest away
    depth = np.tile(3.0 - columns * 1.0, (100, 1)).astype(np.float32)
    light = ambient(1 / depth, camera, 1.0)
    assert light[50, 50] < 0.9 < light[50, 20] + 0.02
    flat = ambient(np.full((60, 60), 0.3, np.float32), camera, 1.0)
    assert np.allclose(flat[10:-10, 10:-10], 1)


@pytest.mark.parametrize("camera", ["front", "side"])
def test_a_picture_shows_skin_before_the_wall(camera):
    take = Photographer(Look(), Studio(), 64, 64)
    pixels = take(ball(0.35), portrait(camera, BOX, 64, 64)).pixels.astype(int)
    assert pixels.shape == (64, 64, 3)
    middle, corner = pixels[28:36, 28:36].mean((0, 1)), pixels[:4, :4].mean((0, 1))
    assert middle[0] > middle[1] > middle[2]
    assert np.abs(corner - 255 * np.array(Studio().background)).max() < 60
    assert np.array_equal(take(ball(0.35), portrait(camera, BOX, 64, 64)).pixels, pixels)


def test_regions_have_their_colours():
    mesh = ball(0.35)
    camera, take = portrait("front", BOX, 64, 64), Photographer(Look(), Studio(), 64, 64)

    def colour(region):
        shares = np.zeros((len(mesh.vertices), 8), np.float32)
        shares[:, region] = 1
        painted = Mesh(mesh.vertices, mesh.faces, shares, mesh.normals)
        return take(painted, camera).pixels[30:34, 36:44].mean((0, 1))

    assert colour(Region.PUPIL).mean() < colour(Region.IRIS).mean() < colour(Region.SCLERA).mean()
    assert colour(Region.MOUTH).mean() < colour(Region.TEETH).mean()
    lips, skin = colour(Region.LIPS), colour(Region.SKIN)
    assert lips[0] / lips[1] > skin[0] / skin[1]


def test_a_mesh_without_normals_is_refused():
    mesh = ball(0.3)
    with pytest.raises(ValueError, match="normals"):
        Photographer(width=8, height=8)(Mesh(mesh.vertices, mesh.faces), portrait("front", BOX, 8, 8))


def test_colours_are_read_in_three_ways():
    assert parse_colour("#ff0080") == parse_colour("255,0,128") == (1, 0, 128 / 255)
    assert parse_colour("White") == parse_colour(NAMED["white"])
    for wrong in ("mauve-ish", "#12", "1,2", "256,0,0", "#gggggg"):
        with pytest.raises(InputError, match="not understood"):
            parse_colour(wrong)
    assert linear(np.array([[0.0, 1.0, 0.0]])).tolist() == [[0, 1, 0]]


def test_seeded_looks_repeat_and_differ():
    assert Look.seeded(3) == Look.seeded(3)
    assert len({Look.seeded(seed).skin for seed in range(20)}) > 2
    assert Look.seeded(5).iris in IRIS_TONES


@pytest.mark.parametrize("size", [96, 97])
def test_skin_lit_by_blocks_looks_like_skin_lit_pixel_by_pixel(size):
    made = ball(0.3, rings=48)
    shares = np.zeros((len(made.vertices), len(Region)), np.float32)
    shares[:, Region.SKIN] = 1
    camera = looking_at(np.array([0.0, 0.0, 5.0]), np.zeros(3), 6.0 * size, size, size)
    photographer = Photographer(width=size, height=size)
    # Skin that is not surely skin is lit at every pixel; its colour is the same.
    blocks, pixels = (
        photographer(dataclasses.replace(made, regions=shares * np.float32(share)), camera).pixels.astype(int)
        for share in (1.0, 0.97)
    )
    apart = np.abs(blocks - pixels)
    assert apart.max() <= 12
    assert apart.mean() < 0.3
    assert apart.any()
