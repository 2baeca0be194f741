"""Weights of a published Moonshine encoder (MIT) as those of `facetalk.speech.rotary`, which training begins with.

Read from the model that comes in the moonshine-voice wheel (onnxruntime's own format, matrices in eight bits), or from
a file of safetensors with the names of `transformers.MoonshineModel`.
"""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from facetalk import checkpoint
from facetalk.errors import InputError
from facetalk.speech.configuration import RotaryConfig

NORM_EPSILON = 1e-5
ENCODER = "encoder."
"""What names begin with in whole published models."""
NAMES = {
    "input_layernorm": "attention_norm", "post_attention_layernorm": "inner_norm", "self_attn.q_proj": "attention.q",
    "self_attn.k_proj": "attention.k", "self_attn.v_proj": "attention.v", "self_attn.o_proj": "attention.out",
    "mlp.fc1": "enter", "mlp.fc2": "leave",
}  # fmt: skip
"""Published names of a layer's parts, and ours."""
FLOAT, INT8, UINT8 = 1, 3, 2
"""Kinds of tensors in onnxruntime's format."""
STORED = {FLOAT: np.float32, INT8: np.int8, UINT8: np.uint8}


def read(path: Path | str) -> dict[str, Tensor]:
    """Weights by their published names.

    Raises:
        InputError: the file is missing or holds something else.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; unpack encoder_model.ort of tiny-en from the moonshine-voice wheel")
    if path.suffix == ".safetensors":
        tensors = checkpoint.tensors_of(path)
        names = [name for name in tensors if f"{ENCODER}layers." in name or name.startswith("layers.")]
        start = names[0].index("layers.") if names else 0
        prefix = names[0][:start] if names else ""
        return {name[start:]: tensor.float() for name, tensor in tensors.items() if name.startswith(prefix)}
    return _read_runtime(path)


def config_of(tensors: Mapping[str, Tensor], heads: int = 8) -> RotaryConfig:
    """The size that published weights are of; of the number of heads they say nothing.

    Raises:
        InputError: these are no weights of such an encoder.
    """
    try:
        inner, size = tensors["layers.0.mlp.fc1.weight"].shape
        layers = 1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("layers."))
    except KeyError as error:
        raise InputError(f"these are no weights of a Moonshine encoder: {error.args[0]} is missing") from error
    # nine tenths of a head are turned, in whole pairs
    return RotaryConfig(size=size, layers=layers, heads=heads, inner=inner, turned=int(0.9 * size / heads) // 2 * 2)


def first_moments(tensors: Mapping[str, Tensor], sounds: Iterator[Float[np.ndarray, " sample"]]) -> tuple[float, float]:
    """Mean and variance that the published normalisation finds in a clip, the median of several clips."""
    found, stride = [], RotaryConfig().conv_strides[0]
    for samples in sounds:
        hidden = functional.conv1d(torch.from_numpy(samples)[None, None], tensors["conv1.weight"], stride=stride).tanh()
        found.append((float(hidden.mean()), float(hidden.var(unbiased=False))))
    means, variances = zip(*found, strict=True)
    return float(np.median(means)), float(np.median(variances))


def renamed(tensors: Mapping[str, Tensor], mean: float, variance: float) -> dict[str, Tensor]:
    """Our names, and the normalisation of the first convolution's output folded into the second, by fixed moments."""
    scale = tensors["groupnorm.weight"] / (variance + NORM_EPSILON) ** 0.5
    shift = tensors["groupnorm.bias"] - mean * scale
    second = tensors["conv2.weight"]
    ours = {
        "stem.convs.0.weight": tensors["conv1.weight"],
        "stem.convs.1.weight": second * scale[None, :, None],
        "stem.convs.1.bias": tensors["conv2.bias"] + (second * shift[None, :, None]).sum((1, 2)),
        "stem.convs.2.weight": tensors["conv3.weight"], "stem.convs.2.bias": tensors["conv3.bias"],
        "norm.weight": tensors["layer_norm.weight"],
    }  # fmt: skip
    for name, tensor in tensors.items():
        if name.startswith("layers."):
            _, number, part = name.split(".", 2)
            theirs, _, kind = part.rpartition(".")
            ours[f"layers.{number}.{NAMES[theirs]}.{kind}"] = tensor
    return ours


def _read_runtime(path: Path) -> dict[str, Tensor]:
    """From onnxruntime's format, where names are those of the nodes that use a weight."""
    from onnxruntime.tools.ort_format_model.ort_flatbuffers_py.fbs.InferenceSession import InferenceSession

    try:
        model: Any = InferenceSession.GetRootAs(bytearray(path.read_bytes()), 0).Model()
        graph = model.Graph()
        arrays = dict(_arrays(graph))
        found = {name: array for name, array in arrays.items() if name.endswith((".weight", ".bias"))}
        for node in (graph.Nodes(index) for index in range(graph.NodesLength())):
            found |= _weight(node, arrays)
        return {name: torch.from_numpy(np.array(array, np.float32)) for name, array in found.items()}
    except (AttributeError, KeyError, ValueError, TypeError, struct.error) as error:
        raise InputError(f"{path}: not the encoder of a Moonshine model ({error})") from error


def _arrays(graph: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Constants of a graph; kernels of convolutions were renamed when it was optimised."""
    for tensor in (graph.Initializers(index) for index in range(graph.InitializersLength())):
        if tensor.DataType() in STORED:
            shape = [tensor.Dims(axis) for axis in range(tensor.DimsLength())]
            raw = tensor.RawDataAsNumpy().tobytes()
            name = tensor.Name().decode().removesuffix("_add_tensor")
            yield name, np.frombuffer(raw, STORED[tensor.DataType()]).reshape(shape)


def _weight(node: Any, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The weight that a node multiplies or adds, where it carries a number for a name."""
    names = [node.Inputs(index).decode().removesuffix("_add_tensor") for index in range(node.InputsLength())]
    owner = node.Name().decode().removeprefix("/").rpartition("/")[0].replace("/", ".")
    if owner == "groupnorm" and node.OpType() in (b"Mul", b"Add"):
        kind = "weight" if node.OpType() == b"Mul" else "bias"
        return {f"groupnorm.{kind}": arrays[name].ravel() for name in names if name in arrays}
    for name in names:
        base = name.removesuffix("_quantized")
        if base != name and base.startswith("onnx::"):
            steps = arrays[name].astype(np.float32) - arrays[f"{base}_zero_point"].astype(np.float32)
            return {f"{owner}.weight": (steps * arrays[f"{base}_scale"]).T}
    return {}
