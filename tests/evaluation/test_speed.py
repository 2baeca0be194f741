"""The dense reference: the same field, asked of every member everywhere."""

from dataclasses import replace

import pytest
import torch

pytest.importorskip("igl")

from facetalk.errors import InputError
from facetalk.evaluation import speed
from facetalk.geometry import UNIT_MM
from facetalk.head.model import Head
from facetalk.head.npm import GlobalConfig
from facetalk.pipeline.actor import Actor
from made_models import RADIUS, ball_head

TEST = speed.SpeedTest(nodes=40, frames=2, resolution=20)


def test_every_member_everywhere_gives_the_same_field():
    head = ball_head()
    state = head.identify(0.03 * torch.randn(head.config.layout.size))
    points = 0.8 * torch.rand(1, 300, 3) - 0.4
    sparse = head.ensemble(state.anatomy, state.biases, points)
    assert torch.allclose(head.ensemble.everywhere(state.anatomy, state.biases, points), sparse, atol=1e-6)


def test_both_roads_find_the_ball():
    head = ball_head()
    actor = Actor(head, torch.zeros(head.config.layout.size))
    found = speed.measure(actor, torch.zeros(2, len(head.rest)), TEST)
    assert found.timed_share == 1 / 40 and found.dense_s > 0 and found.exact_s > 0
    assert found.ratio == pytest.approx(found.dense_s / found.exact_s)
    assert found.next_ratio == pytest.approx(found.dense_s / found.next_s)
    assert found.field_difference_mm < 0.001
    assert found.exact_to_dense_mean_mm < 1.0
    assert all(name in "".join(found.lines()) for name in ("dense_s", "exact_s", "ratio"))


def test_the_dense_surface_is_where_the_distance_is_zero():
    mesh = speed.dense_surface(lambda points: points.norm(dim=1) - RADIUS, 60)
    radius = torch.from_numpy(mesh.vertices).norm(dim=1)
    assert float((radius - RADIUS).abs().max()) * UNIT_MM < 0.4


def test_a_head_without_members_is_refused():
    small = ball_head().config
    head = Head(replace(small, ensemble=GlobalConfig(global_width=8, layers=3, global_wavelengths=(0.4,)))).eval()
    actor = Actor(head, torch.zeros(head.config.layout.size), stilled=False)
    with pytest.raises(InputError, match="preset compact"):
        speed.measure(actor, torch.zeros(2, len(head.rest)), TEST)
    with pytest.raises(InputError, match="--frames 1"):
        speed.measure(actor, torch.zeros(1, len(head.rest)), replace(TEST, frames=1))
