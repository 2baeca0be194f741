"""The oracle's linear step: known weights are found again in a made source."""

import numpy as np
import pytest
import torch

pytest.importorskip("igl")

from facetalk.evaluation import blendshapes, surfaces
from facetalk.types import Mesh

SQUARE = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]), np.array([[0, 1, 2], [0, 2, 3]]))


def test_corner_shares_give_points_back():
    random = np.random.default_rng(0)
    shares = random.dirichlet([1, 1, 1], 20)
    triangle = random.integers(0, 2, 20)
    points = np.einsum("pk,pkc->pc", shares, SQUARE.vertices[SQUARE.faces[triangle]])
    assert surfaces.corner_shares(SQUARE, triangle, points) == pytest.approx(shares, abs=1e-9)


def test_distances_along_normals_follow_the_weights():
    made = blendshapes.Blendshapes.__new__(blendshapes.Blendshapes)
    lift = np.zeros((2, 4, 3))
    lift[0, :, 2], lift[1, 2:, 2] = 0.01, 0.02

    class Source:
        faces, identities, expressions = SQUARE.faces, lift[:1], lift[1:]

    made.__dict__.update(source=Source, config=blendshapes.BlendshapeFit(), outside=np.ones(2, bool))
    random = np.random.default_rng(0)
    flat = random.uniform(0.05, 0.95, (50, 2))
    height = 0.5 * 0.01 + 0.8 * 0.02 * np.interp(flat[:, 1], [0, 1], [0, 1])
    points = torch.tensor(np.column_stack([flat, height])).float()
    slope, gap = made._linear(SQUARE.vertices, blendshapes.Cloud(points, None), np.arange(50), 100.0)
    found = np.linalg.lstsq(slope, gap, rcond=None)[0]
    assert found == pytest.approx([0.5, 0.8], abs=1e-4)
