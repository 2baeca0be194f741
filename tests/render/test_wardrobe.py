"""What new people wear."""

import numpy as np

from facetalk.render.look import linear, srgb
from facetalk.render.wardrobe import HAIR, HAIR_CHANCES, IRIS, IRIS_CHANCES, LADDER, SKIN, dressed


def test_looks_follow_the_seed_and_differ():
    looks = [dressed(seed) for seed in range(60)]
    assert looks[3] == dressed(3) and len({look.skin for look in looks}) == 60
    assert {look.hair for look in looks} <= set(HAIR.values()) and {look.iris for look in looks} <= set(IRIS.values())
    assert len({look.hair for look in looks}) >= 5 and len({look.iris for look in looks}) >= 4
    amounts = np.array([look.makeup.row() for look in looks])
    assert amounts.min() >= 0 and 0.1 < (amounts[:, 1] == 0).mean() < 0.5
    assert all(0 <= channel <= 1 for look in looks for channel in (*look.skin, *look.lips))


def test_the_darkest_skin_goes_with_dark_hair_and_eyes():
    by_depth = sorted((sum(dressed(seed).skin), dressed(seed)) for seed in range(200))[:15]
    assert {look.hair for _, look in by_depth} <= {HAIR[name] for name in ("black", "dark-brown", "chestnut", "grey")}
    assert np.mean([look.iris in (IRIS["deep"], IRIS["hazel"], IRIS["amber"]) for _, look in by_depth]) > 0.8


def test_tables_fit_together():
    assert set(LADDER) == set(SKIN) and set(HAIR_CHANCES) == set(HAIR) and set(IRIS_CHANCES) == set(IRIS)
    light = [float(linear(np.array(SKIN[name])).sum()) for name in LADDER]
    assert light == sorted(light, reverse=True)


def test_srgb_undoes_linear():
    colours = np.random.default_rng(0).uniform(size=(50, 3))
    np.testing.assert_allclose(srgb(linear(colours)), colours, atol=1e-5)
