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


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("corners", [[[0, 1, 2], [0, 2, 3]], [[0, 1, 2, 3]], []])
def test_ply_of_other_programs_is_read(tmp_path, form, corners):
    """Any byte order, doubles, quads, colours beside the places, elements we do not know, no faces at all."""
    places = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    header = ["ply", f"format {form} 1.0", "element vertex 4", "property double x", "property double y",
              "property double z", "property uchar red", "element camera 1", "property float angle"]  # fmt: skip
    if corners:
        header += [f"element face {len(corners)}", "property list uchar uint vertex_indices"]
    if form == "ascii":
        rows = [f"{x} {y} {z} 200" for x, y, z in places] + ["0.5"]
        rows += [" ".join(map(str, [len(row), *row])) for row in corners]
        body = "\n".join(rows).encode()
    else:
        order = "<" if "little" in form else ">"
        body = (
            b"".join(np.array(p, order + "f8").tobytes() + b"\xc8" for p in places)
            + np.array(0.5, order + "f4").tobytes()
        )
        body += b"".join(bytes([len(row)]) + np.array(row, order + "u4").tobytes() for row in corners)
    (tmp_path / "a.ply").write_bytes("\n".join([*header, "end_header\n"]).encode() + body)
    mesh = read(tmp_path / "a.ply")
    assert np.allclose(mesh.vertices * 250, places)
    assert mesh.faces.tolist() == ([[0, 1, 2], [0, 2, 3]] if corners else [])


def test_a_file_that_ends_early_or_points_nowhere_is_refused(ball, tmp_path):
    write(ball, tmp_path / "a.ply")
    (tmp_path / "b.ply").write_bytes((tmp_path / "a.ply").read_bytes()[:-50])
    (tmp_path / "c.obj").write_text("v 0 0 0\nv 1 0 0\nf 1 2 9\n")
    for name in ("b.ply", "c.obj"):
        with pytest.raises(InputError, match="not a readable"):
            read(tmp_path / name)
