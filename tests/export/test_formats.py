"""Clips to files and back: each suffix, nothing half-written, nothing replaced unasked."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
import torch

import facetalk
import made_sound
from facetalk import export
from facetalk.errors import CheckpointError, InputError
from facetalk.export import codes
from facetalk.mesh import files
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.presenter import Presentation, View
from facetalk.pipeline.roads import Surface
from facetalk.pipeline.talker import Performing
from facetalk.rig import livelink

QUICK = Presentation(Surface(resolution=16), View(size=32))


@pytest.fixture(scope="module")
def clip(weights) -> Clip:
    return facetalk.load(weights, device="cpu").animate(made_sound.speech(0.35), performing=Performing(steps=1), seed=5)


def test_video_and_sound_are_as_long_as_the_speech(clip, tmp_path):
    clip.save(tmp_path / "a.mp4", replace(QUICK, view=replace(QUICK.view, fps="30000/1001")))
    with av.open(str(tmp_path / "a.mp4")) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert picture.average_rate == Fraction(30000, 1001) and picture.codec_context.name == "h264"
        assert sound.codec_context.name == "aac"
        frames = list(container.decode(video=0))
    assert len(frames) == 10 and (frames[0].width, frames[0].height) == (32, 32)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_saved_codes_come_back_whole(clip, tmp_path):
    clip.save(tmp_path / "a.npz", QUICK)
    back = codes.read(tmp_path / "a.npz", clip.head, export.save)
    assert torch.equal(back.codes.values, clip.codes.values) and back.codes.rate == clip.codes.rate
    assert back.origin == clip.origin and back.identity.look == clip.identity.look
    assert torch.equal(back.identity.z_id, clip.identity.z_id)
    np.testing.assert_allclose(back.speech.samples, np.clip(clip.speech.samples, -1, 1), atol=1e-4)
    assert codes.read_presentation(tmp_path / "a.npz") == QUICK


def test_the_same_clip_is_saved_in_the_same_bytes(clip, tmp_path):
    for name in ("a.npz", "b.npz"):
        clip.save(tmp_path / name, QUICK)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_codes_of_another_head_are_refused(clip, tmp_path):
    strange = replace(clip.codes, head_hash="0123456789abcdef")
    with pytest.raises(CheckpointError, match="0123456789abcdef"):
        replace(clip, codes=strange)


def test_curves_are_a_live_link_take_with_the_sway(clip, tmp_path):
    clip.save(tmp_path / "a.csv", QUICK)
    take = livelink.read(tmp_path / "a.csv")
    assert len(take.curves) == len(clip)
    np.testing.assert_allclose(take.curves.weights, clip.arkit().weights, atol=1e-5)
    assert np.abs(take.angles[:, :3]).max() > 0
    clip.save(tmp_path / "still.csv", replace(QUICK, view=replace(QUICK.view, sway=False)))
    assert not livelink.read(tmp_path / "still.csv").angles.any()


@pytest.mark.parametrize("kind", ["ply", "obj"])
def test_meshes_fill_a_folder(clip, tmp_path, kind):
    clip.save(tmp_path / "out", replace(QUICK, mesh_format=kind))
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"frame_{index:05d}.{kind}" for index in range(len(clip))]
    assert len(files.read(tmp_path / "out" / names[0]).faces) > 100
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_is_there_stays_unless_asked(clip, tmp_path):
    for name in ("a.npz", "a.csv"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(InputError, match="--overwrite"):
            clip.save(tmp_path / name, QUICK)
        assert (tmp_path / name).read_text() == "mine"
        clip.save(tmp_path / name, QUICK, overwrite=True)
        assert (tmp_path / name).stat().st_size > 100


def test_overwriting_a_folder_replaces_frames_and_nothing_else(clip, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    for name in ("notes.txt", "frame_00099.obj"):
        (folder / name).write_text("mine")
    with pytest.raises(InputError, match="--overwrite"):
        clip.save(folder, QUICK)
    clip.save(folder, QUICK, overwrite=True)
    assert (folder / "notes.txt").exists() and not (folder / "frame_00099.obj").exists()
    assert len(list(folder.glob("frame_*.ply"))) == len(clip)


def test_a_failed_writer_leaves_nothing(clip, tmp_path):
    def fail(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    for name in ("a.mp4", "out"):
        with pytest.raises(KeyboardInterrupt):
            clip.save(tmp_path / name, QUICK, watch=fail)
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_clip_are_refused(clip, tmp_path):
    (tmp_path / "text.npz").write_text("no zip")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("text.npz", "other.npz", "missing.npz"):
        with pytest.raises(InputError, match=name):
            codes.read(tmp_path / name, clip.head, export.save)
