"""The one place where weights are read and written: safetensors with their config and a hash of their content."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from facetalk.errors import CheckpointError

HASH_LENGTH = 16
"""Hexadecimal digits of a content hash."""
PROCESS = "RANK"
"""What launchers call the number of a process."""


@dataclass(frozen=True)
class Checkpoint:
    """Tensors with everything needed to rebuild the model they belong to."""

    kind: str
    """What the weights are: "head", "speech", "motion" …"""
    config: dict
    tensors: dict[str, Tensor]

    @property
    def hash(self) -> str:
        """Hash of kind, config and tensor bytes: equal weights have equal hashes, whatever file they came from."""
        digest = hashlib.sha256(f"{self.kind}{json.dumps(self.config, sort_keys=True)}".encode())
        for name in sorted(self.tensors):
            tensor = self.tensors[name].detach().cpu().contiguous()
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(tensor.view(-1).numpy().tobytes())
        return digest.hexdigest()[:HASH_LENGTH]


def save(checkpoint: Checkpoint, path: Path | str) -> None:
    """Write `checkpoint` beside `path`, then rename, so that no half-written file is ever seen.

    Processes that a launcher numbers write beside it under names of their own: those that train together end with the
    same weights, and may save them at once.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}{os.environ.get(PROCESS, '')}.partial")
    metadata = {"kind": checkpoint.kind, "config": json.dumps(checkpoint.config, sort_keys=True)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    partial.unlink(missing_ok=True)
    partial.touch()
    usual = partial.stat().st_mode
    safetensors.torch.save_file(tensors, partial, metadata)  # leaves a file that nobody else may read
    partial.chmod(usual)
    os.replace(partial, path)


@contextmanager
def unseeded() -> Iterator[None]:
    """For building a network whose numbers a file will replace: leaves the state of torch's random numbers alone.

    Tensors on the meta device need no numbers at all, but the first product of two makes torch import its compiler,
    which takes a second. Use that for networks that are large.
    """
    with torch.random.fork_rng(devices=[]):
        yield


def kind_of(path: Path | str) -> str | None:
    """What the weights in a file are, None where it cannot be told: `load` says why."""
    try:
        with safe_open(Path(path), "pt") as file:
            return (file.metadata() or {}).get("kind")
    except (SafetensorError, OSError):
        return None


def tensors_of(path: Path | str) -> dict[str, Tensor]:
    """Named tensors of any safetensors file, whoever wrote it.

    Raises:
        CheckpointError: it cannot be read; the line does not name the file.
    """
    try:
        return safetensors.torch.load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError("not a readable checkpoint; give a whole .safetensors file") from error


def load(path: Path | str, kind: str) -> Checkpoint:
    """Read a checkpoint of the given kind.

    Raises:
        CheckpointError: the file is missing, is no safetensors file, or holds another kind of weights.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: no such {kind} weights; give a .safetensors file written by facetalk")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a readable safetensors file ({error})") from error
    if metadata.get("kind") != kind or "config" not in metadata:
        found = metadata.get("kind", "unlabelled")
        raise CheckpointError(f"{path}: holds {found} weights, {kind} weights are needed here")
    return Checkpoint(kind, json.loads(metadata["config"]), tensors)
