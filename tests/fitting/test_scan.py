import numpy as np
import pytest

from facetalk.errors import InputError
from facetalk.fitting import landmarks
from facetalk.fitting.scan import FEWEST, clean, read, roughness


def ball(count: int, seed: int = 0) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(size=(count, 3))
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def test_a_mesh_is_sampled_evenly_with_its_normals(tmp_path):
    """A large and a small triangle: points by area, whatever the number of vertices."""
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 3 0 0\nv 0 3 0\nv 0 0 1\nv 1 0 1\nv 0 1 1\nf 1 2 3\nf 4 5 6\n")
    scan = read(tmp_path / "a.obj")
    assert scan.oriented and np.allclose(scan.normals, [0, 0, 1])
    assert abs((scan.points[:, 2] < 0.5).mean() - 0.9) < 0.02


def test_bare_and_oriented_clouds(tmp_path):
    points = ball(1500)
    np.savez(tmp_path / "a.npz", points=points)
    bare = read(tmp_path / "a.npz")
    assert not bare.oriented
    assert np.median(np.abs((bare.normals * bare.points).sum(axis=1))) > 0.99
    np.savez(tmp_path / "b.npz", points=points, normals=2 * points)
    oriented = read(tmp_path / "b.npz")
    assert oriented.oriented and np.allclose(oriented.normals, oriented.points)


def test_lone_points_go_and_sparse_places_stay():
    dense, sparse = ball(3000), ball(400, 1) * 3
    litter = np.random.default_rng(2).uniform(-8, 8, (300, 3))
    scan = clean(np.concatenate([dense, sparse, litter]), None)
    size = np.linalg.norm(scan.points, axis=1)
    assert (size < 1.01).sum() >= 2990 and (np.abs(size - 3) < 0.01).sum() > 300
    assert scan.lonely > 250


def test_roughness_is_the_noise():
    points, random = 100 * ball(8000), np.random.default_rng(1)
    assert roughness(points) < 0.5 < 3 < roughness(points + random.normal(size=points.shape) * 5) < 6


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.ply", b"Dear diary,", "not a readable PLY"),
        ("a.obj", b"nothing here", "not a readable OBJ"),
        ("a.npz", b"nothing here", "not a readable scan"),
        ("a.txt", b"1 2 3", "no scan"),
        ("b.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "3 points are too few"),
        ("c.obj", b"v 0 0 0\nv 1 nan 0\nv 0 1 0\n", "1 of 3 points are not finite"),
        ("d.obj", b"v 0 0 0\nv 0 0 0\nv 0 0 0\nf 1 2 3\n", "no area"),
        ("e.ply", b"ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\nproperty float z\n"
         b"end_header\n", "0 points are too few"),
    ],
)  # fmt: skip
def test_what_is_no_scan_is_refused_in_one_line(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said) as refusal:
        read(tmp_path / name)
    assert "\n" not in str(refusal.value) and name in str(refusal.value)


def test_arrays_of_a_wrong_kind_are_refused(tmp_path):
    corners = np.array([[0, 1, 999]])
    wrong = [{"vertices": ball(9)}, {"points": np.zeros((0, 3))}, {"points": np.array(["a"])},
             {"points": ball(FEWEST), "faces": corners}]  # fmt: skip
    for number, arrays in enumerate(wrong):
        np.savez(tmp_path / f"{number}.npz", **arrays)
        with pytest.raises(InputError):
            read(tmp_path / f"{number}.npz")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1, 2]", "not landmarks"),
        ('{"moustache": [0, 0, 0]}', "moustache"),
        ('{"nose_tip": [0, 0]}', "nose_tip"),
        ('{"nose_tip": [0, 0, 0], "chin": [0, 1, 0]}', "leave the pose open"),
        ('{"nose_tip": [0, 0, 0], "chin": [0, 1, 0], "crown": [0, 2, 0]}', "leave the pose open"),
    ],
)
def test_landmarks_that_say_too_little_are_refused(tmp_path, text, said):
    (tmp_path / "marks.json").write_text(text)
    with pytest.raises(InputError, match=said):
        landmarks.read(tmp_path / "marks.json")
