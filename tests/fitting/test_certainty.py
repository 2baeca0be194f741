import numpy as np
import pytest
import torch

from facetalk.fitting.certainty import RIG_SPREAD, unsure_mm
from facetalk.fitting.fit import ScanFit
from facetalk.geometry import UNIT_MM
from facetalk.head.model import Head
from made_models import RADIUS, ball_head


@pytest.fixture(scope="module")
def head() -> Head:
    return ball_head()


def shell(count: int, seed: int) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(size=(count, 3))
    return RADIUS * raw / np.linalg.norm(raw, axis=1, keepdims=True)


def fitted(head: Head, points: np.ndarray, spread_mm: float = 0.3) -> ScanFit:
    z_id = torch.zeros(head.config.layout.size)
    return ScanFit(z_id, head.rest, np.eye(4), "mm", points, np.zeros(len(points)), spread_mm, normals=False)


def test_more_of_a_scan_and_less_noise_leave_less_open(head):
    whole, places = shell(120, 0), shell(40, 1)
    side = places[places[:, 0] < -0.1]
    found = unsure_mm(head, fitted(head, whole), side)
    assert found < unsure_mm(head, fitted(head, whole[whole[:, 0] > 0.1]), side)
    assert found < unsure_mm(head, fitted(head, whole, spread_mm=9.0), side)


def test_a_scan_that_says_nothing_leaves_what_people_differ_by(head):
    places = shell(20, 2)
    left = unsure_mm(head, fitted(head, shell(1, 3), spread_mm=1e6), places)
    where, people = torch.from_numpy(places).float(), torch.Generator().manual_seed(0)
    base = head.posed(head.identify(torch.zeros(head.config.layout.size)), head.rest)(where)
    far = []
    for _ in range(40):
        z_id = head.identity(torch.randn(1, 100, generator=people))[0]
        code = head.rig(RIG_SPREAD * torch.randn(1, 52, generator=people))[0]
        far.append((head.posed(head.identify(z_id), code)(where) - base).abs() * UNIT_MM)
    assert left == pytest.approx(float(torch.stack(far).mean()), rel=0.3)
