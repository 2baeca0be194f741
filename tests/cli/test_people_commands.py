"""New people on the command line, end to end, with a tiny head."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import facetalk as product
import made_sound
from facetalk.cli.main import main
from facetalk.cli.people import Sliders
from facetalk.errors import InputError
from facetalk.head import model, traits
from facetalk.head.character import TRAIT_SOURCE, Character
from facetalk.head.measures import MEASURES
from facetalk.pipeline.people import suited
from facetalk.render.makeup import Makeup
from facetalk.render.wardrobe import dressed

TINY = ("--size", "32", "--resolution", "16")


@pytest.fixture
def facetalk(weights, capsys):
    def run(*words: object) -> str:
        assert main([*map(str, words), "--weights", str(weights)]) == 0
        return capsys.readouterr().out

    return run


def code(path) -> np.ndarray:
    return np.load(path)["z_id"]


def test_a_new_person_is_written_and_speaks(facetalk, tmp_path):
    head = tmp_path / "head.npz"
    facetalk("head", "sample", "--seed", 7, "--skin", "dark", "--hair", "grey", "--crop", 0.5, "-o", head)
    voice = made_sound.write(tmp_path / "voice.wav", made_sound.hum(0.2))
    out = facetalk("animate", voice, "-o", tmp_path / "a.npz", "--identity", head, "--steps", 1, *TINY, "--json")
    assert json.loads(out)["outputs"][0]["identity"] == "person 7"
    clip = np.load(tmp_path / "a.npz")
    assert np.array_equal(clip["z_id"], code(head))
    assert json.loads(str(clip["look"]))["makeup"]["crop"] == 0.5


def test_several_people_get_numbered_files_and_their_own_seeds(facetalk, tmp_path):
    found = json.loads(facetalk("head", "sample", "--seed", 3, "--count", 2, "-o", tmp_path / "p.npz", "--json"))
    assert [row["seed"] for row in found["people"]] == [3, 4]
    facetalk("head", "sample", "--seed", 4, "-o", tmp_path / "one.npz")
    assert np.array_equal(code(tmp_path / "p-2.npz"), code(tmp_path / "one.npz"))
    assert not np.array_equal(code(tmp_path / "p-1.npz"), code(tmp_path / "p-2.npz"))


def test_a_sample_at_the_spread_of_seeds_is_that_seed(facetalk, weights, tmp_path):
    facetalk("head", "sample", "--seed", 9, "--spread", 0.7, "-o", tmp_path / "a.npz")
    seeded = product.load(weights).identity("seed:9").z_id
    torch.testing.assert_close(torch.from_numpy(code(tmp_path / "a.npz")), seeded)


def test_relatives_and_mixtures(facetalk, weights, tmp_path):
    talker = product.load(weights)
    ada, ben = talker.identity("ada").z_id.numpy(), talker.identity("ben").z_id.numpy()
    facetalk("head", "sample", "--like", "ada", "--amount", 1, "-o", tmp_path / "same.npz")
    np.testing.assert_allclose(code(tmp_path / "same.npz"), ada)
    facetalk("head", "mix", "ada", "ben", "--steps", 3, "-o", tmp_path / "between")
    ends = [code(tmp_path / "between" / f"0{number}.npz") for number in range(3)]
    np.testing.assert_allclose(ends, [ada, (ada + ben) / 2, ben], atol=1e-6)
    facetalk("head", "mix", tmp_path / "same.npz", "ben", "-o", tmp_path / "middle.npz")
    np.testing.assert_allclose(code(tmp_path / "middle.npz"), ends[1], atol=1e-6)


@pytest.fixture
def aged(weights, tmp_path, capsys):
    """The command with a head that knows ages."""
    folder = tmp_path / "aged"
    shutil.copytree(weights, folder)
    head = model.load(weights / "head.safetensors")
    head.sources.learn(TRAIT_SOURCE, len(traits.identity_weights(traits.Traits())), head.config.layout.size)
    model.save(head, folder / "head.safetensors")

    def run(*words: object) -> None:
        assert main([*map(str, words), "--weights", str(folder)]) == 0

    return run


def test_people_of_an_age_and_a_sex(aged, tmp_path):
    wishes = ("--age", 80, "--sex", "female")
    aged("head", "sample", "--seed", 5, *wishes, "-o", tmp_path / "old.npz")
    aged("head", "sample", "--like", tmp_path / "old.npz", "--amount", 1, *wishes, "-o", tmp_path / "again.npz")
    old = code(tmp_path / "old.npz")
    np.testing.assert_allclose(code(tmp_path / "again.npz"), old, atol=0.1 * np.abs(old).max())
    aged("head", "sample", "--seed", 5, "--source", "anny", "--build", "heavy", "-o", tmp_path / "other.npz")
    assert not np.allclose(code(tmp_path / "other.npz"), old, atol=0.1 * np.abs(old).max())


def test_hair_greys_and_women_have_no_stubble():
    black, rough = dressed(1).hair, Makeup(stubble=0.5)
    look = replace(dressed(1), makeup=rough)
    assert suited(look, Character(sex=1.0)) == look
    assert suited(look, Character(sex=0.2)).makeup.stubble == 0 == suited(look, Character(age=12.0)).makeup.stubble
    greys = [np.ptp(suited(look, Character(age=age)).hair) for age in (30.0, 60.0, 90.0)]
    assert suited(look, Character(age=30.0)).hair == pytest.approx(black) and greys[0] > greys[1] > greys[2]


def test_galleries_and_strips_are_drawn(facetalk, tmp_path):
    found = json.loads(
        facetalk("head", "gallery", "--count", 2, "--views", "front", "side", "-o", tmp_path / "g.png", *TINY, "--json")
    )
    assert found["seeds"] == [1000, 1001] and (tmp_path / "g.png").stat().st_size > 500
    facetalk("head", "mix", "ada", "ben", "--steps", 2, "-o", tmp_path / "strip.png", *TINY)
    assert (tmp_path / "strip.png").stat().st_size > 500


def test_the_command_line_has_every_slider():
    assert tuple(Sliders().amounts()) == MEASURES


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("sample -o head.mp4", ".npz"),
        ("sample -o head.npz --count 0", "--count 0"),
        ("sample -o head.npz --seed -1", "--seed -1"),
        ("sample -o head.npz --spread 7", "--spread 7"),
        ("sample -o head.npz --nose-length 40", "--nose-length 40"),
        ("sample -o head.npz --like nobody", "nobody"),
        ("sample -o head.npz --like ada --amount 2", "--amount 2"),
        ("sample -o head.npz --skin puce", "puce"),
        ("sample -o head.npz --crop 3", "--crop 3"),
        ("mix ada ben --steps 1 -o x", "--steps 1"),
        ("mix ada ben -o x.mp4", ".mp4"),
        ("gallery --views moon", "moon"),
        ("sample -o head.npz --age 65", "knows no ages"),
        ("gallery --source anny", "knows no ages"),
        ("gallery --source martian", "--source martian"),
        ("sample -o head.npz --age 7", "age 7"),
        ("sample -o head.npz --sex maybe", "--sex maybe"),
        ("sample -o head.npz --build 3", "--build 3"),
    ],
)
def test_mistakes_are_named_in_one_line(words, said, weights, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["head", *words.split(), "--weights", str(weights)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and said in error


def test_people_of_another_head_are_refused(facetalk, weights, tmp_path):
    facetalk("head", "sample", "-o", tmp_path / "a.npz")
    arrays = dict(np.load(tmp_path / "a.npz"))
    np.savez(tmp_path / "b.npz", **{**arrays, "head_hash": np.array("0" * 16)})
    with pytest.raises(InputError, match="belongs to head 0000"):
        product.load(weights).identity(str(tmp_path / "b.npz"))
