"""Two sheets that pass through each other, as lips do."""

import numpy as np

from facetalk.data import contact

SIZE = 21


def sheet(height):
    """A square sheet over (across, depth) in [0, 1]^2 at the given height."""
    u, v = np.meshgrid(np.linspace(0, 1, SIZE), np.linspace(0, 1, SIZE), indexing="ij")
    return np.stack([u, height(u, v), v], axis=-1).reshape(-1, 3)


def faces(offset):
    corner = (np.arange(SIZE - 1)[:, None] * SIZE + np.arange(SIZE - 1)).ravel() + offset
    one = np.stack([corner, corner + 1, corner + SIZE], axis=1)
    other = np.stack([corner + 1, corner + SIZE + 1, corner + SIZE], axis=1)
    return np.concatenate([one, other])


def flaps():
    upper, lower = faces(0), faces(SIZE * SIZE)
    neighbours = contact.rings(2 * SIZE * SIZE, np.concatenate([upper, lower]))
    return contact.Flaps(upper, lower, np.unique(upper), np.unique(lower), neighbours)


RASTER = contact.Raster((0.0, 0.0), (0.02, 0.02), (51, 51))


def test_gap_of_parallel_sheets_is_their_distance():
    chart = np.concatenate([sheet(lambda u, v: 0.3 + 0 * u), sheet(lambda u, v: 0.1 + 0 * u)])
    assert np.allclose(contact.gaps(chart, flaps(), RASTER), 0.2)


def test_apart_sheets_are_left_alone():
    chart = np.concatenate([sheet(lambda u, v: 0.3 + 0 * u), sheet(lambda u, v: 0.1 + 0 * u)])
    assert np.allclose(contact.resolve(chart, flaps(), RASTER, press=0.01), 0)


def test_overlapping_sheets_end_pressed_by_the_wanted_depth():
    bump = lambda u, v: 0.2 + 0.1 * np.exp(-20 * ((u - 0.5) ** 2 + (v - 0.5) ** 2))  # noqa: E731
    chart = np.concatenate([sheet(lambda u, v: 0.22 + 0 * u), sheet(bump)])
    assert contact.gaps(chart, flaps(), RASTER).min() < -0.07
    chart[:, 1] += contact.resolve(chart, flaps(), RASTER, press=0.01)
    remaining = contact.gaps(chart, flaps(), RASTER)
    assert remaining.min() > -0.02
    assert remaining[25] < 0


def test_each_sheet_retreats_on_its_own_side():
    chart = np.concatenate([sheet(lambda u, v: 0.1 + 0 * u), sheet(lambda u, v: 0.2 + 0 * u)])
    moved = contact.resolve(chart, flaps(), RASTER, press=0.01)
    assert (moved[: SIZE * SIZE] >= 0).all() and (moved[SIZE * SIZE :] <= 0).all()


def test_absent_sheet_gives_no_gap():
    chart = np.concatenate([sheet(lambda u, v: 0.3 + 0 * u), np.add(sheet(lambda u, v: 0.1 + 0 * u), [2, 0, 0])])
    assert np.isnan(contact.gaps(chart, flaps(), RASTER)).all()


def test_seam_lies_where_sheets_touch_and_is_deepest_in_the_middle():
    bump = lambda u, v: 0.2 + 0.1 * np.exp(-20 * ((u - 0.5) ** 2 + (v - 0.5) ** 2))  # noqa: E731
    chart = np.concatenate([sheet(lambda u, v: 0.25 + 0 * u), sheet(bump)])
    found = contact.seam(chart, flaps(), RASTER, 400, 0.0, np.random.default_rng(0))
    assert found is not None
    points, distance = found
    radius = np.hypot(points[:, 0] - 0.5, points[:, 2] - 0.5)
    assert radius.max() < 0.25 and (distance <= 0).all()
    assert distance[radius < 0.05].max() < distance[radius > 0.15].min()


def test_sheets_apart_have_no_seam():
    chart = np.concatenate([sheet(lambda u, v: 0.3 + 0 * u), sheet(lambda u, v: 0.1 + 0 * u)])
    assert contact.seam(chart, flaps(), RASTER, 10, 0.0, np.random.default_rng(0)) is None
