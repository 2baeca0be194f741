"""Light on hair: it has the colour of the look, and its highlight lies across the strands."""

import numpy as np
import pytest
from balls import ball

from facetalk.geometry import Box
from facetalk.render.camera import portrait
from facetalk.render.look import Look
from facetalk.render.picture import Photographer
from facetalk.render.strands import streak
from facetalk.types import Mesh, Region, Strands

RADIUS, SIZE = 0.3, 96
CAMERA = portrait("front", Box((-0.32, -0.32, -0.3), (0.32, 0.32, 0.3)), SIZE, SIZE)


def hairy(way: tuple[float, float, float]) -> Mesh:
    """A ball all of hair that runs as near to `way` as its surface lets it."""
    bare = ball(RADIUS)
    along = np.array(way) - bare.normals @ np.array(way)[:, None] * bare.normals
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-3)
    values = np.concatenate([along, np.zeros((len(along), 3)), np.ones((len(along), 1))], 1).astype(np.float32)
    regions = np.zeros((len(along), len(Region)), np.float32)
    regions[:, Region.HAIR] = 1
    return Mesh(bare.vertices, bare.faces, regions, bare.normals, bare.vertices, Strands(values, len(bare.faces)))


def shot(mesh: Mesh, hair: tuple[float, float, float]) -> np.ndarray:
    return Photographer(Look(hair=hair), width=SIZE, height=SIZE)(mesh, CAMERA).pixels.astype(float)


def test_hair_has_its_colour():
    middle = (slice(30, 66), slice(30, 66))
    dark, light = (shot(hairy((0.0, -1.0, 0.0)), hair)[middle] for hair in ((0.1, 0.1, 0.1), (0.6, 0.6, 0.6)))
    assert light.mean() > 1.5 * dark.mean()
    red = shot(hairy((0.0, -1.0, 0.0)), (0.6, 0.1, 0.1))[middle]
    assert red[..., 0].mean() > 1.5 * red[..., 2].mean()


@pytest.mark.parametrize(("way", "axis"), [((0.0, -1.0, 0.0), 1), ((1.0, 0.0, 0.0), 0)])
def test_the_highlight_lies_across_the_strands(way, axis):
    light = shot(hairy(way), (0.12, 0.12, 0.12)).mean(-1)
    row, column = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    light[row**2 + column**2 > (0.36 * SIZE) ** 2] = 0
    bright = np.argwhere(light > np.quantile(light[light > 0], 0.9))
    spread = bright.std(0)
    assert spread[axis] > 1.3 * spread[1 - axis]


def test_faces_that_are_not_hair_are_lit_as_without_it():
    bare = ball(RADIUS)
    plain = Photographer(width=SIZE, height=SIZE)(bare, CAMERA).pixels
    nothing = Mesh(bare.vertices, bare.faces, normals=bare.normals, strands=Strands(np.zeros((1, 7), np.float32), 0))
    # The one vertex of hair stands for the last of the ball, which no camera in front sees.
    assert np.array_equal(Photographer(width=SIZE, height=SIZE)(nothing, CAMERA).pixels[:80], plain[:80])


def test_streaks_are_noise_between_zero_and_one():
    places = np.random.default_rng(0).uniform(-100, 100, (2000, 2)).astype(np.float32)
    found = np.array([streak(x, y, 1) for x, y in places])
    assert found.min() >= 0 and found.max() <= 1 and found.std() > 0.15
