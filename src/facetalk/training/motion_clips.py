"""Performances with their speech features, as one block of frames; packed into shards for another machine."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from jaxtyping import Float, Int
from safetensors import safe_open
from torch import Tensor

from facetalk.arkit import ARKIT_INDEX, ARKIT_NAMES
from facetalk.errors import InputError

SHARD_BYTES = 14 * 2**20
"""Largest size of a packed shard."""
MIRRORED: tuple[int, ...] = tuple(
    ARKIT_INDEX[
        name.replace("Left", "\0").replace("Right", "Left").replace("\0", "Right")  # swap the sides
    ]
    for name in ARKIT_NAMES
)
"""Where each ARKit weight comes from in a mirrored face."""


@dataclass(frozen=True)
class MotionClips:
    """Clips one after another: weights and features of the same frames."""

    names: tuple[str, ...]
    lengths: Int[Tensor, " clip"]
    weights: Float[Tensor, "frame 52"]
    """ARKit weights, half precision."""
    features: Float[Tensor, "frame feature"]
    """Speech features, half precision."""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def firsts(self) -> Int[Tensor, " clip"]:
        """Number of the first frame of each clip."""
        return torch.cumsum(self.lengths, 0) - self.lengths

    def clip(self, index: int) -> tuple[Float[Tensor, "frame 52"], Float[Tensor, "frame feature"]]:
        """Weights and features of one clip, single precision."""
        first, length = int(self.firsts[index]), int(self.lengths[index])
        return self.weights[first : first + length].float(), self.features[first : first + length].float()

    def to(self, device: torch.device) -> "MotionClips":
        """The same on another device."""
        tensors = (tensor.to(device) for tensor in (self.lengths, self.weights, self.features))
        return MotionClips(self.names, *tensors)


@dataclass(frozen=True)
class Crops:
    """Crops of equal length out of clips, drawn uniformly over every place where one fits."""

    clips: MotionClips
    frames: int
    """Length of a crop."""
    margin: int
    """Extra feature frames on each side; beyond a clip its end is repeated."""

    @property
    def ends(self) -> Int[Tensor, " clip"]:
        """Number of crops in this clip and all before it; clips shorter than a crop hold none."""
        return torch.cumsum((self.clips.lengths - self.frames + 1).clamp(min=0), 0)

    def draw(
        self, count: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, "crop frame 52"], Float[Tensor, "crop heard feature"]]:
        """Weights, and features with the margin."""
        ends = self.ends
        place = torch.randint(int(ends[-1]), (count,), generator=generator).to(ends.device)
        clip = torch.searchsorted(ends, place, right=True)
        offset = place - torch.where(clip > 0, ends[clip - 1], 0)
        first, last = self.clips.firsts[clip], (self.clips.firsts + self.clips.lengths - 1)[clip]
        frames = (first + offset)[:, None] + torch.arange(self.frames, device=ends.device)
        heard = (first + offset)[:, None] + torch.arange(-self.margin, self.frames + self.margin, device=ends.device)
        heard = heard.clamp(first[:, None], last[:, None])
        return self.clips.weights[frames].float(), self.clips.features[heard].float()


def read_performances(performances: Path, features: Path, splits: Sequence[str]) -> MotionClips:
    """Clips of a performance folder with the features cached in another.

    Args:
        performances: index.jsonl and `<id>.npz` with `weights`, as `facetalk data performances` writes them.
        features: `<id>.npy`, one row for each frame.
        splits: which of the index's splits to take.

    Raises:
        InputError: no clip, a clip without features, or another number of frames than its features have.
    """
    rows = [json.loads(line) for line in (performances / "index.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["split"] in splits]
    if not rows:
        raise InputError(f"{performances}: no clip of split {', '.join(splits)}; see the splits in its index.jsonl")
    pairs = [_read_clip(performances, features, row["id"]) for row in rows]
    lengths = torch.tensor([len(weights) for weights, _ in pairs])
    weights, heard = (torch.from_numpy(np.concatenate(column)) for column in zip(*pairs, strict=True))
    return MotionClips(tuple(row["id"] for row in rows), lengths, weights, heard)


def _read_clip(performances: Path, features: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    path = features / f"{name}.npy"
    if not path.exists():
        raise InputError(f"{path}: no speech features of this clip; write them first (recipes/motion.md)")
    with np.load(performances / f"{name}.npz") as file:
        weights = file["weights"].astype(np.float16)
    heard = np.load(path).astype(np.float16)
    # A capture may stop a frame before its sound does.
    heard = heard[:-1] if len(heard) == len(weights) + 1 else heard
    if len(heard) != len(weights):
        raise InputError(f"{path}: {len(heard)} frames of features for {len(weights)} of motion; write them again")
    return weights, heard


def join(parts: Sequence[MotionClips]) -> MotionClips:
    """Several sets as one."""
    tensors = (torch.cat([getattr(part, name) for part in parts]) for name in ("lengths", "weights", "features"))
    return MotionClips(tuple(name for part in parts for name in part.names), *tensors)


def pack(clips: MotionClips, folder: Path) -> list[Path]:
    """Write clips as shards of at most `SHARD_BYTES`, whole clips each, in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, (begin, end) in enumerate(_shares(clips)):
        frames = slice(int(clips.firsts[begin]), int(clips.firsts[end - 1] + clips.lengths[end - 1]))
        tensors = {
            "lengths": clips.lengths[begin:end].contiguous(),
            "weights": clips.weights[frames].half().contiguous(),
            "features": clips.features[frames].half().contiguous(),
        }
        paths.append(folder / f"shard-{number:03d}.safetensors")
        safetensors.torch.save_file(tensors, paths[-1], {"names": json.dumps(clips.names[begin:end])})
    return paths


def unpack(folder: Path) -> MotionClips:
    """Read what `pack` wrote.

    Raises:
        InputError: no shard in the folder.
    """
    paths = sorted(folder.glob("shard-*.safetensors"))
    if not paths:
        raise InputError(f"{folder}: holds no shard-*.safetensors; pack performances first (recipes/motion.md)")
    names, columns = [], {"lengths": [], "weights": [], "features": []}
    for path in paths:
        with safe_open(path, "pt") as file:
            names += json.loads((file.metadata() or {})["names"])
            for key, column in columns.items():
                column.append(file.get_tensor(key))
    return MotionClips(tuple(names), *(torch.cat(column) for column in columns.values()))


def _shares(clips: MotionClips) -> Iterator[tuple[int, int]]:
    """First and past-the-last clip of each shard."""
    bytes_per_frame = 2 * (clips.weights.shape[1] + clips.features.shape[1])
    begin, size = 0, 0
    for index, length in enumerate(clips.lengths.tolist()):
        if size and size + length * bytes_per_frame > SHARD_BYTES:
            yield begin, index
            begin, size = index, 0
        size += length * bytes_per_frame
    yield begin, len(clips)
