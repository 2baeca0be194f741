import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull

from facetalk.errors import InputError
from facetalk.evaluation import views
from facetalk.evaluation.damage import DAMAGES, PROTOCOLS
from facetalk.evaluation.head import Person, Scan
from facetalk.evaluation.scans import Found, evaluate, table
from facetalk.evaluation.surfaces import seen_sample
from facetalk.fitting.scan import read
from facetalk.geometry import UNIT_MM
from facetalk.head.fitting import Cloud
from facetalk.types import Mesh, Region

RADIUS, POSED = 0.3, ("unit confusion", "rotated 40°", "any pose")


def ball(count: int, seed: int) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(size=(count, 3))
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def people() -> list[Person]:
    normals = torch.from_numpy(ball(5000, 0)).float()
    region = torch.full((5000,), Region.SKIN, dtype=torch.uint8)
    return [Person(torch.zeros(100), (Scan(torch.zeros(52), Cloud(RADIUS * normals, normals), region),))]


def fit_of(excess_mm: float):
    """Finds a ball by its size and middle, too large by so much."""

    def fit(path) -> Found:
        points = read(path).points
        size = RADIUS / np.median(np.linalg.norm(points - points.mean(axis=0), axis=1))
        T_head_scan = np.diag([size] * 3 + [1.0])
        T_head_scan[:3, 3] = -size * points.mean(axis=0)
        normals = ball(6000, 1)
        vertices = (RADIUS + excess_mm / UNIT_MM) * normals
        return Found(Mesh(vertices.astype(np.float32), ConvexHull(normals).simplices, normals=normals), T_head_scan)

    return fit


def test_the_truth_follows_the_scan_into_every_pose_and_unit(tmp_path):
    for row in evaluate(people(), fit_of(0.0), POSED, tmp_path / "near.jsonl"):
        assert row.outcome == "found" and row.face_mm < 0.5
    for row in evaluate(people(), fit_of(4.0), POSED, tmp_path / "far.jsonl"):
        assert row.outcome == "astray" and 3.5 < row.face_mm < 4.5


def test_crowded_vertices_and_hidden_ones_weigh_nothing():
    normals = ball(6000, 1)
    crowded = np.concatenate([normals, normals[normals[:, 2] > 0.9], 0.5 * normals])
    hull, inner = ConvexHull(normals).simplices, ConvexHull(normals).simplices + len(crowded) - len(normals)
    mesh = Mesh(RADIUS * crowded, np.concatenate([hull, inner]), normals=crowded)
    points = seen_sample(mesh, 20_000).vertices
    assert np.linalg.norm(points, axis=1).min() > 0.98 * RADIUS
    assert (points[:, 2] > 0.9 * RADIUS).mean() == pytest.approx(0.05, abs=0.01)


def test_what_was_measured_is_not_measured_again(tmp_path):
    log, other = tmp_path / "rows.jsonl", []

    def refuse(path):
        other.append(path)
        raise InputError(f"{path}: no head")

    first = list(evaluate(people(), fit_of(0.0), POSED[:2], log, "one"))
    assert list(evaluate(people(), refuse, POSED[:2], log, "one")) == first and not other
    assert list(evaluate(people(), refuse, POSED[:2], log, "two"))[1].refusal == "no head" and len(other) == 2


def test_refusals_are_told_and_counted(tmp_path):
    def refuse(path):
        raise InputError(f"{path}: no head")

    rows = list(evaluate(people(), refuse, ["half missing"], tmp_path / "rows.jsonl"))
    assert rows[0].outcome == "refused" and rows[0].refusal == "no head" and "no head" in rows[0].line
    assert table(rows)[1][:5] == ["half missing", "1", "0", "1", "0"]


def test_every_damage_leaves_a_scan(tmp_path):
    seen = {}

    def keep(path):
        seen[len(seen)] = read(path)
        raise InputError(f"{path}: seen")

    rows = list(evaluate(people(), keep, list(DAMAGES), tmp_path / "rows.jsonl"))
    sizes = {row.damage: len(scan) + scan.lonely for row, scan in zip(rows, seen.values(), strict=True)}
    assert sizes["half missing"] == 2000 and sizes["30 % outliers"] > 5500 and sizes["with shoulders"] == 8000
    assert sizes["frontal view"] <= 2500 and set(PROTOCOLS) < set(DAMAGES)


def test_a_camera_sees_what_faces_it_and_is_not_hidden():
    front, behind = 50 * ball(3000, 0) + [0, 0, 100], 40 * ball(3000, 1) - [0, 0, 100]
    points, normals = np.concatenate([front, behind]), np.concatenate([ball(3000, 0), ball(3000, 1)])
    found = views.seen(points, normals, np.array([0.0, 0.0, 1.0]))
    assert not found[3000:].any() and not (found & (normals[:, 2] < 0)).any()
    assert found[:3000].mean() > 0.35
    assert views.seen(points, normals, np.array([1.0, 0.0, 0.0]))[3000:].mean() > 0.35


def test_even_points_are_as_many_in_dense_places_as_in_sparse_ones():
    points = np.concatenate([ball(4000, 0) * [1, 1, 1], *[ball(4000, k) for k in (1, 2)]])
    dense = np.concatenate([points[points[:, 0] > 0], points[:4000][points[:4000, 0] <= 0]])
    chosen = dense[views.evenly(dense, 1500, np.random.default_rng(0))]
    assert abs((chosen[:, 0] > 0).mean() - 0.5) < 0.06
