from dataclasses import replace

import pytest
import torch
from made_heads import RADIUS, radius, shift, write_spheres

from facetalk.arkit import ARKIT_INDEX
from facetalk.errors import InputError
from facetalk.head import model
from facetalk.head.model import Head, tiny
from facetalk.head.npm import GlobalConfig
from facetalk.training import head as training
from facetalk.training import head_data, loop
from facetalk.training.averaging import Rate
from facetalk.training.head_deformation import DeformationRecipe, DeformationTask
from facetalk.training.head_identity import IdentityRecipe, IdentityTask, evaluate
from facetalk.training.mirroring import reflected_anatomy, reflected_scans
from facetalk.training.pairing import paired


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return head_data.read(write_spheres(tmp_path_factory.mktemp("set")))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_batches_are_the_spheres_they_were_made_from(data):
    batch = data.canonical(data.train, 200, 200, generator())
    sizes = torch.tensor([radius(row.numpy()) for row in data.weights[data.train]])[:, None]
    assert torch.allclose(batch.points.norm(dim=-1) - sizes, batch.sdf, atol=1e-3)
    assert torch.allclose(batch.surface.norm(dim=-1), sizes.expand(-1, 200).float(), atol=1e-4)
    assert torch.allclose(batch.surface / sizes[..., None].float(), batch.normal, atol=1e-2)


def test_sets_of_many_and_of_few_points_are_one_set(tmp_path):
    rich, lean = (write_spheres(tmp_path / name, points=count) for name, count in (("rich", 900), ("lean", 300)))
    data = head_data.read(rich, lean)
    assert len(data.train) == 2 * len(head_data.read(lean).train)
    test_batches_are_the_spheres_they_were_made_from(data)
    test_posed_and_canonical_points_are_the_same_material(data)


def test_posed_and_canonical_points_are_the_same_material(data):
    batch = data.posed(data.scans_of(data.train), 100, 100, generator())
    moved = torch.stack([torch.from_numpy(shift(row.numpy())) for row in batch.weights]).float()
    source, target = paired(batch, torch.zeros_like(batch.region, dtype=torch.bool), generator())
    assert torch.allclose(source - moved[:, None], target, atol=1e-3)


def test_a_mirror_seen_twice_shows_the_original(data):
    batch = data.posed(data.scans_of(data.train)[:3], 10, 10, generator())
    flip = torch.tensor([True, False, True])
    twice = reflected_scans(reflected_scans(batch, flip), flip)
    assert torch.equal(twice.surface, batch.surface)
    assert torch.equal(twice.weights, batch.weights)
    anatomy = data.anatomy_of(batch.identities)
    back = reflected_anatomy(reflected_anatomy(anatomy, flip), flip)
    assert torch.equal(back.flat(), anatomy.flat())
    once = reflected_scans(batch, flip).weights[0]
    left, right = ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["mouthSmileRight"]
    assert torch.equal(once[[left, right]], batch.weights[0, [right, left]])


def test_both_stages_learn_spheres(data, tmp_path):
    torch.manual_seed(0)
    rate = Rate(peak=1e-2, steps=250, warm_up=10)
    config = training.HeadTraining(
        data=(tmp_path,),
        out=tmp_path,
        identity=IdentityRecipe(identities=4, points=200, surface=60, rate=rate),
        deformation=DeformationRecipe(scans=6, surface=150, points=80, checked=40, canonical_from=20, rate=rate),
    )
    first = IdentityTask(Head(tiny()), data, config.identity)
    before = evaluate(first.averaged.model, data)
    for index in range(250):
        first.step(index, generator(index))
    model.save(first.averaged.model, tmp_path / "identity.safetensors")
    figures = evaluate(first.averaged.model, data)
    assert figures["test_surface_skin_mm"] < 0.5 * before["test_surface_skin_mm"]
    second = DeformationTask(
        Head(tiny()), data, config.deformation, tmp_path / "identity.safetensors", tmp_path / "head.safetensors"
    )
    figures = [second.step(index, generator(index)) for index in range(150)]
    assert figures[-1]["correspondence"] < 0.5 * figures[0]["correspondence"]
    whole = second.joined()
    state = whole.identify(whole.identity(torch.zeros(1, 100))[0])
    queries = RADIUS * torch.randn(500, 3, generator=generator())
    both = torch.stack([whole.canonical(state, queries), queries.norm(dim=1) - RADIUS])
    assert torch.corrcoef(both)[0, 1] > 0.8


def test_a_resumed_run_equals_an_unbroken_one(data, tmp_path):
    recipe = IdentityRecipe(identities=2, points=40, surface=20, rate=Rate(steps=6))

    def run(folder, *counts):
        for count in counts:
            torch.manual_seed(0)
            task = IdentityTask(Head(tiny()), data, recipe)
            loop.run(task, loop.Plan(count, save_every=100), folder, {})
        return task.averaged.model.hash

    assert run(tmp_path / "broken", 3, 6) == run(tmp_path / "whole", 6)


def test_a_folder_without_a_set_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a head training set"):
        head_data.read(tmp_path)


def test_the_global_baseline_learns_spheres_by_the_same_loop(data):
    small = replace(tiny(), ensemble=GlobalConfig(global_width=24, layers=4, global_wavelengths=(0.4,)))
    broad = replace(small.deformation, broad_outputs=4, mouth=None, eye=None)
    task = IdentityTask(
        Head(replace(small, deformation=broad)),
        data,
        IdentityRecipe(identities=4, points=200, surface=60, rate=Rate(peak=1e-2, steps=150, warm_up=10)),
    )
    before = evaluate(task.averaged.model, data)
    for index in range(150):
        task.step(index, generator(index))
    assert evaluate(task.averaged.model, data)["test_surface_skin_mm"] < 0.5 * before["test_surface_skin_mm"]
