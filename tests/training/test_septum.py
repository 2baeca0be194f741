"""Flesh between the nostrils of people nobody scanned."""

import pytest
import torch

from facetalk.geometry import UNIT_MM
from facetalk.head import model
from facetalk.head.anatomy import LANDMARK_NAMES, Anatomy
from facetalk.training.septum import DEPTH_MM, HIGH_MM, LOW_MM, between_nostrils, wall_error


def test_points_lie_behind_the_tip_of_the_nose_and_between_the_nostrils():
    landmarks = torch.zeros(3, len(LANDMARK_NAMES), 3)
    tips = torch.tensor([[0.0, 0.0, 0.3], [0.01, 0.05, 0.35], [-0.01, 0.02, 0.3]])
    landmarks[:, LANDMARK_NAMES.index("nose_tip")] = tips
    anatomy = Anatomy(torch.zeros(3, 39, 3), landmarks, torch.full((3, 2), 0.05))
    away = UNIT_MM * (between_nostrils(anatomy, 50, torch.Generator().manual_seed(0)) - tips[:, None])
    assert (away >= torch.tensor(LOW_MM) - 1e-3).all() and (away <= torch.tensor(HIGH_MM) + 1e-3).all()


@pytest.mark.parametrize(("depth_mm", "lack_mm"), [(2.0, 0.0), (0.0, DEPTH_MM), (-1.0, 1 + DEPTH_MM)])
def test_flesh_that_lacks_is_what_air_and_thin_walls_miss(depth_mm, lack_mm, monkeypatch):
    head = model.Head(model.tiny())
    monkeypatch.setattr(
        head.ensemble, "forward", lambda anatomy, folded, points: torch.full(points.shape[:2], -depth_mm / UNIT_MM)
    )
    found = wall_error(head, 2, 10, torch.Generator().manual_seed(0))
    assert float(found) == pytest.approx(lack_mm, abs=1e-4)


def test_the_error_can_be_learnt_away_by_the_field():
    torch.manual_seed(0)
    head = model.Head(model.tiny())
    outside = torch.zeros(1, len(LANDMARK_NAMES), 3)
    outside[:, LANDMARK_NAMES.index("nose_tip"), 2] = 0.5
    head.anatomy.mean.copy_(Anatomy(torch.zeros(1, 39, 3), outside, torch.full((1, 2), 0.05)).flat()[0])
    optimiser = torch.optim.Adam(head.ensemble.parameters(), 1e-2)
    errors = []
    for index in range(30):
        error = wall_error(head, 4, 40, torch.Generator().manual_seed(index))
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        errors.append(float(error.detach()))
    assert errors[0] > 0 and sum(errors[-5:]) < 0.3 * sum(errors[:5])
