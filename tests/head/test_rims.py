"""Lips and lids of people who were never scanned, on balls that expressions shift."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from made_heads import (
    RADIUS,
    anchor_directions,
    directions,
    landmark_directions,
    quantise,
    radius,
    shift,
    write_spheres,
)
from safetensors.numpy import save_file

from facetalk.errors import InputError
from facetalk.geometry import PAPER_BOX, UNIT_MM
from facetalk.head import model
from facetalk.head.anatomy import LANDMARK_NAMES
from facetalk.head.model import Head, tiny
from facetalk.training import head_data, rims
from facetalk.training.averaging import Rate
from facetalk.training.head_deformation import DeformationRecipe, DeformationTask
from facetalk.training.head_identity import IdentityRecipe, IdentityTask

POINTS, OPENINGS = 60, 3
FREE_MM = 2.0


def write_rims(folder: Path, people: int = 8, covered: int = 10) -> Path:
    """Balls of people's own sizes; the last `covered` points of each are said to lie in contact, and lie elsewhere."""
    random = np.random.default_rng(1)
    folder.mkdir(parents=True, exist_ok=True)
    described, rows = [], []
    for _ in range(people):
        weights = random.normal(size=100)
        size, normal = radius(weights), directions(POINTS, random)
        described.append(
            {
                "weights": weights.astype(np.float32),
                "anchors": (size * anchor_directions()).astype(np.float32),
                "landmarks": (size * landmark_directions()).astype(np.float32),
                "eye_radius": np.full(2, 0.05, np.float32),
            }
        )
        openings = random.uniform(0, 1, (OPENINGS, 52)) * (random.uniform(size=(OPENINGS, 52)) < 0.2)
        places = size * normal
        places[POINTS - covered :] *= 0.5
        free = np.full(POINTS, FREE_MM / UNIT_MM, np.float16)
        free[POINTS - covered :] = -1
        bytes_of = np.rint(127 * normal).astype(np.int8)
        rows.append(
            {
                "surface": quantise(places),
                "normal": bytes_of,
                "region": np.ones(POINTS, np.uint8),
                "free": free,
                "weights": openings.astype(np.float16),
                "posed": np.stack([quantise(places + shift(each)) for each in openings]),
                "posed_normal": np.stack([bytes_of] * OPENINGS),
                "posed_free": np.stack([free] * OPENINGS),
            }
        )
    for name, each in {"identities": described, "rims_000": rows}.items():
        save_file({key: np.stack([row[key] for row in each]) for key in each[0]}, folder / f"{name}.safetensors")
    meta = {
        "kind": "rims",
        "box": {"lower": PAPER_BOX.lower, "upper": PAPER_BOX.upper},
        "landmarks": LANDMARK_NAMES,
    }
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return rims.RimSet(write_rims(tmp_path_factory.mktemp("rims")))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def sizes(made: rims.RimSet, some: rims.Rims) -> torch.Tensor:
    return made.anatomy_of(some.people).anchors.norm(dim=-1)[:, :1]


def test_points_beside_a_rim_are_as_far_from_it_as_they_say(made):
    some = made.posed(5, 40, generator())
    moved = torch.stack([torch.from_numpy(shift(row.numpy())) for row in some.weights]).float()[:, None]
    places, exact = some.beside(generator())
    known = some.free >= 0
    distance = (places - moved).norm(dim=-1) - sizes(made, some)
    assert torch.allclose(distance[known], exact[known], atol=2e-4)
    assert (exact[known] > 0).any() and (exact[known] < 0).any()
    assert (exact.abs() <= rims.ASIDE_MM / UNIT_MM).all() and (exact[some.free < 0] <= 0).all()


def test_a_point_has_its_canonical_place_in_every_expression(made):
    some = made.posed(5, 40, generator())
    moved = torch.stack([torch.from_numpy(shift(row.numpy())) for row in some.weights]).float()[:, None]
    assert torch.allclose(some.surface - moved, some.target, atol=2e-4)
    still = made.canonical(5, 40, generator())
    assert torch.equal(still.surface, still.target) and still.weights is None


def test_where_lips_touch_no_surface_is_asked_for(made, monkeypatch):
    """A field that is exact but for the covered points makes no error."""
    head, some = Head(tiny()), made.canonical(4, 30, generator())

    def exact(self, anatomy, folded, points):
        return points.norm(dim=-1) - sizes(made, some)

    monkeypatch.setattr(type(head.ensemble), "forward", exact)
    assert (some.free < 0).any()
    assert rims.canonical_error(head, made, some, generator())["rims"] < 0.02


def test_rims_alone_teach_where_they_are_and_where_they_are_carried(made, tmp_path):
    torch.manual_seed(0)
    data = head_data.read(write_spheres(tmp_path / "set"))
    rate = Rate(peak=1e-2, steps=150, warm_up=10)
    alone = IdentityRecipe(
        identities=2,
        points=10,
        surface=10,
        in_space=0.0,
        on_surface=0.0,
        slope=0.0,
        regions=0.0,
        residual=0.0,
        rate=rate,
    )
    first = IdentityTask(Head(tiny()), data, alone, rim_set=made)
    figures = [first.step(index, generator(index)) for index in range(150)]
    assert figures[-1]["rims"] < 0.5 * figures[0]["rims"]
    model.save(first.averaged.model, tmp_path / "identity.safetensors")
    recipe = DeformationRecipe(
        scans=2, surface=20, points=10, checked=10, canonical_from=0, correspondence=0.0, fine=0.0, fine_carried=0.0,
        posed=0.0, closed=0.0, sealed=0.0, still=0.0, people=1, rate=rate,
    )  # fmt: skip
    second = DeformationTask(
        Head(tiny()), data, recipe, tmp_path / "identity.safetensors", tmp_path / "head.safetensors", made
    )
    figures = [second.step(index, generator(index)) for index in range(120)]
    assert figures[-1]["rims_carried"] < 0.6 * figures[0]["rims_carried"]


def test_what_is_no_set_of_rims_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a set of rims"):
        rims.RimSet(tmp_path)
    with pytest.raises(InputError, match="make one with facetalk data rims"):
        rims.RimSet(write_spheres(tmp_path / "heads"))
    one, other = write_rims(tmp_path / "one"), write_rims(tmp_path / "other")
    assert len(rims.RimSet(one, other)) == 2 * len(rims.RimSet(one))


def test_the_first_ball_is_as_large_as_it_was_drawn(made):
    assert abs(float(sizes(made, made.canonical(1, 1, generator()))) / RADIUS - 1) < 0.5
