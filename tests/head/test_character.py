"""Age, sex and build of people: directions that a second source teaches a head."""

from dataclasses import replace

import pytest
import torch

from facetalk.errors import InputError
from facetalk.head import character, prior, traits
from facetalk.head.character import Character, Reader
from facetalk.head.model import CODE_SPREAD, Head, tiny
from facetalk.head.traits import Traits

ALL = Character(age=70.0, sex=0.9, build=0.2)


@pytest.fixture(scope="module")
def head() -> Head:
    """A head whose codes have room for people of both sources, as a trained one's do."""
    torch.manual_seed(2)
    sizes = tiny()
    head = Head(replace(sizes, layout=replace(sizes.layout, global_size=48, local_size=16)))
    head.sources.learn("anny", len(traits.identity_weights(Traits())), head.config.layout.size)
    return head.requires_grad_(False)


@pytest.fixture(scope="module")
def reader(head) -> Reader:
    return Reader.of(head)


def of(head: Head, person: Traits) -> torch.Tensor:
    weights = torch.from_numpy(traits.identity_weights(person)).float()[None]
    return head.identity(weights, "anny")[0]


def told(person: Traits) -> tuple[float, float, float]:
    return person.age, person.sex, person.build


def test_people_are_read_as_they_were_made(head, reader):
    person = Traits(age=62.0, sex=0.8, build=0.3, descent=(0.7, 0.2, 0.1), local={"nose-hump-incr": 0.4})
    assert told(reader.read(of(head, person))) == pytest.approx(told(person), abs=0.5)


def test_strangers_count_as_being_in_the_middle(head, reader):
    for seed in range(3):
        found = reader.read(prior.drawn(head, seed, 0.7))
        assert told(found) == pytest.approx(told(Traits()), abs=2.5)


def test_whoever_is_moved_is_read_as_wished(head, reader):
    for z_id in (prior.drawn(head, 4, 0.7), of(head, Traits(age=20.0, sex=0.1))):
        moved = reader.moved(z_id, ALL)
        assert told(reader.read(moved)) == pytest.approx((70.0, 0.9, 0.2), abs=1.0)
        torch.testing.assert_close(reader.moved(moved, ALL), moved, atol=0.05 * CODE_SPREAD, rtol=0)


def test_people_stay_who_they_are(head, reader):
    one, other = prior.drawn(head, 1, 0.7), prior.drawn(head, 2, 0.7)
    apart = reader.moved(one, ALL) - reader.moved(other, ALL)
    torch.testing.assert_close(apart, one - other, atol=0.15 * float((one - other).abs().max()), rtol=0)


def test_what_is_not_said_stays(head, reader):
    person = of(head, Traits(age=40.0, sex=0.2, build=0.6))
    assert torch.equal(reader.moved(person, Character()), person)
    older = reader.read(reader.moved(person, Character(age=80.0)))
    assert told(older) == pytest.approx((80.0, 0.2, 0.6), abs=0.5)


def test_people_are_drawn_with_what_is_said_of_them(head, reader):
    drawn = character.drawn(head, 3, 0.75, Character(age=18.0))
    assert reader.read(drawn).age == pytest.approx(18.0, abs=0.5)
    assert not torch.equal(drawn, character.drawn(head, 4, 0.75, Character(age=18.0)))
    everybody = [character.drawn(head, seed, 0.0, ALL) for seed in (3, 4)]
    torch.testing.assert_close(*everybody)
    torch.testing.assert_close(everybody[0], of(head, Traits(*told(ALL))))


@pytest.mark.parametrize("wish", [Character(age=5.0), Character(sex=1.5), Character(build=-1.0)])
def test_traits_out_of_range_are_refused(head, wish, reader):
    with pytest.raises(InputError, match="out of range"):
        reader.moved(prior.drawn(head, 1, 0.7), wish)


def test_a_head_without_ages_says_so():
    with pytest.raises(InputError, match="knows no ages"):
        Reader.of(Head(tiny()))
