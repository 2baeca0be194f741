"""Rows of teeth: arches are found again from their points, crowns look outwards, and nothing stands before them."""

import numpy as np
import pytest

from facetalk.mesh.dentition import HIDDEN_MM, LOWER, UPPER, Arch, clear, dentition

FRONT, SIDE, EDGE, NECK = 2.0, 29.0, -2.0, 8.0
"""Of a made row: where its front teeth and sides stand, and the heights of its edge and gum."""


def row_points(*, upper: bool = True, thick: float = 6.0) -> np.ndarray:
    """Points within a made row of teeth, millimetres."""
    random = np.random.default_rng(0)
    angle = np.radians(random.uniform(-88, 88, 20_000))
    back = random.uniform(0, thick, len(angle))
    front = FRONT + 40
    x, z = (SIDE - back) * np.sin(angle), (front - back) * np.cos(angle) - 40
    height = random.uniform(EDGE, NECK, len(angle))
    return np.stack([x, height if upper else -height - 6, z], 1)


@pytest.fixture(scope="module")
def arch() -> Arch:
    found = Arch.fitted(row_points(), upper=True)
    assert found is not None
    return found


def test_an_arch_is_found_again(arch: Arch) -> None:
    """Front and sides, edge and gum, within a millimetre."""
    at_edge, at_neck, edge, neck = arch.at(np.radians(np.array([0.0, 75.0, -75.0])))
    place = np.stack([at_edge * np.sin(np.radians([0, 75, -75])), arch.z + at_edge * np.cos(np.radians([0, 75, -75]))])
    assert abs(place[1, 0] - FRONT) < 0.8
    assert np.allclose((place[0, 1:] / SIDE) ** 2 + ((place[1, 1:] + 40) / (FRONT + 40)) ** 2, 1, atol=0.06)
    assert np.abs(at_edge - at_neck).max() < 0.6
    assert np.abs(edge - EDGE).max() < 1.0
    assert np.abs(neck - NECK).max() < 0.7


@pytest.mark.parametrize("upper", [True, False])
def test_crowns_stand_on_the_arch_and_look_outwards(upper: bool) -> None:
    """Vertices lie between gum and edge, fill both sides alike, and bodies have volume."""
    arch = Arch.fitted(row_points(upper=upper), upper=upper)
    assert arch is not None
    vertices, faces, gum = dentition(arch, UPPER if upper else LOWER)
    teeth = vertices[~gum]
    assert np.ptp(teeth[:, 1]) < (NECK - EDGE) * 1.4
    assert abs(teeth[:, 0].max() + teeth[:, 0].min()) < 1.0
    hard = faces[~gum[faces].any(1)]
    a, b, c = (vertices[hard[:, n]] for n in range(3))
    front = (a + b + c)[:, 2] / 3 > teeth[:, 2].max() - 1.0
    assert (np.cross(b - a, c - a)[front, 2] > 0).mean() > 0.9


def test_few_points_are_no_teeth() -> None:
    assert Arch.fitted(np.zeros((0, 3)), upper=True) is None
    assert Arch.fitted(row_points()[:20], upper=True) is None


def test_what_is_in_the_way_goes_behind_the_face_and_nothing_else_moves(arch: Arch) -> None:
    """A film before a front tooth ends behind it; lips well before it, and what lies above the gum, stay."""
    front = float(arch.z + arch.at(np.zeros(1))[0][0])
    points = np.array(
        [(0, 3, front + 0.4), (0, 3, front + 4), (0, NECK + 6, front + 0.4), (3, 2, front - 20)], np.float32
    )
    before = points.copy()
    still = np.eye(3, dtype=np.float32), np.zeros(3, np.float32)
    rows = np.arange(len(points))
    film = np.full(len(points), 3, np.float32)
    clear(points, rows, np.zeros(4, np.float32), film, arch.table(), np.float32(1), np.zeros(3, np.float32), *still)
    assert points[0, 2] < front - 0.8 * HIDDEN_MM
    assert np.allclose(points[1:], before[1:], atol=1e-4)


def test_clearing_goes_with_the_jaw(arch: Arch) -> None:
    """A turned row clears turned points as the unturned one does theirs."""
    points = row_points()[:500].astype(np.float32)
    turn = np.array([[1, 0, 0], [0, 0.96, -0.28], [0, 0.28, 0.96]], np.float32)
    shift, centre, rows = np.array([1, -2, 3], np.float32), np.array([0, 0.5, 0], np.float32), np.arange(500)
    tooth, film = np.full(500, 0.5, np.float32), np.full(500, 3, np.float32)
    straight, turned = points.copy(), points @ turn.T + shift
    still = np.eye(3, dtype=np.float32), np.zeros(3, np.float32)
    clear(straight, rows, tooth, film, arch.table(), np.float32(1), centre, *still)
    clear(turned, rows, tooth, film, arch.table(), np.float32(1), centre, turn, shift)
    assert np.abs(turned - (straight @ turn.T + shift)).max() < 1e-3
