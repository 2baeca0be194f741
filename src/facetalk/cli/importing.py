"""`facetalk head import`: weights that others trained and published."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from tyro.conf import Positional

from facetalk.cli.command import Out, ReportingJob
from facetalk.errors import InputError
from facetalk.export.place import check_place
from facetalk.head import published
from facetalk.head.anatomy import ANCHORS


@dataclass(frozen=True, kw_only=True)
class Import(ReportingJob):
    """Turn a published backward NPHM checkpoint into a head for --head.

    Such a head has no landmarks, regions, eyes or ARKit rig: it is drawn as skin without facial smoothing, by --mesh
    exact alone, and needs motion that was made for it.

    Examples:
      facetalk head import nphm.tar -o heads/nphm --anchors anchors_39.npy
      facetalk head show --head heads/nphm --identity identity:0 --mesh exact -o poses.png
    """

    checkpoint: Positional[Path]
    """A .safetensors file, or a .pt, .pth or .tar that torch saved."""
    out: Out
    """The folder to write head.safetensors to."""
    anchors: Path | None = None
    """The mean anchors, 39 points in a .npy file, where the checkpoint does not hold them."""
    overwrite: bool = False
    """Replace what is there already."""

    def run_job(self) -> None:
        """Read, check and write."""
        path = self.out / "head.safetensors"
        check_place(path, overwrite=self.overwrite)
        head = published.read(self.checkpoint, self.anchors and read_anchors(self.anchors))
        published.save(head, path)
        found = {
            "path": str(path),
            "hash": head.hash,
            "identities": len(head.identities),
            "expressions": len(head.expressions),
            "identity_size": head.config.layout.size,
            "expression_size": head.config.expression,
        }
        codes = f"{len(head.identities)} identity and {len(head.expressions)} expression codes came with it"
        self.report(found, [f"{path}  head {head.hash}; {codes}"])


def read_anchors(path: Path) -> Float[Tensor, "39 3"]:
    """Mean anchors of a .npy file.

    Raises:
        InputError: it holds no 39 points.
    """
    try:
        points = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"--anchors {path}: not a readable .npy file; give {ANCHORS} points") from error
    if not isinstance(points, np.ndarray) or points.size != 3 * ANCHORS or points.dtype.kind != "f":
        raise InputError(f"--anchors {path}: holds no {ANCHORS} points of three numbers; give the mean anchors")
    if not np.isfinite(points).all():
        raise InputError(f"--anchors {path}: holds numbers that are not finite; give the mean anchors")
    return torch.from_numpy(points.astype(np.float32).reshape(ANCHORS, 3))
