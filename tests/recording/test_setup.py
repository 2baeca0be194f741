from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from recorded_balls import record

from facetalk.errors import InputError
from facetalk.head.fitting import Cloud, fit
from facetalk.recording import setup
from facetalk.recording.setup import SetupConfig
from made_models import ball_head


def test_faces_that_rest_are_found_whatever_all_have_in_common(monkeypatch):
    """A first look takes an identity for an open jaw; the frames that rest stand out all the same."""
    head, random = ball_head(), np.random.default_rng(0)
    weights = random.uniform(0.2, 0.6, (12, 52))
    resting = [1, 4, 5, 10]
    weights[resting] = 0.02 * random.uniform(size=(4, 52))
    weights[:, 17] += 0.3
    codes = head.rig(torch.from_numpy(weights).float())
    monkeypatch.setattr(setup, "fit", lambda *_: SimpleNamespace(codes=codes))
    clouds = [Cloud(torch.zeros(1, 3), None)] * 12
    assert setup._resting(head, clouds, SetupConfig(frames=4)) == resting
    assert setup._resting(head, clouds, SetupConfig(frames=12)) == list(range(12)), "all are needed"


def test_a_neutral_frame_must_have_been_measured(tmp_path):
    recording = record(tmp_path / "ball", frames=6, lost=(5,))
    with pytest.raises(InputError, match="neutral frame 5 is no measured one"):
        setup.set_up(recording, ball_head(), (5,), None, SetupConfig(neutral=(0, 5)))


def test_frames_that_are_named_have_no_expression(tmp_path, monkeypatch):
    """Who somebody is takes all of what is seen at rest; in frames that were only found a face may do a little."""
    recording, head, found = record(tmp_path / "ball", frames=6, lost=()), ball_head(), []
    monkeypatch.setattr(setup, "fit", lambda *given: found.append(fit(*given)) or found[-1])
    usual = SetupConfig()
    config = replace(usual, points=300, identity=replace(usual.identity, steps=60, points=60, expression=0.0))
    for neutral in ((), (0, 1, 2, 3, 4, 5)):
        setup.set_up(recording, head, (), None, replace(config, neutral=neutral))
    assert len(found) == 2, "six frames need no first look"
    free, held = (float(head.rig.solve(each.codes.detach()).abs().max()) for each in found)
    assert held < 0.02 < free


def test_who_somebody_is_takes_account_of_what_lies_behind_the_points(tmp_path, monkeypatch):
    """Points go with normals, estimated ones too: distances alone let a cavity come through a cheek."""
    recording, head, given = record(tmp_path / "ball", frames=6, lost=()), ball_head(), []
    monkeypatch.setattr(setup, "fit", lambda head, clouds, *_: given.extend(clouds) or fit(head, clouds, *_))
    usual = SetupConfig()
    quick = replace(usual, points=300, identity=replace(usual.identity, steps=3, points=60), neutral=(0, 1, 2))
    setup.set_up(recording, head, (), None, quick)
    assert len(given) == 3
    for cloud in given:
        away = torch.nn.functional.normalize(cloud.points - cloud.points.mean(0), dim=1)
        assert (away * cloud.normals).sum(1).median() > 0.97
