import numpy as np
import pytest
from solids import BOX, sphere

from facetalk.errors import InputError
from facetalk.mesh.extract import extract
from facetalk.mesh.files import read, write, write_sequence
from facetalk.mesh.grid import uniform_grid


@pytest.fixture(scope="module")
def ball():
    return extract(sphere(), uniform_grid(BOX, 12))


@pytest.mark.parametrize("suffix", [".ply", ".obj", ".PLY"])
def test_what_is_written_is_read(ball, tmp_path, suffix):
    write(ball, tmp_path / f"ball{suffix}")
    back = read(tmp_path / f"ball{suffix}")
    assert np.allclose(back.vertices, ball.vertices, atol=1e-6) and np.array_equal(back.faces, ball.faces)
    assert list(tmp_path.iterdir()) == [tmp_path / f"ball{suffix}"]


def test_polygons_become_triangles(tmp_path):
    (tmp_path / "quad.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1/1 2/2 3/3 4/4\n")
    assert read(tmp_path / "quad.obj").faces.tolist() == [[0, 1, 2], [0, 2, 3]]


def test_sequences_are_written_as_they_come(ball, tmp_path):
    paths = write_sequence(iter([ball, ball]), tmp_path / "take", ".obj")
    assert next(paths).name == "frame_00000.obj" and not (tmp_path / "take/frame_00001.obj").exists()
    assert next(paths).exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.stl", b"", "unknown mesh format"),
        ("a.ply", b"ply\n", "not a readable PLY"),
        ("b.obj", b"f 1 2", "not a readable OBJ"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said) as refusal:
        read(tmp_path / name)
    assert "\n" not in str(refusal.value)


def test_unwritable_places_are_refused(ball, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write(ball, tmp_path / "file" / "a.ply")
    with pytest.raises(InputError, match="no such mesh"):
        read(tmp_path / "absent.ply")
