"""The door for published checkpoints: backward NPHM weights in the public layout become a head of ours.

A checkpoint is a .safetensors file, or what torch saved (.pt, .pth, .tar) with nothing but tensors in it: it is read
without running any code of its own. Wherever its network lies (`decoder_state_dict`, `weights` …) it is found by its
own names, and codes that were learnt with it by their sizes.
"""

import pickle
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk import checkpoint
from facetalk.errors import CheckpointError
from facetalk.head.anatomy import ANCHORS, WEIGHT_SETS, CodeLayout
from facetalk.head.configuration import restored
from facetalk.head.paper import KIND, PaperConfig, PaperHead

ROOTS = ("id_model.", "ex_model.")
"""What names of the network begin with, below whatever they are filed under."""
MEAN_ANCHORS = ("anchors_mean", "mean_anchors", "anchors")
"""Names the mean anchors may have; the first that is there counts."""
LEFT_OUT = ("color", "colour", "deepSDFensemble.anchors")
"""Parts of the network's names that a geometry does not need."""


def read(path: Path | str, anchors: Float[Tensor, "39 3"] | None = None) -> PaperHead:
    """A head from a published checkpoint.

    Args:
        path: a .safetensors file or one that torch saved.
        anchors: the mean anchors, where the checkpoint does not hold them.

    Raises:
        CheckpointError: the file cannot be read, or a tensor is missing, unknown or of another shape; it is named.
    """
    path = Path(path)
    try:
        return published(dict(_flat(_opened(path))), anchors)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error


def published(tensors: Mapping[str, Tensor], anchors: Float[Tensor, "39 3"] | None = None) -> PaperHead:
    """A head from tensors by their public names.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape; it is named.
    """
    network = {
        _own_name(name): value for name, value in tensors.items() if _is_network(name) and not _is_left_out(name)
    }
    if not network:
        raise CheckpointError("holds no tensor named id_model… or ex_model…; give a backward NPHM checkpoint")
    config = _sizes(network)
    expected = _expected(config)
    named = {_our_name(name): value.float() for name, value in network.items()}
    for ours, shape in expected.items():
        theirs = _public_name(ours)
        if ours not in named:
            raise CheckpointError(f"{theirs} is missing; give a whole backward NPHM checkpoint")
        if named[ours].shape != shape:
            found = tuple(named[ours].shape)
            raise CheckpointError(f"{theirs} has shape {found}, {tuple(shape)} was expected; sizes do not fit together")
    unknown = sorted(set(named) - set(expected))
    if unknown:
        raise CheckpointError(f"{_public_name(unknown[0])} has no place in a backward NPHM; give another checkpoint")
    codes = {name: value for name, value in tensors.items() if not _is_network(name)}
    mean = _mean_anchors(codes) if anchors is None else anchors
    identities, expressions = _codes(codes, config.layout.size), _codes(codes, config.expression)
    config = replace(config, identities=len(identities), expressions=len(expressions))
    with torch.device("meta"):
        head = PaperHead(config)
    more = {"mean_anchors": mean.float(), "identities": identities, "expressions": expressions}
    head.load_state_dict({**named, **more}, assign=True)
    return head.eval().requires_grad_(False)


def save(head: PaperHead, path: Path | str) -> None:
    """Write a head's weights and config in one file."""
    checkpoint.save(head.to_checkpoint(), path)


def load(path: Path | str) -> PaperHead:
    """Read a head written by `save`.

    Raises:
        CheckpointError: the file is missing or does not hold such a head.
    """
    saved = checkpoint.load(path, KIND)
    with torch.device("meta"):
        head = PaperHead(restored(PaperConfig, saved.config))
    head.load_state_dict(saved.tensors, assign=True)
    return head.eval().requires_grad_(False)


def _opened(path: Path) -> Mapping:
    if not path.is_file():
        raise CheckpointError("no such file; give a checkpoint (.safetensors, .pt, .pth or .tar)")
    if path.suffix == ".safetensors":
        return checkpoint.tensors_of(path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError("not a readable checkpoint; give a .safetensors, .pt, .pth or .tar file") from error
    except pickle.UnpicklingError as error:
        raise CheckpointError("holds more than tensors and is not opened; save its state_dict alone") from error
    if not isinstance(found, Mapping):
        raise CheckpointError(f"holds a {type(found).__name__}, not named tensors; save its state_dict")
    return found


def _flat(found: Mapping, above: str = "") -> Iterator[tuple[str, Tensor]]:
    """Tensors of nested mappings, names joined by dots; everything else (epochs, optimisers' numbers) is left out."""
    for name, value in found.items():
        if isinstance(value, Tensor):
            yield f"{above}{name}", value
        elif isinstance(value, Mapping) and not str(name).startswith("optimizer"):
            yield from _flat(value, f"{above}{name}.")


def _is_network(name: str) -> bool:
    return any(name.startswith(root) or f".{root}" in name for root in ROOTS)


def _is_left_out(name: str) -> bool:
    return any(part in name for part in LEFT_OUT)


def _own_name(name: str) -> str:
    """A name without what it is filed under."""
    return name[min(name.index(root) for root in ROOTS if root in name) :]


def _our_name(name: str) -> str:
    """`id_model.mlp_pos.2.weight` is our `anchor_layers.1.weight`, and so on."""
    match name.split("."):
        case ["id_model", "mlp_pos", index, kind] if index.isdecimal():
            return f"anchor_layers.{int(index) // 2}.{kind}"
        case ["id_model", "deepSDFensemble", "layers", member, "layers", index, kind] if index.isdecimal():
            return f"members.{member}.{int(index) // 2}.{kind}"
        case ["ex_model", "compressor", "0", kind]:
            return f"compressor.{kind}"
        case ["ex_model", "defDeepSDF", layer, kind] if layer.startswith("lin"):
            return f"deformation.{layer.removeprefix('lin')}.{kind}"
    raise CheckpointError(f"{name} has no place in a backward NPHM; give another checkpoint")


def _public_name(name: str) -> str:
    """Inverse of `_our_name`."""
    match name.split("."):
        case ["anchor_layers", index, kind]:
            return f"id_model.mlp_pos.{2 * int(index)}.{kind}"
        case ["members", member, index, kind]:
            return f"id_model.deepSDFensemble.layers.{member}.layers.{2 * int(index)}.{kind}"
        case ["deformation", layer, kind]:
            return f"ex_model.defDeepSDF.lin{layer}.{kind}"
        case [part, kind]:
            return f"ex_model.{part}.0.{kind}"
    return name


def _expected(config: PaperConfig) -> dict[str, torch.Size]:
    """Shapes of the network's tensors."""
    with torch.device("meta"):
        head = PaperHead(config)
    return {name: parameter.shape for name, parameter in head.named_parameters()}


def _sizes(network: Mapping[str, Tensor]) -> PaperConfig:
    """The config that tensors imply."""

    def shape(name: str) -> tuple[int, int]:
        if name not in network:
            raise CheckpointError(f"{name} is missing; give a whole backward NPHM checkpoint")
        if network[name].ndim != 2:
            raise CheckpointError(f"{name} has shape {tuple(network[name].shape)}, a matrix was expected")
        return tuple(network[name].shape)  # type: ignore[return-value]

    anchor_width, global_size = shape("id_model.mlp_pos.0.weight")
    compressed, whole = shape("ex_model.compressor.0.weight")
    local_size, odd = divmod(whole - 3 * ANCHORS - global_size, ANCHORS + 1)
    if odd or local_size < 1:
        raise CheckpointError(f"ex_model.compressor.0.weight takes {whole} numbers, which are no identity and anchors")
    member = f"id_model.deepSDFensemble.layers.{WEIGHT_SETS}.layers"
    local_width, local_inputs = shape(f"{member}.0.weight")
    width, inputs = shape("ex_model.defDeepSDF.lin0.weight")
    depth = _last(network, "ex_model.defDeepSDF.lin")
    outputs, _ = shape(f"ex_model.defDeepSDF.lin{depth}.weight")
    ambient = local_inputs - global_size - local_size - 3
    if ambient < 0 or outputs != 3 + ambient:
        raise CheckpointError(
            f"ex_model.defDeepSDF.lin{depth}.weight gives {outputs} numbers, 3 offsets and {ambient} ambient "
            f"coordinates were expected of {member}.0.weight"
        )
    return PaperConfig(
        layout=CodeLayout(global_size, local_size),
        expression=inputs - 3 - compressed,
        compressed=compressed,
        local_width=local_width,
        local_depth=_last(network, f"{member}.") // 2,
        width=width,
        depth=depth,
        ambient=ambient,
        anchor_width=anchor_width,
    )


def _last(network: Mapping[str, Tensor], start: str) -> int:
    """Highest number that follows `start` in a name."""
    numbers = (name.removeprefix(start).split(".")[0] for name in network if name.startswith(start))
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _mean_anchors(codes: Mapping[str, Tensor]) -> Float[Tensor, "39 3"]:
    for wanted in MEAN_ANCHORS:
        for name, value in codes.items():
            if name.split(".")[-1] == wanted and value.numel() == 3 * ANCHORS:
                return value.reshape(ANCHORS, 3)
    raise CheckpointError("anchors_mean is missing: 39 points; give them with --anchors FILE.npy")


def _codes(codes: Mapping[str, Tensor], size: int) -> Float[Tensor, "row code"]:
    """Learnt codes: all rows of tensors of the right width, codes of validation left out; they are known by size."""
    rows = [
        value.float().reshape(-1, size)
        for name, value in sorted(codes.items())
        if value.is_floating_point() and value.ndim and value.shape[-1] == size and "val" not in name
    ]
    return torch.cat(rows) if rows else torch.zeros(0, size)
