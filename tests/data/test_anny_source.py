"""The second head source: laws of its parts on made meshes, and of the whole where anny is installed."""

import importlib.util

import numpy as np
import pytest

pytest.importorskip("igl")

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.data import anny, head_set, makehuman, subdivision
from facetalk.data.anny_actions import ACTIONS
from facetalk.data.eyeballs import MILLIMETRE, fit_sphere
from facetalk.data.posing import PosedHead, SourceHead, Topology, rig_weights
from facetalk.data.solid import Solid
from facetalk.data.source import HeadSource, Marks, Parts, boundary_loops, fan, zip_across
from facetalk.errors import InputError
from facetalk.head import traits
from facetalk.head.traits import Traits
from facetalk.types import Region

CUBE = np.array([[x, y, z] for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
SIDES = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])


def volume(vertices, faces):
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return np.einsum("fi,fi->f", a, np.cross(b, c)).sum() / 6


def triangles(quads):
    return quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)


def grid(across, along):
    """A flat sheet of quads."""
    places = np.array([[i, j, 0.0] for i in range(across + 1) for j in range(along + 1)])
    corner = (np.arange(across)[:, None] * (along + 1) + np.arange(along)).ravel()
    return places, np.stack([corner, corner + along + 1, corner + along + 2, corner + 1], axis=1)


def ball(centre, radius, twice=3):
    vertices, faces = CUBE, SIDES
    for _ in range(twice):
        finer = subdivision.catmull_clark(len(vertices), faces)
        vertices, faces = finer(vertices), finer.faces
    arms = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    return centre + radius * arms, triangles(faces)


def test_a_subdivided_cube_stays_closed_and_nears_a_ball():
    finer = subdivision.catmull_clark(8, SIDES)
    assert len(finer.faces) == 24 and not boundary_loops(finer.faces)
    vertices = finer(CUBE)
    assert len(vertices) == 8 + 12 + 6
    spread = np.linalg.norm(vertices, axis=1)
    assert spread.max() / spread.min() < 1.2
    assert 0 < volume(vertices, triangles(finer.faces)) < volume(CUBE, triangles(SIDES))


def test_subdivision_commutes_with_affine_maps():
    places, quads = grid(3, 4)
    finer = subdivision.catmull_clark(len(places), quads)
    random = np.random.default_rng(0)
    matrix, shift = random.normal(size=(3, 3)), random.normal(size=3)
    assert np.allclose(np.asarray(finer.operator.sum(axis=1)), 1)
    assert np.allclose(finer(places @ matrix + shift), finer(places) @ matrix + shift)


def test_subdivision_keeps_flat_sheets_within_their_border():
    places, quads = grid(3, 4)
    finer = subdivision.catmull_clark(len(places), quads)
    vertices = finer(places)
    (loop,) = boundary_loops(finer.faces)
    assert not vertices[:, 2].any()
    assert len(loop) == 2 * (3 + 4) * 2
    assert np.allclose(vertices[:, :2].min(axis=0), 0, atol=0.3) and vertices[:, 0].max() <= 3


def test_laced_and_fanned_loops_close_a_surface():
    _, quads = grid(1, 6)
    (loop,) = boundary_loops(quads)
    for cap in (fan(loop), zip_across(loop)):
        closed = np.concatenate([triangles(quads), cap])
        assert not boundary_loops(closed)
        assert len(cap) == len(loop) - 2


def made_source(flesh, piece):
    """A source of two bodies and no expressions."""
    vertices = np.concatenate([flesh[0], piece[0]])
    pieces, none = piece[1] + len(flesh[0]), np.empty((0, 3), int)
    parts = Parts(
        flesh[1], pieces, none, none, np.zeros(len(flesh[1]) + len(pieces), np.uint8), np.arange(len(flesh[0])), {},
        np.arange(0),
    )  # fmt: skip
    marks = Marks({}, (), (0.0, 0.0), (0.0, 0.0))
    still = np.zeros((52, *vertices.shape))
    return HeadSource("made", vertices, still[:0], still, parts, marks, lambda random: np.zeros(0), 0.4, 0.1, 0.0)


def test_bodies_that_overlap_are_one_solid():
    source = made_source(ball(np.zeros(3), 0.3), ball(np.array([0.3, 0.0, 0.0]), 0.1))
    solid = Solid(PosedHead(source.neutral, source))
    points = np.array([[0.25, 0, 0], [0.38, 0, 0], [0.45, 0, 0], [0, 0.31, 0], [0, -0.5, 0]])
    assert solid.inside(points).tolist() == [True, True, False, False, False]
    assert solid.distance(np.array([[0.5, 0, 0]])) == pytest.approx(0.1, abs=0.01)
    middle = source.neutral[source.faces].mean(axis=1)
    in_piece = np.linalg.norm(middle - [0.3, 0, 0], axis=1) < 0.09
    in_flesh = np.linalg.norm(middle, axis=1) < 0.28
    assert in_piece.any() and in_flesh.any() and not solid.visible[in_piece | in_flesh].any()
    assert solid.visible[middle[:, 0] < 0].all()


def test_the_default_person_is_the_mean_head():
    assert not traits.identity_weights(Traits()).any()


def test_shares_of_a_mixture_sum_to_one_in_each_block():
    random = np.random.default_rng(0)
    for _ in range(20):
        mixed = traits.mixture(traits.draw(random))
        bodies, descents = mixed[:18], mixed[18:36]
        assert bodies.sum() == pytest.approx(1) and descents.sum() == pytest.approx(1)
        assert (mixed[:36] >= 0).all() and np.abs(mixed[36:]).max() <= 2 * traits.LOCAL_SCALE


def test_people_between_two_ages_are_between_their_shapes():
    ends = [traits.mixture(Traits(age=age)) for age in (25.0, 90.0)]
    half = traits.mixture(Traits(age=57.5))
    assert np.allclose(half, (ends[0] + ends[1]) / 2)


def test_traits_that_nobody_has_are_named():
    with pytest.raises(InputError, match="trait 'nose-colour' is unknown"):
        traits.mixture(Traits(local={"nose-colour": 1.0}))
    with pytest.raises(InputError, match="age 7 is out of range; give 10 to 90"):
        traits.mixture(Traits(age=7.0))
    with pytest.raises(InputError, match="no positive sum"):
        traits.mixture(Traits(descent=(0.0, 0.0, 0.0)))


def test_every_weight_has_actions_and_both_sides_the_same_amount():
    assert list(ACTIONS) == list(ARKIT_NAMES)
    for name, actions in ACTIONS.items():
        assert name in actions and all(amount > 0 for amount in actions.values())
        if name.endswith("Left") and name.replace("Left", "Right") in ACTIONS:
            assert list(actions.values()) == list(ACTIONS[name.replace("Left", "Right")].values())


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"anny is not installed; pip install 'facetalk\[anny\]'"):
        makehuman.installed()


def test_a_head_set_has_one_source(tmp_path):
    for config in (
        head_set.HeadSetConfig(out=tmp_path),
        head_set.HeadSetConfig(out=tmp_path, ict=tmp_path, anny=True),
    ):
        with pytest.raises(InputError, match="either --ict FOLDER or --anny"):
            head_set.source(config)


needs_anny = pytest.mark.skipif(importlib.util.find_spec("anny") is None, reason="anny is not installed")


@pytest.fixture(scope="module")
def source():
    return anny.read()


@pytest.fixture(scope="module")
def mean_head(source):
    return SourceHead(Topology(source), source.mean_person)


@needs_anny
def test_the_mean_head_is_its_own_mirror_image(source):
    skin = source.neutral[source.parts.skin]
    ordered = [
        np.sort(np.round(np.linalg.norm(skin * side - [0.1, 0, 0], axis=1), 5)) for side in ([1, 1, 1], [-1, 1, 1])
    ]
    assert np.allclose(*ordered, atol=2e-5)


@needs_anny
def test_bodies_are_closed_and_wound_outward(source):
    parts = source.parts
    assert not boundary_loops(parts.flesh) and not boundary_loops(parts.pieces)
    assert volume(source.neutral, parts.flesh) > 0
    for region in (Region.TEETH, Region.SCLERA):
        assert volume(source.neutral, source.faces[parts.regions == region]) > 0


@needs_anny
def test_left_is_the_subjects_left_and_the_tongue_alone_comes_out(source):
    smile = np.abs(source.expressions[ARKIT_INDEX["mouthSmileLeft"]]).sum(axis=1)
    assert np.average(source.neutral[:, 0], weights=smile) > 0.05
    moved = np.abs(source.expressions[ARKIT_INDEX["tongueOut"]]).max(axis=1) > 0
    tongue = np.setdiff1d(source.parts.pieces[source.parts.regions[len(source.parts.flesh) :] == Region.MOUTH], [])
    assert moved.any() and np.isin(np.nonzero(moved)[0], tongue).all()


@needs_anny
def test_age_and_sex_show(source):
    heads = {name: source.unposed(traits.identity_weights(person)) for name, person in {
        "child": Traits(age=12.0), "woman": Traits(sex=0.0), "man": Traits(sex=1.0),
    }.items()}  # fmt: skip
    height = {name: np.ptp(head[source.parts.skin, 1]) / MILLIMETRE for name, head in heads.items()}
    apart = {
        name: fit_sphere(head[source.parts.eyeballs["left"]]).centre[0] / MILLIMETRE for name, head in heads.items()
    }
    assert height["child"] < height["woman"] < height["man"]
    assert apart["child"] < apart["woman"] < apart["man"]


@needs_anny
def test_eyeballs_turn_about_their_centres(mean_head):
    part = mean_head.source.parts.eyeballs["left"]
    turned = mean_head.pose(rig_weights(eyeLookOutLeft=1.0)).vertices[part]
    centre = mean_head.eyeballs["left"].centre
    arms = [np.linalg.norm(mean_head.rest.vertices[part] - centre, axis=1), np.linalg.norm(turned - centre, axis=1)]
    assert np.allclose(*arms)
    front = turned[np.linalg.norm(turned - centre, axis=1).argmax()]
    assert front[0] > centre[0] + 5 * MILLIMETRE


@needs_anny
def test_openings_are_those_of_the_other_source(source):
    from facetalk.evaluation.sources import Meter

    meter = Meter(source)
    rest, blink, sealed = meter({}), meter({"eyeBlink": 1.0}), meter({"jawOpen": 0.5, "mouthClose": 0.5})
    assert rest.lips < 0.2 and sealed.lips < 0.2 and blink.lids < 0.5 < 5 < rest.lids
    # What the meter reads on ICT's mean head, millimetres.
    assert meter({"jawOpen": 0.25}).lips == pytest.approx(9.2, rel=0.1)
    assert meter({"jawOpen": 0.5}).lips == pytest.approx(18.6, rel=0.1)
    assert meter({"mouthSmile": 1.0}).mouth_width - rest.mouth_width == pytest.approx(13.9, rel=0.2)
