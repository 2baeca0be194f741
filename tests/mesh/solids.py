"""Bodies with a known signed distance, and what makes a mesh whole."""

import numpy as np
import torch

from facetalk.geometry import Box

BOX = Box((-0.5, -0.5, -0.5), (0.5, 0.5, 0.5))


def sphere(radius=0.3, centre=(0.03, 0.02, -0.04)):
    return lambda points: (points - torch.tensor(centre)).norm(dim=-1) - radius


def torus(points):
    return torch.hypot(torch.hypot(points[:, 0], points[:, 1]) - 0.25, points[:, 2]) - 0.1


def shell(points):
    return sphere()(points).abs() - 0.03


def slab_gap(gap):
    """Two half spaces, free for |y| < gap / 2: lips seen very close."""
    return lambda points: gap / 2 - points[:, 1].abs()


def edge_uses(faces):
    """How often each directed edge occurs, and how often its reverse does."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64)
    count = int(faces.max()) + 1
    key, reverse = edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0]
    unique, times = np.unique(key, return_counts=True)
    return times, np.isin(unique, reverse)


def is_closed_manifold(faces):
    times, matched = edge_uses(faces)
    return bool((times == 1).all() and matched.all())


def euler(mesh):
    times, _ = edge_uses(mesh.faces)
    return len(mesh.vertices) - len(times) // 2 + len(mesh.faces)


def volume(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, i]].astype(float) for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)
