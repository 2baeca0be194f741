"""Clouds of true heads, and surfaces beside each other: on balls, where everything is known."""

import json

import numpy as np
import pytest

pytest.importorskip("igl")

from facetalk.errors import InputError
from facetalk.evaluation import clouds, depth, surfaces
from facetalk.evaluation.clouds import Case, Contender, Protocol
from facetalk.evaluation.true_heads import FACE_FILE, TrueHead
from facetalk.geometry import UNIT_MM
from facetalk.pipeline.actor import NECK_CUT
from facetalk.types import Mesh

RADIUS = 0.3


def ball(radius: float, inside_out: bool = False) -> Mesh:
    """About a thousand triangles."""
    up, around = np.meshgrid(np.linspace(0, np.pi, 33), np.linspace(0, 2 * np.pi, 65)[:-1], indexing="ij")
    vertices = np.stack([np.sin(up) * np.sin(around), np.cos(up), np.sin(up) * np.cos(around)], -1).reshape(-1, 3)
    row, column = np.meshgrid(np.arange(32), np.arange(64), indexing="ij")
    a, b = (64 * row + column).ravel(), (64 * row + (column + 1) % 64).ravel()
    faces = np.concatenate([np.stack([a, a + 64, b], 1), np.stack([b, a + 64, b + 64], 1)])
    return Mesh(radius * vertices, faces[:, ::-1] if inside_out else faces, normals=vertices)


def true_ball() -> TrueHead:
    mesh = ball(RADIUS)
    front = mesh.vertices[mesh.faces].mean(axis=1)[:, 2] > 0.1
    return TrueHead(mesh, mesh, front)


def test_a_larger_ball_is_as_far_off_as_its_radius_says():
    figures = surfaces.compare(true_ball(), ball(RADIUS + 0.8 / UNIT_MM), samples=5000)
    for part in surfaces.PARTS:
        assert figures[f"{part}_chamfer_l1_mm"] == pytest.approx(0.8, abs=0.05)
        assert figures[f"{part}_chamfer_l2_mm2"] == pytest.approx(0.64, abs=0.08)
        assert figures[f"{part}_normals"] > 0.995
        assert figures[f"{part}_f_1mm"] == 1.0


def test_a_hole_is_missed_one_way_and_a_growth_the_other():
    whole = ball(RADIUS)
    half = whole.faces[whole.vertices[whole.faces].mean(axis=1)[:, 2] > -0.05]
    open_ball = Mesh(whole.vertices, half, normals=whole.normals)
    figures = surfaces.compare(true_ball(), open_ball, samples=5000)
    assert figures["head_true_to_ours_mm"] > 5 > 0.1 > figures["head_ours_to_true_mm"]
    assert figures["face_true_to_ours_mm"] < 0.1
    grown = TrueHead(whole, open_ball, true_ball().face[: len(half)])
    assert surfaces.compare(grown, whole, samples=5000)["head_ours_to_true_mm"] > 5


def test_nobody_looks_up_through_an_open_neck():
    """The ball is cut below, and a smaller one in it is turned inside out, as the mouth's cavity is."""
    inner, outer = ball(0.2, inside_out=True), ball(0.5)
    kept = outer.faces[outer.vertices[outer.faces].mean(axis=1)[:, 1] > NECK_CUT.offset]
    vertices = np.concatenate([outer.vertices, inner.vertices])
    faces = np.concatenate([kept, inner.faces + len(outer.vertices)])
    assert depth.seen_by(depth.pictured(vertices, faces, depth.everywhere()), inner.vertices).any()
    assert not depth.seen_by(depth.outside(vertices, faces), inner.vertices).any()
    assert depth.seen_by(depth.outside(vertices, faces), 0.999 * outer.vertices[outer.vertices[:, 1] > 0]).all()


def test_what_lies_inside_is_not_seen():
    inner, outer = ball(0.2), ball(RADIUS)
    both = Mesh(
        np.concatenate([outer.vertices, inner.vertices]),
        np.concatenate([outer.faces, inner.faces + len(outer.vertices)]),
    )
    views = depth.pictured(both.vertices, both.faces, depth.everywhere())
    assert depth.seen_by(views, 0.999 * outer.vertices).all()
    assert not depth.seen_by(views, inner.vertices).any()


def test_walls_hide_from_behind_too():
    wall = ball(RADIUS, inside_out=True)  # seen from outside every triangle shows its back
    views = depth.pictured(wall.vertices, wall.faces, depth.everywhere())
    assert all((view.triangle < 0).all() for view in views)
    assert not depth.seen_by(views, ball(0.2).vertices).any()


def test_back_projected_points_lie_on_the_surface():
    cloud = Protocol(views=0, points=900).cloud(true_ball(), 0)
    assert len(cloud.points) == 900
    assert cloud.points.norm(dim=1).numpy() == pytest.approx(RADIUS, abs=0.001)
    assert (cloud.points[:, 2] > 0).all()
    assert ((cloud.points / RADIUS) * cloud.normals).sum(1).min() > 0.99


def test_noise_has_the_spread_that_is_asked_for():
    cloud = Protocol(views=12, points=4000, noise_mm=0.5, normal_noise=0.2).cloud(true_ball(), 0)
    away = (cloud.points.norm(dim=1).numpy() - RADIUS) * UNIT_MM
    assert away.std() == pytest.approx(0.5, rel=0.1)
    assert {bool(side) for side in cloud.points[:, 2] > 0} == {True, False}
    assert cloud.normals.norm(dim=1).numpy() == pytest.approx(1, abs=1e-5)


def test_rows_are_measured_once_and_written_down(tmp_path):
    asked = []

    def fit(cloud):
        asked.append(len(cloud.points))
        return ball(RADIUS + 1 / UNIT_MM)

    case = Case(7, 2, np.zeros(3), np.zeros(52))
    log = tmp_path / "out" / "rows.jsonl"
    first = clouds.evaluate([case], lambda *_: true_ball(), [Contender("a", "1", fit)], ["single view"], log)
    again = clouds.evaluate([case], lambda *_: true_ball(), [Contender("a", "1", fit)], ["single view"], log)
    assert asked == [2500] and first == again and len(log.read_text().splitlines()) == 1
    clouds.evaluate([case], lambda *_: true_ball(), [Contender("a", "2", fit)], ["single view"], log)
    assert len(asked) == 2
    lines = list(clouds.table(first))
    [mine, *_] = [line.split(" | ") for line in lines if line.startswith("a | ")]
    assert float(mine[1]) == pytest.approx(first[0].figures["head_chamfer_l1_mm"], abs=5e-4)
    assert any(line.startswith("NPHM, other data | 0.531") for line in lines)


def test_unknown_protocols_and_foreign_logs_are_refused(tmp_path):
    with pytest.raises(InputError, match="single view, full"):
        clouds.evaluate([], true_ball, [], ["sideways"], tmp_path / "rows.jsonl")
    (tmp_path / "rows.jsonl").write_text("nothing\n")
    with pytest.raises(InputError, match="--out"):
        clouds.read_rows(tmp_path / "rows.jsonl")


def test_the_face_region_is_an_outline_without_gaps():
    region = json.loads(FACE_FILE.read_text())
    half = np.array(region["half_outline"])
    assert half[0, 0] == half[-1, 0] == 0 and (half[:, 0] >= 0).all()
    assert (np.diff(half[:, 1]) <= 0).all()
