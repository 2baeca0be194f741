"""Laws on people nobody scanned: sealed lips, closed lids."""

import torch

from facetalk.arkit import ARKIT_INDEX
from facetalk.geometry import UNIT_MM
from facetalk.head import model
from facetalk.head.anatomy import LANDMARK_NAMES, Anatomy
from facetalk.head.traits import Traits, identity_weights
from facetalk.training.drawn_people import (
    BELOW_LIDS,
    DrawnPeople,
    closed_error,
    parted_error,
    sealed_error,
    still_error,
)
from facetalk.training.head_losses import AIR
from facetalk.training.seams import (
    GAPE_MM,
    HELD_OPEN,
    MOVES_LIPS,
    PRESSING,
    between_lips,
    gaping_weights,
    openness,
    sealed_weights,
    through_lips,
)

MM = 1 / UNIT_MM


def made_anatomy(people: int = 2) -> Anatomy:
    landmarks = torch.zeros(people, len(LANDMARK_NAMES), 3)
    for name, place in {"teeth_front": (0, -8, 5), "lip_upper": (0, -4, 15), "lip_lower": (0, -12, 14)}.items():
        landmarks[:, LANDMARK_NAMES.index(name)] = MM * torch.tensor(place, dtype=torch.float)
    landmarks[:, LANDMARK_NAMES.index("mouth_centre")] = MM * torch.tensor([0.0, -8, 13])
    return Anatomy(torch.zeros(people, 39, 3), landmarks, torch.full((people, 2), 12 * MM))


def flesh_with_gap(below_mm: float, above_mm: float, hindmost_mm: float):
    """Distances of flesh with a level gap that ends, going in, at some depth."""

    def sdf(points: torch.Tensor) -> torch.Tensor:
        y, z = points[..., 1] / MM, points[..., 2] / MM
        in_gap = torch.minimum(torch.minimum(y - below_mm, above_mm - y), z - hindmost_mm)
        return MM * in_gap

    return sdf


def test_a_gap_right_through_is_open_and_one_that_ends_in_flesh_is_sealed():
    lines = through_lips(made_anatomy(), torch.Generator().manual_seed(0))
    through = openness(flesh_with_gap(-10, -7, -50)(lines))
    blind = openness(flesh_with_gap(-10, -7, 9)(lines))
    assert (through > 0.5 * MM).all()
    assert (blind < -2 * MM).all()


def test_sealed_weights_keep_brows_and_shut_the_lips():
    weights = torch.rand(6, 52, generator=torch.Generator().manual_seed(1))
    sealed = sealed_weights(weights, torch.Generator().manual_seed(2))
    kept = [index for index in range(52) if index not in MOVES_LIPS]
    assert torch.equal(sealed[:, kept], weights[:, kept])
    assert (sealed[::4][:, MOVES_LIPS] == 0).all()
    pressing = [column for columns in PRESSING for column in columns]
    assert (sealed[2::4][:, pressing] > 0).all() and (sealed[1::4][:, pressing] == 0).all()
    others = sorted({*MOVES_LIPS} - {*pressing, ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]})
    assert (sealed[:, others] == 0).all() and (sealed[::2, ARKIT_INDEX["jawOpen"]] == 0).all()
    jaw, shut = sealed[1::2, ARKIT_INDEX["jawOpen"]], sealed[1::2, ARKIT_INDEX["mouthClose"]]
    assert torch.equal(jaw, shut) and (jaw > 0).all()


def test_gaping_weights_open_the_jaw_alone_and_keep_brows():
    weights = torch.rand(6, 52, generator=torch.Generator().manual_seed(1))
    gaping = gaping_weights(weights, torch.Generator().manual_seed(2))
    kept = [index for index in range(52) if index not in MOVES_LIPS]
    assert torch.equal(gaping[:, kept], weights[:, kept])
    assert (gaping[:, [index for index in MOVES_LIPS if index != HELD_OPEN]] == 0).all()
    assert ((gaping[:, HELD_OPEN] > 0.6) & (gaping[:, HELD_OPEN] <= 1)).all()


def test_the_middle_of_an_open_mouth_is_far_from_both_lips_as_the_jaw_turns_them():
    anatomy, jaw = made_anatomy(), torch.tensor([0.7, 1.0])
    for ear in ("ear_left", "ear_right"):
        anatomy.landmarks[:, LANDMARK_NAMES.index(ear)] = MM * torch.tensor([0.0, 20, -80])
    points = between_lips(anatomy, jaw, torch.Generator().manual_seed(0)) / MM
    hinge = torch.tensor([20.0, -80.0])
    at = points[..., 1:] - hinge
    seam = torch.tensor([-8.0, 13]) - hinge
    turned = torch.atan2(seam[0], at.norm(dim=-1).square().sub(seam[0] ** 2).sqrt()) - torch.atan2(
        at[..., 0], at[..., 1]
    )
    way = turned * at.norm(dim=-1)  # along each point's own arc, from the height of the seam
    assert (way > 0.15 * GAPE_MM * jaw[:, None]).all() and (way < 0.65 * GAPE_MM * jaw[:, None]).all()
    assert way[1].max() > way[0].max()
    assert (points[..., 0].abs() <= 8).all()


def test_flesh_in_an_open_mouth_is_an_error_until_air_is_wide_enough(monkeypatch):
    torch.manual_seed(0)
    head = model.Head(model.tiny()).requires_grad_(False)
    head.anatomy.mean.copy_(made_anatomy(1).flat()[0])
    people, weights = DrawnPeople.draw(head, 3, torch.Generator().manual_seed(0)), torch.rand(3, 52)
    field = {}
    for name, level in {"flesh": -5 * MM, "thin": AIR - 0.5 * MM, "air": AIR + 0.1 * MM}.items():
        monkeypatch.setattr(DrawnPeople, "posed", lambda *asked, level=level: torch.full(asked[-1].shape[:-1], level))
        field[name] = float(parted_error(head, people, weights, torch.Generator().manual_seed(1)))
    assert abs(field["flesh"] - 6.5) < 1e-4 and abs(field["thin"] - 0.5) < 1e-4 and field["air"] == 0


def test_two_of_three_people_are_of_any_age_where_the_head_knows_ages():
    torch.manual_seed(0)
    head = model.Head(model.tiny()).requires_grad_(False)
    plain = DrawnPeople.draw(head, 6, torch.Generator().manual_seed(3)).anatomy.flat()
    head.sources.learn("anny", len(identity_weights(Traits())), head.config.layout.size)
    aged = DrawnPeople.draw(head, 6, torch.Generator().manual_seed(3)).anatomy.flat()
    same = (plain == aged).all(1)
    assert same.tolist() == [True, False, False, True, False, False]
    again = DrawnPeople.draw(head, 6, torch.Generator().manual_seed(3)).anatomy.flat()
    assert torch.equal(again, aged)


def test_the_errors_can_be_learnt_away_by_the_deformation_alone():
    torch.manual_seed(0)
    head = model.Head(model.tiny())
    head.anatomy.mean.copy_(made_anatomy(1).flat()[0])
    with torch.no_grad():  # a network outside of which the mouth and the eyes lie
        head.ensemble.whole.last_bias += 1.0
        head.ensemble.local.last_bias += 1.0
    canonical = model.Head(model.tiny()).requires_grad_(False)
    canonical.load_state_dict(head.state_dict())
    optimiser = torch.optim.Adam(head.deformation.parameters(), 3e-3)
    errors = []
    for step in range(40):
        generator = torch.Generator().manual_seed(step)
        people, weights = DrawnPeople.draw(canonical, 2, generator), torch.rand(2, 52, generator=generator)
        error = closed_error(head, people, weights, generator) + sealed_error(head, people, weights, generator)
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        errors.append(float(error.detach()))
    assert errors[0] > 1 and sum(errors[-5:]) / 5 < 0.5 * errors[0]


def test_lids_that_go_with_the_jaw_can_be_stilled_and_a_blink_is_no_error():
    torch.manual_seed(0)
    head = model.Head(model.tiny()).requires_grad_(False)
    head.anatomy.mean.copy_(made_anatomy(1).flat()[0])
    people = DrawnPeople.draw(head, 4, torch.Generator().manual_seed(0))
    jaw, blink = torch.zeros(4, 52), torch.zeros(4, 52)
    jaw[:, BELOW_LIDS], blink[:, ARKIT_INDEX["eyeBlinkLeft"]] = 1.0, 1.0
    error = [still_error(head, people, weights, torch.Generator().manual_seed(1)) for weights in (jaw, blink)]
    assert error[0] > 2 * error[1] > 0  # the second error is that of the jaw alone, opened on every other row
    head.rig.basis[:, BELOW_LIDS] = 0.0
    assert still_error(head, people, jaw + blink, torch.Generator().manual_seed(1)) < 1e-4
