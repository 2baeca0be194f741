import numpy as np
import pytest
import torch
from solids import BOX, slab_gap, sphere

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM, Box
from facetalk.mesh.aperture import (
    CORNEA,
    MOUTH_CORNERS,
    Lines,
    eye_probe,
    free_length_mm,
    lip_line_probe,
    mouth_probe,
)
from facetalk.mesh.extract import extract
from facetalk.mesh.grid import uniform_grid
from facetalk.mesh.winding import mesh_apertures, mesh_free_length_mm, mesh_inside_lines
from facetalk.types import Mesh

LANDMARKS = {
    name: np.array([0.0, y, z]) / UNIT_MM
    for name, y, z in (
        ("subnasale", 15, 20), ("lip_upper", 4, 24), ("lip_lower", -5, 23), ("teeth_front", 2, 16),
        ("mouth_centre", 0, 20), ("ear_left", 10, -100), ("ear_right", 10, -100),
    )
}  # fmt: skip


def uprights(count=3, length=30.0, step=1.0):
    y = np.arange(length / 2, -length / 2 - step / 2, -step)
    points = np.zeros((count, len(y), 3), np.float32)
    points[..., 1], points[..., 0] = y, np.arange(count)[:, None]
    return Lines(points / np.float32(UNIT_MM), 0, 0, len(y) - 1)


def mouth(gap_mm, front_mm=24.0, seal_mm=None):
    """Flesh behind a face plane with a level slit; sealed in front of depth `seal_mm`."""

    def sdf(points):
        p = points * UNIT_MM
        slit = gap_mm / 2 - p[:, 1].abs()
        if seal_mm is not None:
            slit = torch.minimum(slit, seal_mm - p[:, 2])
        return torch.maximum(p[:, 2] - front_mm, slit) / UNIT_MM

    return sdf


@pytest.mark.parametrize("gap_mm", [0.3, 0.7, 3.0, 11.4])
def test_the_gap_between_slabs_is_measured(gap_mm):
    assert np.allclose(free_length_mm(slab_gap(gap_mm / UNIT_MM), uprights()), gap_mm, atol=0.05)


def test_sealed_flesh_has_no_free_length():
    assert (free_length_mm(lambda p: -torch.ones(len(p)), uprights()) == 0).all()


def test_a_line_that_meets_no_flesh_in_time_is_not_in_the_opening():
    assert np.isinf(free_length_mm(lambda p: torch.ones(len(p)), uprights())).all()
    assert np.isinf(free_length_mm(lambda p: p[:, 1] - 0.02, uprights())).all()
    assert np.isinf(free_length_mm(lambda p: -0.02 - p[:, 1], uprights())).all()


def test_an_opening_that_begins_too_late_does_not_count():
    lines = uprights()
    wider = Lines(lines.points, 0, 0, lines.opens_by - 8)

    def sdf(points):
        return torch.maximum(slab_gap(4 / UNIT_MM)(points), -11 / UNIT_MM - points[:, 1])

    assert np.allclose(free_length_mm(sdf, wider), 4, atol=0.05)
    assert np.isinf(free_length_mm(sdf, lines)).all()


@pytest.mark.parametrize("gap_mm", [0.4, 2.0, 9.0])
def test_a_mouth_opens_by_its_slit(gap_mm):
    assert np.allclose(mouth_probe(LANDMARKS).apertures(mouth(gap_mm)), gap_mm, atol=0.1)


def test_lips_closed_at_one_depth_are_closed():
    probe = mouth_probe(LANDMARKS)
    assert (probe.apertures(mouth(6.0, seal_mm=20.0)) == 0).all()
    assert np.isnan(probe.apertures(lambda p: torch.ones(len(p)))).all()
    assert probe.over([mouth(1.0), mouth(2.0)]).shape == (2, 5)


def test_lips_pushed_forward_are_looked_for_in_front():
    """They touch 28 mm out, where the lines for lips at rest do not reach."""
    touching = mouth(6.0, front_mm=34.0, seal_mm=28.0)
    assert np.allclose(mouth_probe(LANDMARKS, pushed_mm=0.0).apertures(touching), 6, atol=0.1)
    assert (mouth_probe(LANDMARKS).apertures(touching) == 0).all()


def test_pushed_lips_may_begin_low_where_they_hang_from_what_is_behind():
    """An upper lip that slopes forward: from 24 mm on flesh begins ever lower, and the lips meet at 33 mm."""

    def sdf(points):
        p = points * UNIT_MM
        slope = p[:, 1] - 13 + 1.2 * (p[:, 2] - 24).clamp(min=0)
        return torch.maximum(mouth(2.0, front_mm=34.0, seal_mm=33.0)(points), slope / UNIT_MM)

    assert (mouth_probe(LANDMARKS).apertures(sdf) == 0).all()


@pytest.mark.parametrize("gap_mm", [1.0, 3.0])
def test_a_lower_lip_before_the_upper_one_is_not_taken_for_it(gap_mm):
    """Lines in front of the upper lip meet only the lower one, which begins where a pushed upper lip might."""

    def sdf(points):
        p = points * UNIT_MM
        before = torch.stack([p[:, 2] - 24, -p[:, 2] - 50, gap_mm / 2 - p[:, 1]]).amax(0)
        below = torch.stack([p[:, 2] - 30, -p[:, 2] - 50, p[:, 1] + gap_mm / 2]).amax(0)
        return torch.minimum(before, below) / UNIT_MM

    assert np.allclose(mouth_probe(LANDMARKS).apertures(sdf), gap_mm, atol=0.1)


@pytest.mark.parametrize("open_to_mm", [12.0, 99.0])
def test_the_whole_line_of_lips_is_read_round_the_arch(open_to_mm):
    """Lips of an arch whose corners lie 14 mm behind the middle, apart as far as `open_to_mm` to each side."""
    corners = {name: np.array([x, 0.0, 10.0]) / UNIT_MM for name, x in zip(MOUTH_CORNERS, (25, -25), strict=True)}

    def sdf(points):
        p = points * UNIT_MM
        front = p[:, 2] - 24 + 14 * (p[:, 0] / 25) ** 2
        slit = torch.minimum(1.0 - p[:, 1].abs(), open_to_mm - p[:, 0].abs())
        return torch.maximum(front, slit) / UNIT_MM

    probe = lip_line_probe({**LANDMARKS, **corners})
    across = probe.lines.points[:, 0, 0, 0] * UNIT_MM
    assert across[0] < -23 and across[-1] > 23
    assert np.allclose(probe.apertures(sdf), np.where(np.abs(across) < open_to_mm, 2.0, 0.0), atol=0.1)


def test_a_missing_landmark_is_named():
    with pytest.raises(InputError, match="ear_left"):
        mouth_probe({name: at for name, at in LANDMARKS.items() if name != "ear_left"})


@pytest.mark.parametrize("opening", [0.0, 0.2, 0.5])
def test_lids_are_measured_along_the_eyeball(opening):
    """Lids are a ball of flesh with a wedge of half angle `opening` cut out before the eyeball."""
    radius = 12 / UNIT_MM

    def sdf(points):
        away = points.norm(dim=-1)
        angle = torch.atan2(points[:, 1].abs(), points[:, 2])
        lids = torch.maximum(away - 15 / UNIT_MM, (opening - angle) * away)
        return torch.minimum(away - radius, lids if opening else away - 15 / UNIT_MM)

    found = eye_probe(np.zeros(3), radius, columns=1).apertures(sdf)
    assert found == pytest.approx(2 * opening * (12 * CORNEA + 0.1), abs=0.15)


@pytest.mark.parametrize("opening", [0.0, 0.3, 0.6])
def test_a_cornea_that_stands_out_is_not_taken_for_lids(opening):
    """It comes through the hindmost arc; shut lids stay shut, by fields and by meshes."""
    radius = 12 / UNIT_MM

    def sdf(cornea_mm):
        def asked(points):
            away = points.norm(dim=-1)
            angle = torch.atan2(points[:, 1].abs(), points[:, 2])
            lids = torch.maximum(away - 15 / UNIT_MM, (opening - angle) * away)
            ball = (points - torch.tensor([0.0, 0.0, 5 / UNIT_MM])).norm(dim=-1)  # as round as a cornea
            front = radius * CORNEA + cornea_mm / UNIT_MM - 5 / UNIT_MM
            return torch.minimum(torch.minimum(away - radius, ball - front), lids if opening else away - 15 / UNIT_MM)

        return asked

    probe = eye_probe(np.zeros(3), radius, columns=1)
    out, back = (probe.apertures(sdf(cornea_mm)) for cornea_mm in (0.25, -0.4))
    assert out == pytest.approx(back, abs=0.15)
    box = Box((-0.07, -0.07, -0.07), (0.07, 0.07, 0.07))
    mesh = extract(sdf(0.25), uniform_grid(box, 120))
    assert mesh_apertures(mesh.vertices, mesh.faces, probe) == pytest.approx(out, abs=0.3)


def test_meshes_are_measured_like_fields():
    upper = extract(sphere(0.2, (0.0, 0.25, 0.0)), uniform_grid(BOX, 90))
    lower = extract(sphere(0.2, (0.0, -0.22, 0.0)), uniform_grid(BOX, 90))
    both = joined(upper, lower)
    lines = uprights(count=1, length=100)
    gap = mesh_free_length_mm(both.vertices, both.faces, lines)
    assert gap == pytest.approx(0.07 * UNIT_MM, abs=0.5)  # facets lie inside the balls
    inside = mesh_inside_lines(both.vertices, both.faces, lines.points)[0]
    assert inside[0] and inside[-1] and not inside[len(inside) // 2]


def test_lips_that_pass_through_each_other_are_sealed():
    upper = extract(sphere(0.2, (0.0, 0.15, 0.0)), uniform_grid(BOX, 40))
    lower = extract(sphere(0.2, (0.0, -0.15, 0.0)), uniform_grid(BOX, 40))
    both = joined(upper, lower)
    assert mesh_free_length_mm(both.vertices, both.faces, uprights(count=1)) == 0
    far = np.array([9.0, 0.0, 0.0], np.float32)
    assert np.isnan(mesh_apertures(both.vertices + far, both.faces, mouth_probe(LANDMARKS))).all()


def joined(first, second):
    faces = np.concatenate([first.faces, second.faces + np.int32(len(first.vertices))])
    return Mesh(np.concatenate([first.vertices, second.vertices]), faces)
