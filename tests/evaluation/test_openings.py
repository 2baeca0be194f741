"""Openings of heads beside their source meshes: what counts as right."""

import numpy as np
import pytest

from facetalk.evaluation.mean_head import _agreement


def row(lips, lips_true, lids=1.0, lids_true=1.0):
    return {"lips_mm": lips, "lips_true_mm": lips_true, "lids_mm": lids, "lids_true_mm": lids_true}


def test_an_opening_is_right_within_half_a_millimetre_or_a_twentieth():
    found = _agreement([row(3.4, 3.0), row(3.6, 3.0), row(39.0, 40.0), row(37.0, 40.0)])
    assert found["lips_right_share"] == 0.5
    assert found["lips_error_mm"] == pytest.approx((0.4 + 0.6 + 1.0 + 3.0) / 4)
    assert found["lids_right_share"] == 1.0 and found["lids_error_mm"] == 0.0


def test_an_opening_that_no_line_runs_through_is_not_right_and_no_part_of_means():
    found = _agreement([row(np.nan, 3.0), row(3.0, 3.0)])
    assert found["lips_right_share"] == 0.5 and found["lips_mm"] == 3.0


def test_shares_of_the_lip_line_are_averaged_where_they_were_read():
    found = _agreement([row(0.0, 0.0) | {"lip_line_share": share} for share in (1.0, 0.5)])
    assert found["lip_line_share"] == 0.75
    assert "lip_line_share" not in _agreement([row(0.0, 0.0)])
