"""A round mesh to take pictures of."""

import numpy as np

from facetalk.types import Mesh


def ball(radius, centre=(0, 0, 0), rings=24):
    """A sphere of latitudes and longitudes with exact normals."""
    polar, round_ = np.meshgrid(np.linspace(0, np.pi, rings + 1), np.arange(2 * rings) * np.pi / rings, indexing="ij")
    way = np.stack([np.sin(polar) * np.sin(round_), np.cos(polar), np.sin(polar) * np.cos(round_)], -1)
    way = way.reshape(-1, 3).astype(np.float32)
    faces = []
    for i in range(rings):
        for j in range(2 * rings):
            a, b = i * 2 * rings + j, i * 2 * rings + (j + 1) % (2 * rings)
            c, d = a + 2 * rings, b + 2 * rings
            faces += [(a, c, d), (a, d, b)]
    return Mesh(way * np.float32(radius) + np.float32(centre), np.array(faces, np.int32), normals=way)
