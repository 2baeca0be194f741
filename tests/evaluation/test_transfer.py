import numpy as np
import pytest
import torch

from facetalk.evaluation import transfer
from facetalk.evaluation.transfer import RANGES
from made_models import ball_head


def test_a_code_takes_a_person_as_far_as_the_ends_of_the_range_say():
    """People twice as large say the same."""

    def reader(size):
        def read(pose):
            reach = sum(pose.values()) + pose.get("mouthSmile", 0.0)
            return {name: size * (3 + reach + number) for number, name in enumerate(RANGES)}

        return read

    small, large = (transfer.places(reader(size)) for size in (1.0, 2.0))
    assert small == large
    assert small["jaw"]["jaw .25"] == pytest.approx(0.25)
    assert small["lids"]["half blink"] == pytest.approx(0.5)


def test_landmarks_are_carried_where_the_deformation_says():
    head = ball_head()
    with torch.inference_mode():
        actor = transfer.Actor(head, torch.zeros(head.config.layout.size), stilled=False)
        rest = transfer._carried(head, actor, head.rest)
        code = head.rig(transfer.posed({"jawOpen": 1.0})[None])[0]
        for name, place in transfer._carried(head, actor, code).items():
            assert np.allclose(rest[name], actor.state.landmarks[name].numpy(), atol=1e-4)
            own, there = torch.from_numpy(rest[name])[None], torch.from_numpy(place)[None]
            canonical = own + head.deform(actor.state, own, head.rest).offsets
            assert torch.allclose(there + head.deform(actor.state, there, code).offsets, canonical, atol=1e-3)


def test_agreement_counts_those_near_the_others():
    found = transfer._agreement(np.array([0.5, 0.5, 0.5, 0.9, np.nan]))
    assert found["place"] == pytest.approx(0.5) and found["within_share"] == 0.6
    assert found["apart_mean"] == pytest.approx(0.1)
