import json

import numpy as np
import pytest
from made_recordings import camera, egg, record

from facetalk.cli.main import main
from facetalk.recording import layout, store
from facetalk.recording.check import check, spans
from facetalk.recording.layout import DESCRIPTION, Points
from facetalk.types import Waveform
from made_sound import hum


def changed(folder, **entries):
    found = json.loads((folder / DESCRIPTION).read_text()) | entries
    (folder / DESCRIPTION).write_text(json.dumps(found))


def frame_file(folder, frame):
    return folder / "clouds" / f"{frame:06d}.npz"


def lose_frames(folder):
    frame_file(folder, 3).unlink()
    frame_file(folder, 4).unlink()


def put_nan(folder):
    points = egg(5)
    points.places[7] = np.nan
    store.write_points(layout.read(folder), 5, points)


def cut_a_file(folder):
    frame_file(folder, 6).write_bytes(frame_file(folder, 6).read_bytes()[:900])


def swap_units(folder):
    recording = layout.read(folder)
    store.write_points(recording, 2, Points(egg(2).places / 10))


def thin_out(folder):
    store.write_points(layout.read(folder), 1, egg(1, 50))


def move_away(folder):
    store.write_points(layout.read(folder), 8, Points(egg(8).places + np.array([0, 900, 0])))


@pytest.mark.parametrize(
    ("damage", "kind", "frames"),
    [
        (lose_frames, "missing frames", (3, 4)),
        (put_nan, "NaN points", (5,)),
        (cut_a_file, "unreadable frames", (6,)),
        (swap_units, "swapped units", (2,)),
        (thin_out, "too few points", (1,)),
        (move_away, "other scene", (8,)),
    ],
)
def test_bad_frames_are_named(tmp_path, damage, kind, frames):
    record(tmp_path)
    assert check(layout.read(tmp_path)).faults == ()
    damage(tmp_path)
    found = check(layout.read(tmp_path))
    assert [(fault.kind, fault.frames) for fault in found.faults] == [(kind, frames)]
    assert found.usable and found.bad_frames == frames


def silence(folder):
    store.write_audio(layout.read(folder), Waveform(np.zeros(8000, np.float32)))


def remove_sound(folder):
    (folder / "audio.wav").unlink()


def wrong_rate(folder):
    store.write_audio(layout.read(folder), Waveform(hum(120 * 3 / 73)))
    changed(folder, frames=120, rate="30")


def wrong_unit(folder):
    changed(folder, unit="cm")


def lose_most(folder):
    for frame in range(7):
        frame_file(folder, frame).unlink()


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (silence, "blank sound"),
        (remove_sound, "no sound"),
        (wrong_rate, "wrong rate"),
        (wrong_unit, "wrong unit"),
        (lose_most, "too few frames"),
    ],
)
def test_what_cannot_be_used_ends_with_2(tmp_path, capsys, damage, kind):
    record(tmp_path)
    damage(tmp_path)
    assert main(["recording", "check", str(tmp_path), "--json"]) == 2
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert not report["usable"] and kind in [fault["kind"] for fault in report["faults"] if fault["fatal"]]
    assert kind in err and len(err.strip().splitlines()) == 1


def test_the_likelier_rate_is_named(tmp_path):
    record(tmp_path)
    wrong_rate(tmp_path)
    says = next(fault.says for fault in check(layout.read(tmp_path)).faults if fault.kind == "wrong rate")
    assert "at 73/3 they would agree" in says


def test_a_camera_gone_is_named(tmp_path):
    recording = record(tmp_path)
    changed(tmp_path, cameras=[camera(name).to_json() for name in ("cam_0", "cam_1")])
    for frame in range(12):
        if frame != 9:
            store.write_depth(recording, camera("cam_0"), frame, np.ones((60, 60)))
    says = [fault.says for fault in check(layout.read(tmp_path)).faults if fault.kind == "camera gone"]
    assert says == ["depth/cam_0 has no frames 9", "depth/cam_1 is missing, of 2 calibrated cameras"]


def test_a_camera_of_another_world_is_named(tmp_path):
    record(tmp_path)
    turned = camera().to_json() | {"T_camera_world": np.eye(4).tolist()}
    turned["T_camera_world"][2][3] = -5000.0
    changed(tmp_path, cameras=[turned])
    assert [fault.kind for fault in check(layout.read(tmp_path)).faults] == ["camera astray"]


def test_a_good_recording_ends_with_0(tmp_path, capsys):
    record(tmp_path)
    assert main(["recording", "check", str(tmp_path)]) == 0
    assert "12 of 12 frames good, 73/3 a second" in capsys.readouterr().out


def test_spans():
    assert spans([7, 3, 8, 9]) == "3, 7–9"
