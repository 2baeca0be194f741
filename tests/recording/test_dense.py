"""Photographs to clouds: what is given to COLMAP, and what is said where it cannot run. Fusion needs the extra."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from made_recordings import RATE
from PIL import Image
from scipy.spatial.transform import Rotation

from facetalk.cli.main import main
from facetalk.errors import InputError
from facetalk.recording import dense, layout, stage, store
from facetalk.recording.dense import DenseConfig
from facetalk.recording.layout import Description
from facetalk.recording.stage import RigConfig

RADIUS_MM = 90.0


def photographed(folder, frames=2, cameras=6):
    """A ball before the virtual rig's cameras; no cloud."""
    rig = stage.cameras(RigConfig(cameras, 96, 128), np.eye(4))
    recording = store.start(folder, Description("ball", "still", RATE, frames, cameras=rig))
    for camera in rig:
        for frame in range(frames):
            path = store.picture_file(recording, camera, frame)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (camera.width, camera.height), "gray").save(path)
    return recording


def ball(camera):
    """Depth and normals, in the camera's axes, of a ball in the middle of the rig."""
    row, column = np.mgrid[: camera.height, : camera.width]
    rays = camera.rays(np.stack([column.ravel() + 0.5, row.ravel() + 0.5], axis=1))
    square, middle = (rays**2).sum(1), rays @ camera.position
    inside = middle**2 - square * (camera.position @ camera.position - RADIUS_MM**2)
    depth = np.where(inside > 0, (-middle - np.sqrt(inside.clip(0))) / square, 0.0)
    normal = (camera.position + depth[:, None] * rays) / RADIUS_MM * (depth > 0)[:, None]
    return depth.reshape(row.shape), (normal @ camera.T_camera_world[:3, :3].T).reshape(*row.shape, 3)


def write_map(path, values):
    """COLMAP's own array: its size as text, then columns fastest, channel by channel."""
    values = values.reshape(*values.shape[:2], -1)
    head = f"{values.shape[1]}&{values.shape[0]}&{values.shape[2]}&".encode()
    path.write_bytes(head + np.moveaxis(values, 2, 0).astype("<f4").tobytes())


def test_a_workspace_says_what_cameras_see(tmp_path):
    """A point lands where the written cameras say, and each is compared with near ones that are not too near."""
    recording = photographed(tmp_path / "ball_still")
    (frame, folder), (second, _) = dense.workspaces(recording, DenseConfig(neighbours=2), tmp_path / "work")
    assert (frame, second) == (0, 1)
    cameras = [line.split() for line in (folder / "sparse" / "cameras.txt").read_text().splitlines()]
    images = [line.split() for line in (folder / "sparse" / "images.txt").read_text().splitlines()[::2]]
    point = np.array([[12.0, -30.0, 45.0]])
    for camera, lens, image in zip(recording.about.cameras, cameras, images, strict=True):
        w, x, y, z, *shift = map(float, image[1:8])
        seen = Rotation.from_quat([x, y, z, w]).apply(point[0]) + shift
        fx, fy, cx, cy = map(float, lens[4:])
        assert np.allclose([fx * seen[0] / seen[2] + cx, fy * seen[1] / seen[2] + cy], camera.project(point)[0, :2])
        assert image[8] == lens[0] and (folder / "images" / image[9]).is_file()
    wanted = (folder / "stereo" / "patch-match.cfg").read_text().splitlines()
    assert len(wanted) == 12 and all(len(partners.split(", ")) == 2 for partners in wanted[1::2])
    assert wanted[0] not in wanted[1]
    near, far = dense.depth_range(recording, DenseConfig())
    assert np.isclose(near, 700) and np.isclose(far, 1300)


def test_skew_is_refused(tmp_path):
    recording = photographed(tmp_path / "ball_still")
    recording.about.cameras[0].intrinsics[0, 1] = 5.0
    with pytest.raises(InputError, match="skew 5"):
        dense.workspaces(recording, DenseConfig(), tmp_path / "work")


def test_without_cuda_the_way_round_it_is_told(tmp_path, capsys, monkeypatch):
    """Workspaces stay, with a script; a cloud that was made elsewhere is taken in, the other frame goes on missing."""
    monkeypatch.setitem(sys.modules, "pycolmap", SimpleNamespace(has_cuda=False))
    recording = photographed(tmp_path / "ball_still")
    words = ["recording", "clouds", str(recording.folder), "--workspaces", str(tmp_path / "work")]
    assert main(words) == 2
    assert "has no CUDA" in capsys.readouterr().err and "depth_min 700" in (tmp_path / "work/stereo.sh").read_text()
    header = "ply\nformat ascii 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\nend_header"
    (tmp_path / "work" / "000000" / dense.FUSED).write_text(f"{header}\n1 2 3\n4 5 6\n")
    assert main(words) == 2
    assert np.allclose(layout.read(recording.folder).points(0).places, [[1, 2, 3], [4, 5, 6]])
    assert recording.cloud_file(1) is None


def test_colmap_is_asked_for_when_it_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycolmap", None)
    recording = photographed(tmp_path / "ball_still", frames=1)
    assert main(["recording", "clouds", str(recording.folder)]) == 2
    assert "pip install 'facetalk[stereo]'" in capsys.readouterr().err


def test_depth_is_fused_to_what_was_seen(tmp_path):
    """Depth of a ball as patch matching would leave it: COLMAP's own fusion puts the points on the ball."""
    pytest.importorskip("pycolmap")
    recording = photographed(tmp_path / "ball_still", frames=1, cameras=16)
    ((_, folder),) = dense.workspaces(recording, DenseConfig(), tmp_path / "work")
    for camera in recording.about.cameras:
        depth, normals = ball(camera)
        for kind, values in (("depth_maps", depth), ("normal_maps", normals)):
            write_map(folder / "stereo" / kind / f"{camera.name}.jpg.geometric.bin", values)
    assert main(["recording", "clouds", str(recording.folder), "--workspaces", str(tmp_path / "work")]) == 0
    off = np.abs(np.linalg.norm(recording.points(0).places, axis=1) - RADIUS_MM)
    assert len(off) > 200 and np.median(off) < 0.5 and off.max() < 3, "a pixel is three millimetres"
