"""What closed lips and lids show."""

import numpy as np

from facetalk.geometry import UNIT_MM
from facetalk.mesh.seams import AT_EYES_MM, AT_TEETH_MM, SHOWN_FOR, seam_shares
from facetalk.types import Region


def shares_of(region: Region, points: int) -> np.ndarray:
    shares = np.zeros((points, len(Region)), np.float32)
    shares[:, region] = 1
    return shares


def shown_at(shares: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """The shares of points as far along z as their distance."""
    canonical = np.zeros((len(distance), 3), np.float32)
    canonical[:, 2] = distance
    return seam_shares(shares, canonical, lambda points: points[:, 2])


def test_what_lies_on_the_canonical_surface_keeps_its_kind():
    for region in Region:
        shares = shares_of(region, 3)
        on_or_inside = np.array([0.0, -1.0, 0.5 * AT_EYES_MM[0]], np.float32) / UNIT_MM
        assert np.array_equal(shown_at(shares, on_or_inside), shares)


def test_in_open_air_a_seam_shows_what_it_is_made_of():
    air = np.full(2, 2 * AT_TEETH_MM[1] / UNIT_MM, np.float32)
    for region in Region:
        shown = shown_at(shares_of(region, 2), air)
        assert (shown.argmax(1) == SHOWN_FOR.get(region, (region,))[0]).all()


def test_shares_still_sum_to_one_half_way():
    random = np.random.default_rng(0)
    shares = random.dirichlet(np.ones(len(Region)), 50).astype(np.float32)
    shown = shown_at(shares, random.uniform(0, 1.0, 50).astype(np.float32) / UNIT_MM)
    assert np.allclose(shown.sum(1), 1, atol=1e-5) and (shown >= -1e-6).all()
