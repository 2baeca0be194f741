"""Each importer on a miniature of the real layout."""

import json
from fractions import Fraction

import numpy as np
import pytest
from made_recordings import egg

from facetalk.cli.main import main
from facetalk.data import fitted
from facetalk.geometry import UNIT_MM
from facetalk.mesh import files
from facetalk.recording import importing, layout, nersemble
from facetalk.recording.importing import Wanted
from facetalk.rig import livelink
from facetalk.types import Mesh, RigCurves
from made_models import ball_head
from made_sound import hum, write


def write_egg(path, frame, unit_mm=1.0):
    """An egg as a file in numbers of `unit_mm`."""
    points = egg(frame)
    path.parent.mkdir(parents=True, exist_ok=True)
    places = (points.places / unit_mm / UNIT_MM).astype(np.float32)  # `files` writes units of head space times 250
    files.write(Mesh(places, np.zeros((0, 3), np.int32), normals=points.normals.astype(np.float32)), path)


def sound(path, seconds):
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, hum(seconds))


def bring_in(folder, name, out, **wanted):
    return [importing.take_in(found, out) for found in importing.find(folder, name, Wanted(**wanted))]


def test_scans_with_gaps(tmp_path):
    for number in (7, 8, 10):
        write_egg(tmp_path / "scans" / f"head_{number:04d}.ply", number - 7)
    sound(tmp_path / "scans" / "talk.wav", 4 / 25)
    (made,) = bring_in(tmp_path / "scans", "scans", tmp_path / "out", rate=Fraction(25), subject="anna")
    assert made.recording.folder.name == "anna_scans" and made.recording.about.frames == 4
    assert np.allclose(np.sort(made.recording.points(3).places, 0), np.sort(egg(3).places, 0), atol=0.02)
    assert made.recording.cloud_file(2) is None


def test_a_broken_scan_costs_its_frame(tmp_path):
    for number in range(3):
        write_egg(tmp_path / "scans" / f"{number:03d}.ply", number)
    (tmp_path / "scans" / "001.ply").write_bytes(b"ply\n")
    sound(tmp_path / "scans" / "talk.wav", 0.12)
    (made,) = bring_in(tmp_path / "scans", "scans", tmp_path / "out", rate=Fraction(25))
    assert list(made.lost) == [1] and "001.ply" in made.lost[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--layout", "scans"], "give --rate"),
        (["--layout", "scans", "--rate", "24.333x"], "no number"),
        (["--layout", "vocaset"], "VOCASET's sound"),
        (["--layout", "multiface"], "tracked_mesh"),
        (["--layout", "nersemble"], "participant"),
        (["--layout", "livelink"], "give --sound"),
    ],
)
def test_what_is_missing_is_asked_for(tmp_path, capsys, words, says):
    write_egg(tmp_path / "in" / "000.ply", 0)
    sound(tmp_path / "in" / "talk.wav", 0.1)
    assert main(["recording", "import", str(tmp_path / "in"), "-o", str(tmp_path / "out"), *words]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_vocaset(tmp_path):
    subject = "FaceTalk_170725_00137_TA"
    for number in (1, 2, 3):
        write_egg(
            tmp_path / "unposedcleaneddata" / subject / "sentence01" / f"sentence01.{number:06d}.ply", number, 1000
        )
    sound(tmp_path / "audio" / subject / "sentence01.wav", 3 / 60)
    (made,) = bring_in(tmp_path, "vocaset", tmp_path / "out")
    about = made.recording.about
    assert (about.subject, about.sequence, about.rate, about.frames) == (subject, "sentence01", 60, 3)
    assert np.allclose(np.sort(made.recording.points(0).places, 0), np.sort(egg(1).places, 0), atol=0.02)


def test_multiface(tmp_path):
    entity = tmp_path / "m--20180227--0000--6795937--GHS"
    for number in (231, 232, 234):
        write_egg(entity / "tracked_mesh" / "SEN_a_good_morrow" / f"{number:06d}.obj", number - 231)
        (entity / "tracked_mesh" / "SEN_a_good_morrow" / f"{number:06d}_transform.txt").write_text("1 0 0 0")
    (entity / "tracked_mesh" / "EXP_eye_wide").mkdir()
    sound(entity / "audio" / "SEN_a_good_morrow.wav", 4 / 30)
    (made,) = bring_in(entity, "multiface", tmp_path / "out")
    assert made.recording.about.rate == 30 and made.recording.about.frames == 4 and not made.lost
    assert np.allclose(np.sort(made.recording.points(3).places, 0), np.sort(egg(3).places, 0), atol=0.02)


def participant(folder, steps, native="colmap-73fps"):
    """Cameras 1.2 m before a wall at z = 0, which stands 1 mm nearer in every native frame; maps of half size."""
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[2, 3] = 1.2
    cameras = {serial: pose.tolist() for serial in ("220700191", "222200037")}
    intrinsics = [[8200.0, 0, 1100], [0, 8200.0, 1604], [0, 0, 1]]
    (folder / "calibration").mkdir(parents=True)
    text = json.dumps({"world_2_cam": cameras, "intrinsics": intrinsics})
    (folder / "calibration" / "camera_params.json").write_text(text)
    for step in steps:
        place = folder / "sequences" / "SEN-01-cramp" / f"frame_{step:05d}" / native / "depth_maps_geometric" / "16"
        place.mkdir(parents=True)
        depth = np.zeros((1604, 1100), np.float32)
        depth[400:1200:40, 300:800:40] = 1.2 - 0.001 * step
        np.savez_compressed(place / "cam_222200037.npz", depth_map=depth)
    sound(folder / "sequences" / "SEN-01-cramp" / "audio" / "audio.wav", 9 / 73)
    return folder


def test_nersemble_keeps_time_exactly(tmp_path):
    """Every third of 73 frames a second: 73/3, the first one at the middle of the first native frame."""
    folder = participant(tmp_path / "017", steps=[0, 1, 2, 3, 8])
    (made,) = bring_in(folder, "nersemble", tmp_path / "out")
    about = layout.read(made.recording.folder).about
    assert about.rate == Fraction(73, 3) and about.time(0) == Fraction(1, 146)
    assert about.time(14_600) - about.time(0) == 600
    assert about.name == "017_SEN-01-cramp" and about.frames == 2 and len(about.cameras) == 2
    for frame in range(2):
        assert np.allclose(made.recording.points(frame).places[:, 2], 3.0 * frame, atol=1e-3)
    x, y = made.recording.points(0).places[:, :2].T
    assert np.allclose(
        [x.min(), y.max()], [(300.5 * 2 - 1100) / 8200 * 1200, (1604 - 400.5 * 2) / 8200 * 1200], atol=0.01
    )


def test_every_native_frame_of_nersemble(tmp_path):
    folder = participant(tmp_path / "017", steps=[0, 1, 2])
    taken = nersemble.every_nth(folder, folder / "sequences" / "SEN-01-cramp", 1)
    assert taken.rate == 73 and sorted(taken.frames) == [0, 1, 2]


def test_pictures_without_depth_say_what_to_do(tmp_path, capsys):
    folder = participant(tmp_path / "017", steps=[])
    assert main(["recording", "import", str(folder), "--layout", "nersemble", "-o", str(tmp_path / "out")]) == 2
    assert "COLMAP" in capsys.readouterr().err


def test_a_take_becomes_training_data(tmp_path, weights):
    curves = np.zeros((60, 52), np.float32)
    curves[:, 17] = np.linspace(0, 1, 60)
    livelink.write(livelink.still(RigCurves(curves, Fraction(60))), tmp_path / "take1.csv")
    voice = sound(tmp_path / "take1.wav", 1.0)
    words = [
        "recording",
        "import",
        str(tmp_path / "take1.csv"),
        "--layout",
        "livelink",
        "-o",
        str(tmp_path / "dataset"),
    ]
    assert main([*words, "--sound", str(voice), "--subject", "anna", "--weights", str(weights)]) == 0
    found = fitted.read(tmp_path / "dataset" / "anna_take1")
    assert found.subject == "anna" and found.rate == 60
    assert np.allclose(
        found.arrays["codes"] - ball_head().rest.numpy(), found.weights @ ball_head().rig.basis.T.numpy()
    )
    jaw = found.resampled(Fraction(1), Fraction(30))[:, 17]
    assert np.allclose(jaw[:-1], ((np.arange(29) + 0.5) / 30 * 60) / 59, atol=0.01)
    sound(tmp_path / "long.wav", 3.0)
    assert main([*words, "--sound", str(tmp_path / "long.wav"), "--subject", "ben", "--weights", str(weights)]) == 2
