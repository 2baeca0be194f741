import numpy as np
import torch

from facetalk.evaluation.head import Scan, _beside, f_score, measure, sealed_share
from facetalk.geometry import UNIT_MM
from facetalk.head.fitting import Cloud
from facetalk.types import Mesh, Region

CENTRE = np.array([0.0, 0.0, 0.3], np.float32)


def ball(count: int, radius: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    raw = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    normals = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return radius * normals, normals


def scan(keep=lambda points: np.ones(len(points), bool)) -> Scan:
    points, normals = ball(6000, 0.3, 0)
    chosen = keep(points)
    cloud = Cloud(torch.from_numpy(points[chosen]), torch.from_numpy(normals[chosen]))
    return Scan(torch.zeros(52), cloud, torch.full((int(chosen.sum()),), Region.SKIN, dtype=torch.uint8))


def mesh(radius: float, keep=lambda points: np.ones(len(points), bool)) -> Mesh:
    vertices, normals = ball(20_000, radius, 1)
    chosen = keep(vertices)
    return Mesh(vertices[chosen], np.zeros((0, 3), np.int64), normals=normals[chosen])


def test_a_ball_a_millimetre_too_large_is_a_millimetre_off_both_ways():
    figures = measure(mesh(0.3 + 1 / UNIT_MM), scan(), CENTRE)
    assert abs(figures["face_true_to_ours_mm"] - 1) < 0.05
    assert abs(figures["face_ours_to_true_mm"] - 1) < 0.05
    assert figures["face_normals"] > 0.99
    assert min(figures["face_f_5mm"], figures["head_f_5mm"]) > 0.99


def test_holes_count_one_way_and_extra_pieces_the_other():
    def front(points):
        return points[:, 0] < 0.05

    holed = measure(mesh(0.3, front), scan(), CENTRE)
    assert holed["face_true_to_ours_mm"] > 5 > 0.2 > holed["face_ours_to_true_mm"]
    extra = measure(mesh(0.3), scan(front), CENTRE)
    assert extra["head_ours_to_true_mm"] > 5 > 0.2 > extra["head_true_to_ours_mm"]


def test_a_sparse_cloud_stands_for_its_surface_and_dust_still_counts():
    sparse, dense, dust = ball(900, 0.3, 0), ball(4000, 0.3, 1), ball(50, 0.45, 2)  # 900 points are 9 mm apart
    assert _beside(*dense, *sparse)[0].mean() < 0.4
    assert _beside(*dust, *sparse)[0].mean() > 25


def test_f_scores_want_both_shares():
    assert f_score(np.array([0.5, 2.0]), np.array([0.5, 0.5]), 1.0) == 2 / 3
    assert f_score(np.array([2.0]), np.array([0.5]), 1.0) == 0


def test_lips_are_sealed_where_they_are_known_to_touch():
    assert sealed_share(np.array([0.0, 0.2, 0.4, np.nan])) == 0.5
