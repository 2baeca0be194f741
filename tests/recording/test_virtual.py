import json
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.recording import stage
from facetalk.recording.check import check
from facetalk.recording.layout import read
from facetalk.recording.performer import Act, Performer
from facetalk.recording.stage import RigConfig, SwayConfig
from facetalk.recording.stereo import StereoConfig, TrueView, measured
from facetalk.recording.virtual import VirtualConfig, record
from facetalk.types import Mesh, RigCurves, Waveform
from made_sound import hum

RATE = Fraction(73, 3)
RADIUS = 0.4


def globe(weights: np.ndarray) -> Mesh:
    """A ball the size of a head that grows with jawOpen."""
    turn, height = np.meshgrid(np.linspace(0, 2 * np.pi, 61)[:-1], np.linspace(0.01, np.pi - 0.01, 31))
    ring = np.stack([np.sin(height) * np.cos(turn), np.cos(height), np.sin(height) * np.sin(turn)], axis=-1)
    here = np.arange(31 * 60).reshape(31, 60)
    a, b, c, d = (part.ravel() for part in (here[:-1], here[1:], np.roll(here, -1, 1)[:-1], np.roll(here, -1, 1)[1:]))
    faces = np.concatenate([np.stack([a, c, b], 1), np.stack([c, d, b], 1)]).astype(np.int32)
    return Mesh((RADIUS * (1 + 0.1 * weights[17]) * ring.reshape(-1, 3)).astype(np.float32), faces)


def act(frames: int = 6) -> Act:
    weights = np.zeros((frames, 52), np.float32)
    weights[:, 17] = np.linspace(0, 1, frames)
    return Act("grow", RigCurves(weights, RATE), Waveform(hum(frames / float(RATE))))


def shot(tmp_path, **errors):
    config = VirtualConfig(RigConfig(4, 90, 120), SwayConfig(), StereoConfig(**{"hair_mm": 0.0, **errors}), 3000)
    record(Performer("globe", globe), act(), config, tmp_path / "seen", tmp_path / "truth")
    with np.load(tmp_path / "truth" / "truth.npz") as file:
        return read(tmp_path / "seen"), dict(file)


def off_mm(recording, truth, frame):
    """Distance of a cloud from the true ball."""
    T_world_head = truth["T_world_head"][frame]
    radius = UNIT_MM * RADIUS * (1 + 0.1 * truth["weights"][frame, 17])
    return np.linalg.norm(recording.points(frame).places - T_world_head[:3, 3], axis=1) - radius


def test_without_errors_clouds_lie_on_the_truth(tmp_path):
    seen, truth = shot(tmp_path, noise_mm=0.0, outliers=0.0, holes=0.0)
    for frame in (0, 5):
        assert np.abs(off_mm(seen, truth, frame)).max() < 0.5, "facets of the globe"
    assert not check(seen).faults


def test_errors_are_as_large_as_asked_for(tmp_path):
    seen, truth = shot(tmp_path, noise_mm=0.7, outliers=0.03, holes=0.1)
    off = np.abs(off_mm(seen, truth, 2))
    assert 0.4 < 1.4826 * np.median(off) < 1.2
    assert 0.015 < (off > 6).mean() < 0.06


def test_pictures_show_what_depth_measures(tmp_path):
    """Skin is redder than the wall behind it; every camera sees the globe where its depth is."""
    config = VirtualConfig(
        RigConfig(3, 90, 120),
        SwayConfig(),
        StereoConfig(noise_mm=0.0, outliers=0.0, holes=0.0, grazing=0.01, hair_mm=0.0),
        depth=True,
        pictures=True,
    )
    seen = record(Performer("globe", globe), act(2), config, tmp_path / "seen", tmp_path / "truth")
    for camera in seen.about.cameras:
        with Image.open(tmp_path / "seen" / "images" / camera.name / "000000.jpg") as file:
            picture = np.asarray(file).astype(int)
        there = seen.depth(camera, 0) > 0
        assert 0.2 < there.mean() < 0.9
        assert ((picture[..., 0] > picture[..., 2] + 10) == there).mean() > 0.97
    assert not check(seen).faults


def wall() -> TrueView:
    """A picture full of a wall that faces the camera."""
    row, column = (axis.ravel() for axis in np.indices((200, 160)))
    none = np.zeros(row.shape, bool)
    return TrueView((200, 160), row, column, np.full(row.shape, 1000.0), np.ones(row.shape), none, none)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_holes_cover_their_share(share):
    depth = measured(wall(), StereoConfig(holes=share, outliers=0.0), np.random.default_rng(0))
    assert share <= (depth == 0).mean() < share + 0.03


def test_neighbouring_errors_hang_together():
    config = StereoConfig(noise_mm=1.0, holes=0.0, outliers=0.0, together=0.5)
    error = wall().picture(measured(wall(), config, np.random.default_rng(0))) - 1000
    alike = np.corrcoef(error[:, :-1].ravel(), error[:, 1:].ravel())[0, 1]
    assert abs(error.std() - 1) < 0.1 and 0.4 < alike < 0.55


def test_a_stopped_recording_goes_on(tmp_path):
    """Frames that are there are not measured again; what is written is what the unbroken one wrote, byte for byte."""
    shot(tmp_path / "whole")
    broken, _ = shot(tmp_path / "broken")
    kept = broken.folder / "clouds" / "000001.npz"
    for path in (tmp_path / "broken" / "truth" / "truth.npz", *(broken.folder / "clouds").glob("00000[2-5].npz")):
        path.unlink()
    before = kept.stat().st_mtime_ns
    shot(tmp_path / "broken")
    assert kept.stat().st_mtime_ns == before
    written = sorted(path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*.*"))
    assert len(written) == 10
    for path in written:
        assert (tmp_path / "whole" / path).read_bytes() == (tmp_path / "broken" / path).read_bytes(), path


def test_another_recording_is_not_gone_on_with(tmp_path):
    shot(tmp_path)
    with pytest.raises(InputError, match="remove both"):
        shot(tmp_path, noise_mm=0.5)


def test_losing_a_frame_changes_no_other(tmp_path):
    whole, _ = shot(tmp_path / "whole")
    holed, _ = shot(tmp_path / "holed", missing=0.4)
    settings = json.loads((tmp_path / "holed" / "truth" / "truth.json").read_text())
    found = check(holed)
    assert list(found.bad_frames) == settings["lost"] and 0 < len(found.bad_frames) < 6
    for frame in set(range(6)) - set(found.bad_frames):
        assert np.array_equal(whole.points(frame).places, holed.points(frame).places)


def test_the_truth_lies_apart(tmp_path):
    with pytest.raises(InputError, match="must lie apart"):
        record(Performer("globe", globe), act(), VirtualConfig(), tmp_path / "seen", tmp_path / "seen" / "truth")
    seen, truth = shot(tmp_path)
    words = (seen.folder / "recording.json").read_text()
    assert "weights" not in words and "identity" not in words and "T_world_head" not in words
    assert not list(seen.folder.rglob("*truth*"))
    assert truth["vertices"].shape == (6, 31 * 60, 3) and 0 < len(truth["material"]) < 31 * 60


def test_cameras_look_at_the_chair():
    chair = stage.chair(np.random.default_rng(3))
    made = stage.cameras(RigConfig(), chair)
    assert len(made) == 16 == len({camera.name for camera in made})
    for camera in made:
        column, row, depth = camera.project(chair[None, :3, 3])[0]
        assert np.allclose([column, row, depth], [camera.width / 2, camera.height / 2, stage.DISTANCE_MM])


def test_heads_rest_and_turn():
    """Still spans are exactly still; from frame to frame nobody jumps."""
    poses = stage.swaying(100, RATE, SwayConfig(), np.eye(4), np.random.default_rng(0))
    step = np.linalg.norm(np.diff(poses, axis=0)[:, :3, 3], axis=1)
    assert (step < 1e-9).mean() > 0.4 and 0 < step.max() < 12


def test_parts_of_takes(tmp_path):
    from facetalk.recording.performer import act as cut

    curves = RigCurves(np.linspace(0, 1, 90, dtype=np.float32)[:, None].repeat(52, 1), Fraction(30))
    part = cut("slope", curves, Waveform(hum(3.0)), RATE, 1.0, 1.0)
    assert len(part.curves) == 24 and abs(float(part.sound.duration) - 24 * 3 / 73) < 1e-3
    assert abs(part.curves.weights[0, 0] - (1.0 + 3 / 146 - 1 / 60) * 30 / 89) < 1e-3
