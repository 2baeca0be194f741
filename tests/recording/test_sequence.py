import json
import multiprocessing
import shutil
import sys

import numpy as np
import pytest
import torch
from recorded_balls import contents, record, shift

from facetalk.cli.main import main
from facetalk.data import fitted
from facetalk.errors import InputError
from facetalk.recording import batch, sequence
from facetalk.recording.blend import joined
from facetalk.recording.layout import read
from facetalk.recording.newton import FastConfig
from facetalk.recording.sequence import Job, SequenceConfig, starts
from facetalk.recording.states import State
from made_models import ball_head

QUICK = SequenceConfig(FastConfig(points=80, last_points=80, rounds=2, first_rounds=3))


@pytest.fixture(scope="module", autouse=True)
def coarse_lattices():
    """A ball is smooth."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facetalk.fitting.guide.STEP", 0.04)
        patch.setattr("facetalk.recording.problem.CELL", 0.03)
        yield


@pytest.mark.parametrize(("frames", "expected"), [(5, [0]), (10, [0]), (11, [0, 8]), (26, [0, 8, 16])])
def test_windows_overlap_and_reach_the_end(frames, expected):
    assert starts(frames, 10, 2) == expected
    covered = {frame for start in expected for frame in range(start, min(start + 10, frames))}
    assert covered == set(range(frames))


def test_equal_windows_join_to_themselves():
    whole = State(np.random.default_rng(0).uniform(size=(14, 52)), np.tile(np.eye(4), (14, 1, 1)), np.zeros((14, 60)))
    parts = [whole.rows(slice(0, 10)), whole.rows(slice(8, 14))]
    assert np.allclose(joined(parts, [0, 8]).weights, whole.weights)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A sequence with a missing frame, fitted in one go."""
    folder = tmp_path_factory.mktemp("ball")
    record(folder / "recording")
    return folder / "recording", fit(folder / "recording", folder / "dataset")


def fit(recording, dataset, watch=lambda done, of: None):
    head = ball_head()
    return sequence.fit(Job(recording, dataset, QUICK), head, torch.zeros(head.config.layout.size), watch)


def test_a_folder_for_training(unbroken):
    found = fitted.read(unbroken[1])
    assert found.name == "ball_slide" and found.rate == read(unbroken[0]).about.rate and len(found.weights) == 14
    flags = found.arrays["flags"].tolist()
    assert {frame: flag for frame, flag in enumerate(flags) if flag} == {5: "not measured"}, found.arrays["residual_mm"]
    assert found.quality[5] == 0 and found.quality[4] > 0.8
    assert np.nanmedian(found.arrays["residual_mm"]) < 1.0
    middle = np.array([-np.linalg.inv(T[:3, :3]) @ T[:3, 3] for T in found.arrays["T_head_world"]])
    assert np.abs(middle - [shift(frame) for frame in range(14)]).max() < 3
    assert not (unbroken[1].parent / ".work" / "ball_slide").exists()


def test_a_killed_job_goes_on_to_the_same_bytes(unbroken, tmp_path):
    """Killed in the middle of a window, with half a file beside its place."""

    def killed(done, of):
        if done == 1:
            (half,) = tmp_path.glob(".work/*")
            (half / ".window_00009.partial.npz").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(unbroken[0], tmp_path, killed)
    assert not (tmp_path / "ball_slide").exists()
    done: list[int] = []
    fit(unbroken[0], tmp_path, lambda number, of: done.append(number))
    assert contents(tmp_path / "ball_slide") == contents(unbroken[1])
    assert fit(unbroken[0], tmp_path) == tmp_path / "ball_slide", "what is done is done"


def test_kill_9_at_random_moments_loses_nothing(unbroken, tmp_path):
    """Again and again, wherever it is; the last run goes to the end."""
    context, random = multiprocessing.get_context("fork"), np.random.default_rng(5)
    for moment in random.uniform(0.0, 1.0, 2):
        process = context.Process(target=fit, args=(unbroken[0], tmp_path))
        process.start()
        process.join(moment)
        process.kill()
        process.join()
    fit(unbroken[0], tmp_path)
    assert contents(tmp_path / "ball_slide") == contents(unbroken[1])


def test_a_full_disk_loses_nothing(unbroken, tmp_path, monkeypatch):
    """The window that found no room is made again once there is some."""
    write, done = np.savez, []

    def full(path, **arrays):
        done.append(path)
        if len(done) == 3:
            raise OSError(28, "No space left on device")
        write(path, **arrays)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(InputError, match="No space left on device"):
        fit(unbroken[0], tmp_path)
    monkeypatch.undo()
    fit(unbroken[0], tmp_path)
    assert contents(tmp_path / "ball_slide") == contents(unbroken[1])


def test_other_settings_are_refused(unbroken, tmp_path):
    shutil.copytree(unbroken[1], tmp_path / "ball_slide")
    head = ball_head()
    with pytest.raises(InputError, match="fitted by other settings"):
        sequence.fit(Job(unbroken[0], tmp_path, SequenceConfig()), head, torch.zeros(head.config.layout.size))


def test_two_processes_write_the_same_bytes(tmp_path, weights, monkeypatch):
    for name in ("one", "two"):
        record(tmp_path / "recordings" / name, name, frames=4, lost=())
    person = tmp_path / "person.npz"
    np.savez(person, z_id=np.zeros(ball_head().config.layout.size, np.float32))
    for workers in (1, 2):
        tasks = [
            batch.Task(Job(folder, tmp_path / str(workers), QUICK), weights / "head.safetensors", str(person), False)
            for folder in batch.found([tmp_path / "recordings"])
        ]
        assert all(outcome.made for outcome in batch.run(tasks, workers))
    assert contents(tmp_path / "1") == contents(tmp_path / "2") != {}


def test_the_command_fits_what_it_can(tmp_path, weights, capsys, monkeypatch):
    """A silent recording is refused, the other one is fitted, shown and turned into training data."""
    monkeypatch.setattr("facetalk.cli.recording.SOLVERS", {"fast": QUICK.solver})
    monkeypatch.setattr("facetalk.recording.preview.EVERY", 4)
    record(tmp_path / "recordings" / "good", frames=4, lost=())
    record(tmp_path / "recordings" / "silent", "silent", frames=4, lost=())
    (tmp_path / "recordings" / "silent" / "audio.wav").unlink()
    person = tmp_path / "person.npz"
    np.savez(person, z_id=np.zeros(ball_head().config.layout.size, np.float32))
    words = ["recording", "fit", str(tmp_path / "recordings"), "-o", str(tmp_path / "dataset"), "--json"]
    assert main([*words, "--identity", str(person), "--weights", str(weights)]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["refused"] == 1 and "no sound" in err
    made = tmp_path / "dataset" / "ball_slide"
    assert {path.name for path in made.iterdir()} == {"audio.wav", "codes.npz", "report.json", "preview.mp4"}
    words = ["data", "recordings", "--dataset", str(tmp_path / "dataset"), "--output", str(tmp_path / "set"), "--json"]
    assert main(words) == 0 and json.loads(capsys.readouterr().out) == {"clips": 1, "frames": 5}


def test_ray_is_asked_for_when_it_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    record(tmp_path / "good", frames=4, lost=())
    words = ["recording", "fit", str(tmp_path / "good"), "-o", str(tmp_path / "dataset"), "--ray", "auto"]
    assert main(words) == 2
    assert "pip install 'facetalk[ray]'" in capsys.readouterr().err
