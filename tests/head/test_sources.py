"""A head that learns people of several sources."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_heads import write_spheres
from safetensors.numpy import load_file, save_file

from facetalk.errors import InputError
from facetalk.head import model
from facetalk.head.model import Head, tiny
from facetalk.training import head_data
from facetalk.training.averaging import Rate
from facetalk.training.head_identity import IdentityRecipe, IdentityTask, evaluate
from facetalk.training.head_sources import TONGUE, learn_sources, mapped_codes, telling


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Six people of the first source and four of another, which describes them by three weights."""
    folder = tmp_path_factory.mktemp("sets")
    first, second = write_spheres(folder / "first", points=300), write_spheres(folder / "other", 4, points=300)
    people = load_file(second / "identities.safetensors")
    people["weights"] = np.ascontiguousarray(people["weights"][:, :3])
    save_file(people, second / "identities.safetensors")
    meta = json.loads((second / "meta.json").read_text())
    (second / "meta.json").write_text(json.dumps({**meta, "source": "other"}))
    return head_data.read(first, second)


def test_sets_of_several_sources_are_one(data):
    assert data.sources == ("ICT-FaceKit", "other") and data.sizes == (100, 3)
    assert data.source.tolist() == [0] * 6 + [1] * 4
    assert data.weights.shape == (10, 100) and not data.weights[6:, 3:].any()


def test_each_person_is_coded_by_its_own_source(data):
    head = Head(tiny())
    learn_sources(head, data)
    codes = mapped_codes(head, data, torch.tensor([7, 0, 9]))
    others = head.identity(data.weights[[7, 9], :3], "other")
    assert torch.equal(codes, torch.stack([others[0], head.identity(data.weights[:1])[0], others[1]]))


def test_maps_of_further_sources_learn(data):
    torch.manual_seed(0)
    head = Head(tiny())
    recipe = IdentityRecipe(identities=8, points=60, surface=20, rate=Rate(peak=1e-2, steps=4, warm_up=1))
    task = IdentityTask(head, data, recipe)
    before = head.sources["other"].detach().clone()
    for index in range(1, 3):  # step 0 would measure too
        task.step(index, torch.Generator().manual_seed(index))
    assert not torch.equal(head.sources["other"], before)
    assert torch.isfinite(task.averaged.model.sources["other"]).all()


@torch.no_grad()
def test_a_further_map_starts_at_people_of_like_anatomy(data):
    torch.manual_seed(0)
    head = Head(tiny())
    twins = replace(data, anatomy=head.anatomies(head.identity(torch.randn(10, 100))))
    learn_sources(head, twins)
    people = data.train[data.source[data.train] == 1]
    found = head.anatomies(mapped_codes(head, twins, people)).flat() - twins.anatomy_of(people).flat()
    guessed = head.anatomy.mean - twins.anatomy_of(people).flat()
    assert found.square().mean() < 0.2 * guessed.square().mean()


def test_a_head_to_go_on_from_keeps_its_means(data, tmp_path):
    torch.manual_seed(0)
    begun = Head(tiny())
    recipe = IdentityRecipe(identities=2, points=20, surface=10)
    first = IdentityTask(begun, head_data.read(write_spheres(tmp_path / "others", 4, points=60)), recipe)
    model.save(first.head, tmp_path / "head.safetensors")
    kept = begun.anatomy.mean.clone(), begun.ensemble.radius.clone()
    again = IdentityTask(model.load(tmp_path / "head.safetensors").requires_grad_(True), data, recipe)
    assert not torch.allclose(kept[0], data.anatomy_of(data.train).flat().mean(0))
    assert torch.equal(again.head.anatomy.mean, kept[0]) and torch.equal(again.head.ensemble.radius, kept[1])


def test_held_out_people_are_measured_by_source(data):
    head = Head(tiny())
    learn_sources(head, data)
    figures = evaluate(head, data, points=50)
    alone = replace(data, test=data.test[data.source[data.test] == 0])
    first = evaluate(head, alone, points=50)
    assert set(figures) == {*first, *(f"other_{name}" for name in first)}
    assert figures["test_near_mm"] == first["test_near_mm"] != figures["other_test_near_mm"]


def test_further_maps_are_saved_and_a_head_without_them_keeps_its_hash(tmp_path, data):
    head = Head(tiny())
    alone = head.hash
    assert not any(name.startswith("sources") for name in head.state_dict())
    learn_sources(head, data)
    assert head.hash != alone
    model.save(head, tmp_path / "head.safetensors")
    again = model.load(tmp_path / "head.safetensors")
    assert again.hash == head.hash
    weights = torch.ones(1, 3)
    assert torch.allclose(again.identity(weights, "other"), head.identity(weights, "other"), atol=1e-3)


def test_people_of_a_source_never_seen_are_refused():
    with pytest.raises(InputError, match="knows no people of 'anny'"):
        Head(tiny()).identity(torch.zeros(1, 3), "anny")


def test_tongues_are_told_of_by_sources_that_have_them(data):
    scans = torch.arange(len(data.scans["identity"]))
    told = telling(data, scans)
    shown = data.scans["weights"][:, TONGUE] > 0
    other = data.source[data.scans["identity"].long()] == 1
    assert (shown & ~other).any() and (shown & other).any()
    assert torch.equal(told, scans[other | ~shown])
