import logging

import numpy as np
import pytest
import torch

from facetalk.geometry import UNIT_MM, Box
from facetalk.mesh.clip import Plane
from facetalk.mesh.extract import sample_everywhere
from facetalk.mesh.grid import uniform_grid
from facetalk.mesh.isosurface import isosurface, triangles
from facetalk.pipeline.wholeness import POSES, ROUNDS, Wholeness, kept_whole, wholeness
from facetalk.types import Mesh

FINE, PIERCED = Wholeness(0, 0, 0, 2, 5, 0.001), Wholeness(0, 0, 1, 0, 0, 0.0)


def torn_beyond(limit):
    """People farther from the mean than `limit` have a hole as the mouth opens."""

    def look(z_id):
        return dict(zip(POSES, (FINE, PIERCED if float(z_id.norm()) > limit else FINE), strict=True))

    return look


def ball(radius, centre):
    """A closed mesh."""
    half = 1.2 * radius
    grid = uniform_grid(Box((-half,) * 3, (half,) * 3), 24)
    surface = isosurface(sample_everywhere(lambda points: points.norm(dim=1) - radius, grid), grid)
    return Mesh((surface.vertices + centre).astype(np.float32), triangles(surface, surface.vertices))


@pytest.mark.parametrize(("place_mm", "floating"), [((0, -10, -40), 0), ((0, 60, 0), 1), ((0, -10, -90), 1)])
def test_a_tongue_in_the_mouth_is_not_afloat(place_mm, floating):
    mouth = np.array([0.0, -0.1, 0.3])
    head, tongue = ball(0.4, np.zeros(3)), ball(12 / UNIT_MM, mouth + np.array(place_mm) / UNIT_MM)
    vertices = np.concatenate([head.vertices, tongue.vertices])
    mesh = Mesh(vertices, np.concatenate([head.faces, tongue.faces + len(head.vertices)]))
    found = wholeness(mesh, mouth, [np.array([0.1, 0.1, 0.3])], Plane((0.0, 1.0, 0.0), -2.0))
    assert (found.floating, found.torn) == (floating, 0)


def test_whole_people_stay_who_they_are():
    person = torch.tensor([3.0, 4.0])
    kept = kept_whole(person, "somebody", torn_beyond(5.0))
    assert kept.share == 1 and kept.whole and torch.equal(kept.z_id, person) and kept.before == kept.after


@pytest.mark.parametrize("limit", [4.8, 4.0, 3.5])
def test_others_are_the_farthest_whole_ones_on_their_way_to_the_mean(limit):
    person = torch.tensor([3.0, 4.0])
    kept = kept_whole(person, "somebody", torn_beyond(limit))
    assert kept.whole and not all(found.whole for found in kept.before.values())
    assert 0.89 * limit < float(kept.z_id.norm()) <= limit
    torch.testing.assert_close(kept.z_id, kept.share * person)


def test_who_cannot_be_made_whole_is_named(caplog):
    person, asked = torch.ones(4), []

    def hopeless(z_id):
        asked.append(z_id)
        return {"rest": PIERCED}

    with caplog.at_level(logging.WARNING):
        kept = kept_whole(person, "person 9", hopeless)
    assert not kept.whole and torch.equal(kept.z_id, person) and len(asked) == ROUNDS
    assert "person 9" in caplog.text
