"""Weights on disk."""

import torch

from facetalk import checkpoint
from facetalk.checkpoint import Checkpoint

WEIGHTS = Checkpoint("kind", {"size": 2}, {"numbers": torch.arange(4.0)})


def test_weights_may_be_read_by_whoever_may_read_other_new_files(tmp_path):
    other = tmp_path / "other"
    other.touch()
    for _ in range(2):
        checkpoint.save(WEIGHTS, tmp_path / "weights.safetensors")
        assert (tmp_path / "weights.safetensors").stat().st_mode == other.stat().st_mode
    assert checkpoint.load(tmp_path / "weights.safetensors", "kind").hash == WEIGHTS.hash


def test_numbered_processes_write_under_names_of_their_own(tmp_path, monkeypatch):
    path, moved = tmp_path / "weights.safetensors", []
    monkeypatch.setattr(checkpoint.os, "replace", lambda partial, to: moved.append(partial.name))
    for place in ("0", "1"):
        monkeypatch.setenv(checkpoint.PROCESS, place)
        checkpoint.save(WEIGHTS, path)
    assert len(set(moved)) == 2 and not path.exists()
