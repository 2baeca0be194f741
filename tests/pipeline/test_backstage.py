"""People made ready beside other work."""

import copy
import threading
from dataclasses import replace

import pytest
import torch

import facetalk
import made_sound
from facetalk.errors import InputError
from facetalk.pipeline import backstage, side_by_side
from facetalk.pipeline.backstage import Backstage
from facetalk.pipeline.roads import Surface
from facetalk.pipeline.talker import Performing, Talker

COARSE = Surface(resolution=16)


@pytest.fixture(scope="module")
def talker(weights) -> Talker:
    return facetalk.load(weights, device="cpu")


def test_who_is_expected_is_shown_without_being_made_again(talker, monkeypatch):
    made = []
    ready = backstage._ready
    monkeypatch.setattr(backstage, "_ready", lambda *person: made.append(person) or ready(*person))
    talker.expect("ada", COARSE)
    clip = talker.animate(made_sound.speech(0.1), identity="ada", performing=Performing(steps=1))
    assert len(list(clip.meshes(COARSE))) == len(list(clip.meshes(COARSE))) == len(clip)
    assert len(made) == 1
    assert len(list(clip.as_identity(talker.identity("ben")).meshes(COARSE))) == len(clip)
    assert len(made) == 2


def test_people_and_surfaces_are_told_apart(talker):
    head, stage = talker.weights.head, Backstage(room=3)
    ada, ben = talker.identity("ada"), talker.identity("ben")
    first = stage.presenter(head, ada, COARSE)
    assert stage.presenter(head, replace(ada, name="another name"), COARSE) is first
    assert stage.presenter(head, ben, COARSE) is not first
    assert stage.presenter(head, ada, replace(COARSE, smoothing=False)) is not first
    assert stage.presenter(head, ada, COARSE) is first


def test_only_those_shown_last_stay(talker):
    head, stage = talker.weights.head, Backstage(room=1)
    ada, ben = talker.identity("ada"), talker.identity("ben")
    first = stage.presenter(head, ada, COARSE)
    stage.presenter(head, ben, COARSE)
    assert stage.presenter(head, ada, COARSE) is not first


def test_what_cannot_be_made_is_said_to_who_waits_for_it(talker, monkeypatch):
    def refused(*_):
        raise InputError("cannot be baked; use another")

    monkeypatch.setattr(backstage, "_ready", refused)
    head, stage, ada = talker.weights.head, Backstage(), talker.identity("ada")
    stage.expect(head, ada, COARSE)
    with pytest.raises(InputError, match="cannot be baked"):
        stage.presenter(head, ada, COARSE)


def test_copies_begin_empty(talker):
    stage = Backstage(room=5)
    stage.presenter(talker.weights.head, talker.identity("ada"), COARSE)
    other = copy.deepcopy(stage)
    assert other.room == 5 and not other._called


def test_threads_may_share_the_one_thread_of_blas(monkeypatch):
    """Whoever comes first sets the limit, whoever leaves last lifts it."""
    said = []

    class Limits:
        def __init__(self, count, user_api):
            said.append((count, user_api))

        def restore_original_limits(self):
            said.append("lifted")

    monkeypatch.setattr(side_by_side, "threadpool_limits", Limits)
    before, inside, leave = torch.get_num_threads(), threading.Event(), threading.Event()

    def other():
        with side_by_side.single_threaded():
            inside.set()
            leave.wait()

    thread = threading.Thread(target=other)
    with side_by_side.single_threaded():
        thread.start()
        inside.wait()
        assert torch.get_num_threads() == 1
    assert said == [(1, "blas")]
    leave.set()
    thread.join()
    assert said == [(1, "blas"), "lifted"]
    assert torch.get_num_threads() == before
