"""What stands still is asked once, and frames come out as if it were asked anew."""

import numpy as np
import torch
from solids import BOX, sphere

from facetalk.geometry import UNIT_MM
from facetalk.mesh.extract import extract
from facetalk.mesh.grid import focused_grid
from facetalk.mesh.kept import Kept, keys_of

GRID = focused_grid(BOX, 40, [((0.2, 0.1, 0.0), 0.12)], ratio=4)
WHOLE, SIDE = float("inf"), 0.05
"""Beyond this x the body moves."""


class Swelling:
    """A ball that swells on one side, and counts what it is asked."""

    def __init__(self, amount: float) -> None:
        self.amount, self.asked = amount, 0

    def __call__(self, points):
        self.asked += len(points)
        return sphere()(points) - self.amount * (points[:, 0] - SIDE).clamp(min=0)


def still(points):
    return points[:, 0] <= SIDE


def test_frames_are_as_if_nothing_were_kept_and_ask_less():
    # But for vertices at the border of what moves: they were settled along normals of the first frame.
    kept = Kept(GRID, still)
    for number, amount in enumerate((0.0, 0.1, 0.2)):
        anew, carried = Swelling(amount), Swelling(amount)
        truth, ours = extract(anew, GRID, arc_mm=WHOLE), extract(carried, GRID, arc_mm=WHOLE, kept=kept)
        assert np.array_equal(truth.faces, ours.faces)
        np.testing.assert_allclose(truth.vertices, ours.vertices, atol=0.05 / UNIT_MM)
        assert carried.asked == anew.asked if number == 0 else carried.asked < 0.7 * anew.asked


def test_nothing_that_moves_is_kept():
    kept = Kept(GRID, lambda points: torch.zeros(len(points), dtype=torch.bool))
    first, again = Swelling(0.0), Swelling(0.0)
    extract(first, GRID, kept=kept)
    extract(again, GRID, kept=kept)
    assert again.asked == first.asked and np.isnan(kept.values).all()


def test_places_are_found_again_by_their_keys():
    points = np.random.default_rng(0).normal(size=(200_000, 3)).astype(np.float32)
    keys = keys_of(points)
    assert len(np.unique(keys)) == len(points) and np.array_equal(keys[::7], keys_of(points[::7]))
