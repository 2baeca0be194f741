"""Landmark files: what is read, and what is refused in one line."""

from fractions import Fraction

import numpy as np
import pytest

import made_faces
from facetalk.errors import InputError
from facetalk.landmarks import files
from facetalk.landmarks.files import Reading
from facetalk.landmarks.points import Landmarks

PLACES = made_faces.places(made_faces.performance(12), axes=2)[:, :68]


def saved(folder, array, name="face.npy"):
    np.save(folder / name, array)
    return folder / name


def table(folder, lines):
    (folder / "face.csv").write_text("\n".join(lines) + "\n")
    return folder / "face.csv"


def row(frame: np.ndarray) -> str:
    return ",".join("" if np.isnan(number) else f"{number:.6f}" for number in frame.ravel())


def test_arrays_and_rows_hold_the_same(tmp_path):
    block = files.read(saved(tmp_path, PLACES)).places
    flat = files.read(saved(tmp_path, PLACES.reshape(12, -1))).places
    rows = files.read(table(tmp_path, [row(frame) for frame in PLACES])).places
    headed = files.read(table(tmp_path, ["a" + ",a" * 135, *map(row, PLACES)])).places
    np.testing.assert_array_equal(block, flat)
    np.testing.assert_allclose(rows, block, atol=1e-5)
    np.testing.assert_array_equal(headed, rows)
    np.testing.assert_array_equal(block[:, :68], PLACES)
    assert np.isnan(block[:, 68:]).all()


def test_columns_are_found_by_name_with_rate_and_lost_frames(tmp_path):
    names = ["frame", "timestamp", "success", *(f"x_{i}" for i in range(68)), *(f"y_{i}" for i in range(68))]
    lines = [",".join(names)]
    for number, frame in enumerate(PLACES):
        lines.append(",".join([str(number), f"{number * 0.04:.3f}", str(int(number != 3)), row(frame.T)]))
    read = files.read(table(tmp_path, lines))
    assert read.rate == 25
    assert np.isnan(read.places[3]).all()
    np.testing.assert_allclose(read.places[4, :68], PLACES[4], atol=1e-5)


def test_three_axes_are_preferred_where_they_are_named(tmp_path):
    names = [f"{axis}_{i}" for axis in "xyXYZ" for i in range(68)]
    lines = [",".join(names), ",".join(str(number) for number in range(5 * 68))]
    assert files.read(table(tmp_path, lines)).places[0, 1, :].tolist() == [137, 205, 273]


def test_empty_cells_and_one_place_for_all_are_unseen(tmp_path):
    places = PLACES.copy()
    places[2, 7] = np.nan
    places[5] = 0.0
    read = files.read(table(tmp_path, [row(frame) for frame in places])).places
    assert np.isnan(read[2, 7]).all() and np.isfinite(read[2, 8]).all() and np.isnan(read[5]).all()


def test_the_rate_asked_for_goes_before_the_files(tmp_path):
    assert files.read(saved(tmp_path, PLACES)).rate == 30
    assert files.read(saved(tmp_path, PLACES), Reading(rate=Fraction(50))).rate == 50


def test_shares_of_a_picture_need_its_shape(tmp_path):
    path = saved(tmp_path, PLACES / [1600, 900])
    with pytest.raises(InputError, match="--landmarks-aspect"):
        files.read(path)
    read = files.read(path, Reading(aspect=files.parse_aspect("16:9"))).places[:, :68]
    np.testing.assert_allclose(read * 900, PLACES)


@pytest.mark.parametrize("text", ["16:0", "wide", "", "-2", "4:3:2"])
def test_shapes_of_no_picture_are_refused(text):
    with pytest.raises(InputError, match="give width:height"):
        files.parse_aspect(text)


BAD = {
    "67 points": (PLACES[:, :67], "67 points"),
    "no frames": (PLACES[:0], "no frames"),
    "nothing seen": (np.full_like(PLACES, np.nan), "no landmark in any of 12"),
    "flat": (PLACES[:, :, 0], "12×68"),
    "text": (np.array(["a"]), "no readable array"),
    "a scalar": (np.array(3.0), "array of"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arrays_are_refused(name, tmp_path):
    array, said = BAD[name]
    with pytest.raises(InputError, match=said):
        files.read(saved(tmp_path, array))


BAD_TABLES = {
    "empty": ([""], "no frames"),
    "short row": ([row(PLACES[0]), "1,2"], "row 2 has 2 cells"),
    "words": ([row(PLACES[0]), ",".join(["x1x"] * 136)], "row 2"),
    "135 numbers": ([",".join(["1"] * 135)], "135 numbers a row"),
    "missing columns": (["x_0,x_1,y_0", "1,2,3"], "not all there"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_are_refused(name, tmp_path):
    lines, said = BAD_TABLES[name]
    with pytest.raises(InputError, match=said):
        files.read(table(tmp_path, lines))


def test_other_kinds_of_files_are_refused(tmp_path):
    for name, said in (("none.npy", "no such file"), (".", "folder")):
        with pytest.raises(InputError, match=said):
            files.read(tmp_path / name)
    (tmp_path / "a.txt").touch()
    with pytest.raises(InputError, match="no kind of landmarks"):
        files.read(tmp_path / "a.txt")


def gapped(frames: int, gap: slice) -> Landmarks:
    places = np.random.default_rng(0).random((frames, 70, 2))
    places[gap] = np.nan
    return Landmarks(places, Fraction(25))


def test_only_short_gaps_are_bridged():
    assert files.longest_gap(gapped(50, slice(0, 0))) == (0, 0)
    assert files.longest_gap(gapped(50, slice(40, 50))) == (40, 10)
    files.check_gaps(gapped(80, slice(20, 45)), "face")
    with pytest.raises(InputError, match=r"face: frames 20 to 45 \(1.0 s\) hold no landmarks"):
        files.check_gaps(gapped(80, slice(20, 46)), "face")


def test_sound_of_another_length_tells_the_rate():
    landmarks = gapped(250, slice(0, 0))
    files.check_duration(landmarks, Fraction(10), "face")
    with pytest.raises(InputError, match="for example 50"):
        files.check_duration(landmarks, Fraction(5), "face")
