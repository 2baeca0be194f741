from fractions import Fraction

import numpy as np
import pytest

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.errors import InputError
from facetalk.rig import livelink
from facetalk.types import RigCurves


def made_take(frames: int = 75, rate: Fraction = Fraction(30)) -> livelink.Take:
    generator = np.random.default_rng(0)
    return livelink.Take(RigCurves(generator.random((frames, 52)), rate), generator.normal(size=(frames, 9)))


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(30), Fraction(60)])
@pytest.mark.parametrize("frames", [1, 2, 10, 200])
def test_a_written_take_reads_back(tmp_path, rate, frames):
    take = made_take(frames, rate)
    livelink.write(take, tmp_path / "take.csv")
    back = livelink.read(tmp_path / "take.csv", rate if frames == 1 else None)
    assert back.curves.rate == rate
    assert np.abs(back.curves.weights - take.curves.weights).max() < 1e-2 / 30
    assert np.abs(back.angles - take.angles).max() < 1e-2


def test_the_layout_is_the_apps(tmp_path):
    livelink.write(made_take(40), tmp_path / "take.csv")
    header, *rows = (tmp_path / "take.csv").read_text().splitlines()
    columns = header.split(",")
    assert len(columns) == 63 and columns[:3] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft"]
    assert {name.lower() for name in ARKIT_NAMES} < {column.lower() for column in columns}
    assert rows[31].startswith("00:00:01:02.000,61,")
    assert [path.name for path in tmp_path.iterdir()] == ["take.csv"]


def rewrite(path, change):
    lines = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("\n".join(",".join(cells) for cells in change(lines)))


def test_columns_are_found_by_name_in_any_order_and_capitals(tmp_path):
    path = tmp_path / "take.csv"
    livelink.write(made_take(), path)
    expected = livelink.read(path)
    rewrite(
        path, lambda lines: [[cells[0].lower() if not i else cells[0], *cells[:0:-1]] for i, cells in enumerate(lines)]
    )
    assert np.allclose(livelink.read(path).curves.weights, expected.curves.weights)


def test_a_lost_face_is_bridged(tmp_path):
    path = tmp_path / "take.csv"
    take = made_take(90)
    take.curves.weights[:, 0] = np.linspace(0, 0.9, 90)
    livelink.write(take, path)
    rewrite(path, lambda lines: [[*c[:1], "0", *[""] * 61] if 30 < i < 34 else c for i, c in enumerate(lines)])
    back = livelink.read(path)
    assert len(back.curves) == 90
    assert np.abs(back.curves.weights[:, 0] - take.curves.weights[:, 0]).max() < 1e-3


@pytest.mark.parametrize("base", [24, 30, 60])
def test_timecodes_of_another_base_and_across_midnight(tmp_path, base):
    path = tmp_path / "take.csv"
    livelink.write(made_take(base * 2, Fraction(base)), path)
    stamp = [f"{'23:59:59' if i < base else '00:00:00'}:{i % base:02d}.000" for i in range(base * 2)]
    rewrite(path, lambda lines: [lines[0], *([stamp[i], *c[1:]] for i, c in enumerate(lines[1:]))])
    back = livelink.read(path)
    assert back.curves.rate == base and len(back.curves) == base * 2


def spoil(line, place, text):
    return lambda lines: [[*c[:place], text, *c[place + 1 :]] if i == line else c for i, c in enumerate(lines)]


BAD = {
    "not a take": (lambda lines: [["a", "b"], ["1", "2"]], "Timecode"),
    "empty": (lambda lines: [], "Timecode"),
    "header only": (lambda lines: lines[:1], "no tracked frame"),
    "shape missing": (spoil(0, 10, "Nothing"), "missing"),
    "text for a number": (spoil(5, 10, "abc"), "line 6"),
    "not a number": (spoil(5, 10, "nan"), "line 6"),
    "short row": (lambda lines: [*lines[:5], lines[5][:20]], "line 6"),
    "timecode": (spoil(5, 0, "12.5"), "line 6"),
    "time stands": (spoil(5, 0, "00:00:00:00.000"), "line 6"),
    "percent": (spoil(5, 10, "87"), "line 6"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_in_one_line(tmp_path, name):
    change, said = BAD[name]
    path = tmp_path / "take.csv"
    livelink.write(made_take(), path)
    rewrite(path, change)
    with pytest.raises(InputError, match=said) as caught:
        livelink.read(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_missing_binary_and_unwritable_files(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        livelink.read(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81" * 50)
    with pytest.raises(InputError, match="no text table"):
        livelink.read(tmp_path / "binary.csv")
    with pytest.raises(InputError, match="cannot be written"):
        livelink.write(made_take(), tmp_path / "no" / "take.csv")


def test_a_still_take_keeps_its_weights():
    take = made_take()
    assert livelink.still(take.curves).curves is take.curves
    assert not livelink.still(take.curves).angles.any()
    assert ARKIT_INDEX["jawOpen"] == 17
