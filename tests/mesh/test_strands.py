"""Coordinates along and across strands, and locks."""

import numpy as np

from facetalk.geometry import UNIT_MM
from facetalk.mesh.strands import Groom, smooth_noise, stand_out, strand_coordinates, swung


def sheet(count: int = 21, size_mm: float = 100.0) -> tuple[np.ndarray, np.ndarray]:
    """A flat square in x and y, seen from +z."""
    axis = np.linspace(0, size_mm, count)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    vertices = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], 1) / UNIT_MM
    corner = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    quads = np.stack([corner, corner + count, corner + count + 1, corner + 1], 1)
    return vertices, np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def test_straight_strands_have_straight_coordinates_in_millimetres() -> None:
    vertices, faces = sheet()
    ways = np.tile([0.6, 0.8, 0.0], (len(vertices), 1))
    across, along = strand_coordinates(vertices, faces, ways).T
    place = UNIT_MM * vertices
    expected_along, expected_across = place[:, :2] @ [0.6, 0.8], place[:, :2] @ [-0.8, 0.6]
    assert np.abs((along - along[0]) - (expected_along - expected_along[0])).max() < 0.5
    assert np.abs((across - across[0]) - (expected_across - expected_across[0])).max() < 0.5


def test_the_coordinate_across_stays_along_strands_that_bend() -> None:
    vertices, faces = sheet(41)
    place = UNIT_MM * vertices - [-60.0, -60.0, 0.0]
    ways = np.stack([-place[:, 1], place[:, 0], 0 * place[:, 0]], 1)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    across = strand_coordinates(vertices, faces, ways)[:, 0]
    radius = np.linalg.norm(place[:, :2], axis=1)
    line = np.polyfit(radius, across, 3)
    assert np.abs(across - np.polyval(line, radius)).max() < 1.0
    assert abs(np.polyval(np.polyder(line), 120.0)) > 0.8


def test_a_parting_does_not_squeeze_the_strands_beside_it() -> None:
    vertices, faces = sheet(41)
    side = np.where(vertices[:, 0] * UNIT_MM < 50, -1.0, 1.0)
    ways = np.stack([side, 0 * side, 0 * side], 1)
    across = strand_coordinates(vertices, faces, ways)[:, 0].reshape(41, 41)
    step = 100 / 40
    slopes = np.abs(np.diff(across, axis=1)) / step
    assert slopes[:14].mean() > 0.8 and slopes[27:].mean() > 0.8


def test_strands_go_on_beside_each_other_across_a_parting() -> None:
    """Directions turn by half a circle within a centimetre, through the way of the parting itself."""
    vertices, faces = sheet(41)
    turn = np.clip((vertices[:, 0] * UNIT_MM - 50) / 10, -0.5, 0.5) * np.pi
    ways = np.stack([np.sin(turn), np.cos(turn), 0 * turn], 1)
    across = strand_coordinates(vertices, faces, ways)[:, 0].reshape(41, 41)
    step = 100 / 40
    slopes = np.hypot(*(each / step for each in np.gradient(across)))
    assert slopes.max() < 2.5  # where both sides count one way they climb from one to the other, by 5.8
    beside, far = across[16], across[25]
    assert np.abs((beside - beside[20]) - (far - far[20])).max() < 8
    assert not np.allclose(across[:16], across[:24:-1], atol=2)


def test_noise_lies_between_zero_and_one_and_is_smooth() -> None:
    places = np.random.default_rng(0).uniform(-50, 50, (4000, 3))
    for axes in (2, 3):
        here = smooth_noise(places[:, :axes])
        beside = smooth_noise(places[:, :axes] + 1e-3)
        assert here.min() >= 0 and here.max() <= 1 and here.std() > 0.1
        assert np.abs(here - beside).max() < 0.01


def test_hair_without_texture_keeps_its_volume_and_its_coordinates() -> None:
    vertices, _ = sheet()
    coordinates = UNIT_MM * vertices[:, :2].astype(np.float32)
    plain = Groom(0.0, 0.0, 0.0)
    assert not stand_out(vertices, coordinates, plain).any()
    assert np.allclose(swung(coordinates, plain), coordinates)
    deep, shallow = (stand_out(vertices, coordinates, Groom(0.0, 0.0, amount)).std() for amount in (1.0, 0.3))
    assert deep > 2 * shallow > 0
