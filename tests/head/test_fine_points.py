"""Points about lips and lids: what is drawn lies there, on the side it is said to lie on."""

from types import SimpleNamespace

import torch
from made_heads import write_spheres

from facetalk.geometry import UNIT_MM
from facetalk.head.model import Head, tiny
from facetalk.training import head_data
from facetalk.training.fine_points import MOST, NEAR_MM, FinePoints, _columns, about_lips
from facetalk.training.head_identity import IdentityRecipe, IdentityTask
from facetalk.training.lids import about_eyes
from facetalk.training.pairing import before


def drawn(tmp_path, count=40):
    data = head_data.read(write_spheres(tmp_path))
    people = data.scans["identity"].long()
    fine = FinePoints.of(data, data.scans, people)
    scans = torch.arange(len(people))
    columns = fine.drawn(scans, count, torch.Generator().manual_seed(0))
    return data, data.posed_at(scans, *columns)


def kinds(anatomy, points, sdf):
    """Which points are air about lips, flesh about lips, air about lids and flesh about lids."""
    near, air = sdf.abs() < NEAR_MM / UNIT_MM, sdf > 0
    parts = about_lips(anatomy, points), about_eyes(anatomy, points)
    return [near & part & side for part in parts for side in (air, ~air)]


def test_half_of_the_points_about_each_opening_are_air_wherever_a_scan_has_any(tmp_path):
    data, batch = drawn(tmp_path)
    anatomy = data.anatomy_of(batch.identities)
    whole = kinds(anatomy, data.places(data.scans["points"]), data.scans["sdf"].float())
    found = kinds(anatomy, batch.points, batch.sdf)
    for number, (there, right) in enumerate(zip(whole, found, strict=True)):
        of_kind = right[:, 20 * number : 20 * number + 20]
        assert there.any() and torch.equal(of_kind.all(1), there.any(1))


def test_points_before_a_ball_are_as_far_from_it_as_they_say(tmp_path):
    data, batch = drawn(tmp_path)
    ahead = before(batch, torch.Generator().manual_seed(1))
    size = data.anatomy_of(batch.identities).landmarks[:, 0].norm(dim=-1)
    assert torch.allclose(ahead.target.norm(dim=-1) - size[:, None], ahead.out, atol=2e-3)
    assert (ahead.out[:, ::2] == 0).all() and (ahead.out[:, 1::2] > 0).all()


def test_few_columns_are_repeated_and_where_none_is_chosen_no_single_one_stands_for_all():
    chosen = torch.zeros(2, 500, dtype=torch.bool)
    chosen[0, [3, 77]] = True
    columns = _columns(chosen)
    assert columns.shape == (2, MOST)
    assert set(columns[0].tolist()) == {3, 77}
    assert ((columns[1] >= 0) & (columns[1] < 500)).all() and len(columns[1].unique()) == MOST


def test_a_canonical_field_that_is_right_costs_nothing_there_and_a_worn_one_does(tmp_path):
    data = head_data.read(write_spheres(tmp_path))
    task = IdentityTask(Head(tiny()), data, IdentityRecipe(fine=1.0))
    batch = data.canonical(torch.arange(4), 5, 5, torch.Generator().manual_seed(0))
    sizes = data.anatomy_of(batch.identities).landmarks[:, 0].norm(dim=-1)[:, None]

    def error(worn_mm):
        task.head = SimpleNamespace(
            anatomies=lambda z_id: data.anatomy_of(batch.identities),
            fold=lambda z_id: (),
            ensemble=lambda anatomy, folded, points: points.norm(dim=-1) - sizes + worn_mm / UNIT_MM,
        )
        return float(task._fine_error(task.fine, batch.points[:, 0], batch, torch.Generator().manual_seed(1)))

    assert error(0.0) < 0.05 < 0.5 < error(1.0)
