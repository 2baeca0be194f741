"""Ways through an open mouth: flesh behind a face plane, with a level slit in it."""

import numpy as np
import pytest
import torch

from facetalk.evaluation.mouth_ways import open_share, ways
from facetalk.geometry import UNIT_MM, Box
from facetalk.mesh.aperture import Lines, Probe
from facetalk.mesh.extract import extract
from facetalk.mesh.grid import uniform_grid

FRONT_MM = 24.0
BOX = Box((-0.2, -0.2, -0.2), (0.2, 0.2, 0.2))


def flesh(gap_mm, film_mm=0.0):
    """A film lies 20 mm forward, across the whole slit."""

    def sdf(points):
        p = points * UNIT_MM
        slit = gap_mm / 2 - p[:, 1].abs()
        if film_mm:
            slit = torch.minimum(slit, (p[:, 2] - 20).abs() - film_mm / 2)
        solid = torch.maximum(p[:, 2] - FRONT_MM, slit)
        return torch.maximum(solid, p.abs().amax(1) - 45) / UNIT_MM

    return sdf


def probe():
    x, z, y = np.meshgrid([-3.0, 0.0, 3.0], np.arange(16.5, 30.0), np.arange(20.0, -21.0, -1.0), indexing="ij")
    points = np.stack([x, y, z], -1).astype(np.float32) / np.float32(UNIT_MM)
    return Probe(Lines(points, 0, 0, points.shape[2] - 1))


def mesh(gap_mm):
    return extract(flesh(gap_mm), uniform_grid(BOX, 80))


def test_a_film_between_lines_is_found():
    rays = ways(mesh(12.0), probe())
    assert len(rays) == 9
    assert rays[:, -1, 2].min() * UNIT_MM > FRONT_MM
    assert open_share(flesh(12.0), rays) == 1.0
    assert open_share(flesh(12.0, film_mm=0.3), rays) == 0.0


@pytest.mark.parametrize("gap_mm", [0.0, 2.5])
def test_no_way_is_asked_where_lips_are_shut_or_nearly(gap_mm):
    rays = ways(mesh(gap_mm) if gap_mm else mesh(-10.0), probe())
    assert len(rays) == 0 and np.isnan(open_share(flesh(gap_mm), rays))


def test_lips_that_come_before_the_slit_block_some_ways():
    rays = ways(mesh(12.0), probe())
    assert open_share(flesh(3.0), rays) == pytest.approx(1 / 3)
