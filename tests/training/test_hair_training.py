"""Training hair on a made set: it learns, repeats itself, and gives names their codes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from facetalk.data.hair.purpose import NEW_STYLE, TRAIN
from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import ANCHORS
from facetalk.training import hair, hair_data, loop
from facetalk.training.averaging import Rate
from facetalk.training.hair import HairRecipe, HairTask, go_on, save, started
from facetalk.training.hair_fit import fitted
from made_hair import FIELD
from made_models import RADIUS, ball_head

VARIANTS, POINTS = 3, 400


def rows(styles: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    """Shells on a ball, each style of its own thickness; the last variant of each name is held out."""
    made, thick = [], 4.0 + 3.0 * np.arange(styles)
    for style in range(styles):
        way = random.normal(size=(POINTS, 3))
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        skin = random.uniform(-4, 25, POINTS)
        points = way * (RADIUS + skin[:, None] / UNIT_MM)
        share = (points - [-0.55, -0.5, -0.95]) / [1.1, 1.25, 1.35]
        made.append(
            {
                "points": np.clip(np.rint(share * 65535 - 32768), -32768, 32767).astype(np.int16),
                "distance": (skin - thick[style]).astype(np.float16),
                "way": np.tile(np.array([0, -127, 0], np.int8), (POINTS, 1)),
                "skin": skin.astype(np.float16),
            }
        )
    kinds = [NEW_STYLE if style % VARIANTS == VARIANTS - 1 else TRAIN for style in range(styles)]
    table = np.array([[style % 2, style, kind] for style, kind in enumerate(kinds)])
    packed = {name: np.stack([row[name] for row in made]) for name in made[0]}
    return {**packed, "rows": table, "textures": random.uniform(size=(styles, 3)).astype(np.float32)}


@pytest.fixture(scope="module")
def head():
    head = ball_head()
    way = torch.randn(ANCHORS, 3, generator=torch.Generator().manual_seed(1))
    head.anatomy.mean[: 3 * ANCHORS] = (RADIUS * torch.nn.functional.normalize(way, dim=1)).flatten()
    return head


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder, random = tmp_path_factory.mktemp("hair"), np.random.default_rng(0)
    save_file(rows(2 * VARIANTS, random), folder / "scalp.safetensors")
    save_file(rows(VARIANTS, random), folder / "beard.safetensors")
    save_file({"weights": np.zeros((2, 100), np.float32)}, folder / "people.safetensors")
    meta = {"names": {"scalp": ["long", "crop"], "beard": ["beard"]}, "variants": VARIANTS, "seed": 0}
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


@pytest.fixture(scope="module")
def data(folder, head):
    return hair_data.read(folder, head)


def task(data, steps: int) -> HairTask:
    model = started(0, "x", data, FIELD, FIELD)
    torch.manual_seed(0)
    return HairTask(model.scalp, data["scalp"], HairRecipe(rows=4, points=200, rate=Rate(5e-3, steps, 10)))


def test_a_set_is_read_in_units_on_the_mean_head(data):
    scalp = data["scalp"]
    assert len(scalp.rows(TRAIN)) == 4 and len(scalp.rows(NEW_STYLE)) == 2
    assert scalp.trained_variants == VARIANTS - 1
    # The mean person is carried to itself.
    length = scalp.everything.points.norm(dim=-1)
    assert torch.allclose(length - RADIUS, scalp.everything.skin, atol=3e-3)


def test_training_learns_the_thickness_of_each_style_and_a_fit_that_of_a_new_one(data):
    learning = task(data, 300)
    errors = [float(learning.step(index, loop._seeded(0, index))["distance"]) for index in range(300)]
    assert np.mean(errors[-20:]) < 0.25 * np.mean(errors[:5])
    learning.finish()
    row = data["scalp"].rows(NEW_STYLE)[:1]
    batch = data["scalp"].batch(row, POINTS, torch.Generator().manual_seed(0))
    kind = learning.kind.requires_grad_(False)
    code = fitted(kind, batch, HairRecipe(), steps=60)
    with torch.no_grad():
        miss = [(kind(kind.fold(c[None]), batch.points, batch.skin).distance - batch.distance).abs().mean()
                for c in (code, kind.codes[1, 0])]  # fmt: skip
    assert miss[0] < miss[1]


def test_a_resumed_run_equals_an_unbroken_one(data, tmp_path):
    whole, halves = task(data, 6), task(data, 6)
    loop.run(whole, loop.Plan(6), tmp_path / "whole", {})
    loop.run(halves, loop.Plan(6, stop_after=3), tmp_path / "halves", {})
    resumed = task(data, 6)
    loop.run(resumed, loop.Plan(6), tmp_path / "halves", {})
    states = whole.state(), resumed.state()
    assert set(states[0]) == set(states[1])
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_names_get_the_codes_of_their_trained_variants(data):
    done = task(data, 1)
    done.finish()
    codes = done.averaged.target[-1].unflatten(0, (2, VARIANTS))
    assert torch.equal(done.kind.codes, codes[:, : VARIANTS - 1])


def test_a_folder_without_a_set_is_refused(head, tmp_path):
    with pytest.raises(InputError, match="no hair set"):
        hair_data.read(tmp_path, head)


def test_the_whole_training_writes_a_file_of_hair(folder, head, tmp_path, monkeypatch):
    from facetalk.head import hair as hairs
    from facetalk.head import model as heads

    heads.save(head, tmp_path / "head.safetensors")
    monkeypatch.setattr(hair, "SCALP", FIELD)
    monkeypatch.setattr(hair, "BEARD", FIELD)
    few = HairRecipe(rows=2, points=50, rate=Rate(steps=2))
    config = hair.HairTraining(folder, tmp_path / "head.safetensors", tmp_path / "run", few, few)
    path = hair.train(config)
    again = hairs.load(path, heads.load(config.head).shape_hash)
    assert again.names == ("long", "crop", "beard")
    assert again.named("crop+beard")
    onward = replace(config, start=path, out=tmp_path / "on", scalp=replace(few, rate=Rate(peak=1e-9, steps=1)))
    later = hairs.load(hair.train(onward), again.config.head)
    torch.testing.assert_close(later.scalp.codes, again.scalp.codes, atol=1e-3, rtol=0)
    torch.testing.assert_close(later.scalp.texture.weight, again.scalp.texture.weight, atol=1e-3, rtol=0)


def test_hair_of_other_styles_is_not_gone_on_from(data, tmp_path):
    model = started(0, "x", data, FIELD, FIELD)
    save(
        started(0, "y", {**data, "scalp": replace(data["scalp"], names=("bob", "crop"))}, FIELD, FIELD), tmp_path / "h"
    )
    with pytest.raises(InputError, match="other styles"):
        go_on(model, tmp_path / "h")
