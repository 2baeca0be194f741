"""Who a head was trained on: the identity codes of the people of its sets, read without their points."""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from facetalk.errors import InputError
from facetalk.head.model import Head


def trained_codes(head: Head, folders: Sequence[Path]) -> Float[Tensor, "trained code"]:
    """Codes of everybody trained on, by the map of their source.

    Raises:
        InputError: a folder is no head set, or none is given.
    """
    if not folders:
        raise InputError("--data is empty; give the folders of the sets that the head was trained on")
    with torch.no_grad():
        return torch.cat([_codes(head, folder) for folder in folders])


def _codes(head: Head, folder: Path) -> Float[Tensor, "trained code"]:
    try:
        meta = json.loads((folder / "meta.json").read_text())
        weights = load_file(folder / "identities.safetensors")["weights"].float()
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise InputError(f"{folder}: not a head training set ({error}); make one with facetalk data heads") from error
    trained = [row for row, part in enumerate(meta["split"]) if part == "train"]
    return head.identity(weights[trained].to(head.source.device), meta["source"]).cpu()
