import numpy as np
import torch

from facetalk.geometry import UNIT_MM
from facetalk.mesh.mending import COVERED_MM, DRAW_MM, draw_back, follow_neighbours, neighbour_means

FACES = np.array([[r * 6 + c, r * 6 + c + 1, r * 6 + c + 6] for r in range(5) for c in range(5)], np.int32)
"""Half of the triangles of a sheet of six by six vertices."""
MEANS = neighbour_means(FACES, 36)


def test_a_torn_vertex_goes_where_its_neighbours_go_and_the_others_stay():
    even = torch.tensor([0.1, -0.2, 0.3]).repeat(36, 1)
    spiky, torn = even.clone(), torch.zeros(36, dtype=torch.bool)
    spiky[[14, 15]], torn[[14, 15]] = 5.0, True
    assert torch.allclose(follow_neighbours(spiky, torn, MEANS), even, atol=1e-4)
    assert torch.equal(follow_neighbours(spiky, torch.zeros_like(torn), MEANS), spiky)


def test_only_what_is_covered_draws_back_and_no_farther_than_allowed():
    points, normals = torch.zeros(4, 3), torch.tensor([0.0, 0.0, 1.0]).repeat(4, 1)
    distance = torch.tensor([1.0, -COVERED_MM, -0.3, -50.0]) / UNIT_MM
    drawn = draw_back(points, normals, distance)[:, 2] * UNIT_MM
    assert torch.allclose(drawn, torch.tensor([0.0, 0.0, -0.6, -DRAW_MM]), atol=1e-4)
