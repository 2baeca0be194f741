"""The people a head can be: how they are drawn, related, mixed, and moved by what is measured on them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.head import model as head_model
from facetalk.head.anatomy import CodeLayout
from facetalk.head.measures import ABOVE_EARS, MEASURES, measured
from facetalk.head.model import Head
from facetalk.head.prior import Survey, drawn, mixed, related
from made_models import RADIUS, ball_head


@pytest.fixture(scope="module")
def head() -> Head:
    """A ball whose landmarks follow the code, in enough dimensions for every measurement to go its own way."""
    with pytest.MonkeyPatch.context() as patch:
        tiny = head_model.tiny()
        patch.setattr(head_model, "tiny", lambda: replace(tiny, layout=CodeLayout(40, 4)))
        made = ball_head()
    made.anatomy.linear.weight.mul_(10)
    return made


@pytest.fixture(scope="module")
def survey(head) -> Survey:
    return Survey.of(head)


def test_draws_follow_seed_and_spread(head):
    one = drawn(head, 3, 0.5)
    assert torch.equal(one, drawn(head, 3, 0.5)) and not torch.equal(one, drawn(head, 4, 0.5))
    torch.testing.assert_close(drawn(head, 3, 1.0), 2 * one)
    assert not drawn(head, 3, 0.0).any()
    with pytest.raises(InputError, match="--spread 9"):
        drawn(head, 3, 9.0)


def test_draws_have_the_spectrum_of_the_source(head):
    codes = torch.stack([drawn(head, seed, 1.0) for seed in range(600)])
    found = torch.linalg.svdvals(codes)[:8] / len(codes) ** 0.5
    wanted = torch.linalg.svdvals(head.identity(torch.eye(len(head.source))))[:8]
    np.testing.assert_allclose(found, wanted, rtol=0.25)


def test_relatives_lie_between_a_stranger_and_the_person_and_are_spread_alike(head):
    person, stranger = drawn(head, 1, 1.0), drawn(head, 2, 1.0)
    assert torch.equal(related(person, stranger, 0.0), stranger) and torch.equal(related(person, stranger, 1.0), person)
    near, far = ((related(person, stranger, likeness) - person).norm() for likeness in (0.9, 0.4))
    assert near < far
    family = torch.stack([related(person, drawn(head, seed, 1.0), 0.7) for seed in range(200)])
    strangers = torch.stack([drawn(head, seed, 1.0) for seed in range(200)])
    assert float(family.std(0).norm() / strangers.std(0).norm()) == pytest.approx(0.51**0.5, rel=0.01)


def test_a_mixture_is_straight(head):
    first, second = drawn(head, 1, 1.0), drawn(head, 2, 1.0)
    assert torch.equal(mixed(first, second, 0.0), first) and torch.equal(mixed(first, second, 1.0), second)
    torch.testing.assert_close(mixed(first, second, 0.25), 0.75 * first + 0.25 * second)


def test_widths_are_those_of_the_surface(head):
    """The canonical surface is nearly a ball of radius 0.3; the middle of the ears lies at its centre."""
    mean = torch.zeros(1, head.config.layout.size)
    lengths = dict(zip(MEASURES, measured(head, mean)[0].tolist(), strict=True))
    assert lengths["eye_spacing"] == pytest.approx(0.2 * UNIT_MM, abs=0.5)
    above = ABOVE_EARS
    assert lengths["head_width"] == pytest.approx(2 * (RADIUS**2 - above**2) ** 0.5 * UNIT_MM, abs=8)


@pytest.mark.parametrize("name", ["nose_length", "face_width"])
def test_a_slider_moves_its_own_measurement_by_a_spread_and_no_other(head, survey, name):
    person = drawn(head, 5, 0.5)
    column = list(MEASURES).index(name)
    before = measured(head, person[None])[0]
    steps = [
        (measured(head, survey.moved(head, person, {name: amount})[None])[0] - before) / survey.spread
        for amount in (-1.0, 1.0, 2.0)
    ]
    assert [float(step[column]) for step in steps] == pytest.approx([-1, 1, 2], abs=0.05)
    others = torch.stack(steps)[:, [i for i in range(len(MEASURES)) if i != column]]
    assert float(others.abs().max()) < 0.05


def test_sliders_at_nothing_change_nothing_and_are_checked(head, survey):
    person = drawn(head, 5, 0.5)
    assert torch.equal(survey.moved(head, person, {"nose_length": 0.0}), person)
    for sliders, said in (({"nose_length": 9.0}, "--nose-length 9"), ({"charm": 1.0}, "--charm is no slider")):
        with pytest.raises(InputError, match=said):
            survey.moved(head, person, sliders)
