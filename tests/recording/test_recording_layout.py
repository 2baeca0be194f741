import json
from fractions import Fraction

import numpy as np
import pytest
from made_recordings import RATE, camera, egg, record

from facetalk.errors import InputError
from facetalk.recording import layout, store
from facetalk.recording.layout import DESCRIPTION, Description


@pytest.mark.parametrize("unit", ["mm", "cm", "m"])
def test_what_is_written_is_read(tmp_path, unit):
    record(tmp_path, unit=unit)
    found = layout.read(tmp_path)
    assert found.about.rate == RATE and found.about.frames == 12
    assert np.allclose(found.points(3).places, egg(3).places, atol=1e-3)
    assert np.allclose(found.about.cameras[0].T_camera_world, camera().T_camera_world)


def test_ten_minutes_stay_exact():
    """At 73/3 frames a second; taken for 24.33 they would drift by 82 ms."""
    about = Description("a", "b", RATE, 14_600)
    assert about.time(14_600) - about.time(0) == 600
    assert about.time(0) == Fraction(3, 146)


def test_rounded_rates_are_refused(tmp_path):
    record(tmp_path)
    text = json.loads((tmp_path / DESCRIPTION).read_text()) | {"rate": 24.33}
    (tmp_path / DESCRIPTION).write_text(json.dumps(text))
    with pytest.raises(InputError, match=r"24\.33 is rounded"):
        layout.read(tmp_path)


def test_points_of_depth_lie_where_they_were():
    """Depth of a plane, back-projected, is that plane, and projects to the pixels it came from."""
    eye = camera()
    depth = np.full((eye.height, eye.width), 500.0)
    points = eye.back_projected(depth)
    assert np.allclose(points[:, 2], 100.0)
    column, row, far = eye.project(points).T
    assert np.allclose(far, 500) and np.allclose(np.sort(np.unique(column.round(6))), np.arange(eye.width) + 0.5)
    assert row.min() > 0 and row.max() < eye.height


def test_clouds_are_made_of_depth(tmp_path):
    recording = store.start(tmp_path, Description("a", "b", RATE, 1, unit="m", cameras=(_metres(camera()),)))
    depth = np.zeros((60, 60))
    depth[20:40, 20:40] = 512.34
    store.write_depth(recording, recording.about.cameras[0], 0, depth)
    points = layout.read(tmp_path).points(0).places
    assert len(points) == 400 and np.allclose(points[:, 2], 600 - 512.3, atol=1e-6)


def test_normals_have_length_one_or_none(tmp_path):
    """Whatever a file has: half precision, any length, holes."""
    recording = store.start(tmp_path, Description("a", "b", RATE, 1))
    given = np.array([[0.0, 0.0, 3.0], [0.6, 0.8, 0.0], [np.nan, 0.0, 1.0], [0.0, 0.0, 0.0]])
    store.write_points(recording, 0, layout.Points(np.zeros((4, 3)), given))
    found = layout.read(tmp_path).points(0).normals
    assert np.allclose(found, [[0, 0, 1], [0.6, 0.8, 0], [0, 0, 0], [0, 0, 0]], atol=1e-3)
    assert np.allclose(np.linalg.norm(found[:2], axis=1), 1, atol=1e-12)


def test_landmarks_keep_what_is_unknown(tmp_path):
    recording = record(tmp_path)
    places = np.arange(36.0).reshape(12, 3)
    places[4] = np.nan
    store.write_landmarks(recording, {"nose_tip": places})
    assert np.allclose(layout.read(tmp_path).landmarks()["nose_tip"], places, equal_nan=True)


def test_a_full_disk_leaves_nothing_half(tmp_path, monkeypatch):
    def full(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left on device"):
        store.written(tmp_path / "cloud.npz", full)
    assert not list(tmp_path.iterdir())


def _metres(eye):
    from dataclasses import replace

    T_camera_world = eye.T_camera_world.copy()
    T_camera_world[:3, 3] /= 1000
    return replace(eye, T_camera_world=T_camera_world)
