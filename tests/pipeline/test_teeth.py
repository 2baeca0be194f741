"""Teeth are worn rigidly: the jaw's motion is read off the deformation, and both rows are told apart."""

import numpy as np
import torch

from facetalk.geometry import UNIT_MM
from facetalk.pipeline.teeth import STILL, Row, Teeth, parted, rigid
from facetalk.types import Mesh

TURN = np.array([[1, 0, 0], [0, np.cos(0.1), -np.sin(0.1)], [0, np.sin(0.1), np.cos(0.1)]], np.float32)
SHIFT = np.array([0.0, -0.05, 0.01], np.float32)


def some_points(count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.15, 0.15, (count, 3)).astype(np.float32)


def test_a_motion_is_found_though_some_points_go_astray() -> None:
    come = some_points(40)
    gone = come @ TURN.T + SHIFT
    gone[:4] += 12 / UNIT_MM
    turn, shift = rigid(come, gone, rounds=8)
    assert np.abs(come[4:] @ turn.T + shift - gone[4:]).max() * UNIT_MM < 0.15


def test_the_jaw_is_read_off_a_backward_deformation() -> None:
    """Offsets that undo a rigid motion tell that motion, from where nothing is known."""
    probes = torch.from_numpy(some_points(32))
    row = Row(np.zeros((5, 5), np.float32), Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32)))
    teeth = Teeth(row, row, np.zeros(3, np.float32), probes)

    def warp(points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return (points - torch.from_numpy(SHIFT)) @ torch.from_numpy(TURN) - points, torch.zeros(len(points))

    turn, shift = teeth.jaw(warp, STILL)
    assert np.allclose(turn, TURN, atol=1e-4)
    assert np.allclose(shift, SHIFT, atol=1e-4)


def test_rows_stand_apart_though_they_near_each_other_at_the_back() -> None:
    random = np.random.default_rng(0)
    z = random.uniform(-45, 0, 4000)
    upper = random.uniform(0, 8, 4000)
    lower = random.uniform(-16, -7, 4000) - 0.12 * z
    points = np.stack([random.uniform(-25, 25, 8000), np.concatenate([upper, lower]), np.tile(z, 2)], 1)
    assert (parted(points) == (np.arange(8000) < 4000)).all()
