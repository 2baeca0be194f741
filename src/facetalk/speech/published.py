"""Published speech encoders: Wav2Vec 2.0, HuBERT and WavLM. The only file that imports transformers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, HubertModel, Wav2Vec2Model, WavLMModel
from transformers.utils import cached_file, logging

from facetalk.checkpoint import Checkpoint
from facetalk.errors import CheckpointError
from facetalk.speech.composition import Stretch, at_frames, convolved
from facetalk.speech.configuration import Receptive
from facetalk.speech.waveform import BLOCK_SAMPLES

MODELS = {"wav2vec2": Wav2Vec2Model, "hubert": HubertModel, "wavlm": WavLMModel}
"""Encoders of one build: convolutions, projection, transformer."""
UNUSED = frozenset({"masked_spec_embed"})
"""Parameters that only masked pre-training reads."""


class PretrainedBackbone(nn.Module):
    """A published Wav2Vec 2.0, HuBERT or WavLM: its own normalisation over the file, attention over all it is given.

    Args:
        source: a local folder, or the name of a model on the hub.

    Raises:
        CheckpointError: the model cannot be had, or is none of these.
    """

    halo = (60, 60)
    """Frames of context given on either side of a window."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.model = _pretrained(source)
        self.normalises = _normalises(source)
        config = self.model.config
        self.size = config.hidden_size
        self.receptive = Receptive.of(tuple(config.conv_kernel), tuple(config.conv_stride))
        self.hash = Checkpoint("speech", json.loads(config.to_json_string()), self.model.state_dict()).hash

    def prepared(self, samples: Float[np.ndarray, " sample"]) -> tuple[float, float]:
        """Offset and gain that give the file mean 0 and variance 1, where the model was trained so."""
        if not self.normalises:
            return 0.0, 1.0
        mean, variance = moments(samples)
        return mean, float(1 / np.sqrt(variance + 1e-7))

    def forward(self, samples: Float[Tensor, "batch sample"], span: Stretch) -> Float[Tensor, "batch frame feature"]:
        """Features of a stretch of frames."""
        projected = self.model.feature_projection(at_frames(convolved(self.model, samples), span))
        hidden = projected if isinstance(projected, Tensor) else projected[0]  # HuBERT gives nothing else
        return self.model.encoder(hidden).last_hidden_state


def moments(samples: Float[np.ndarray, " sample"]) -> tuple[float, float]:
    """Mean and variance, in double precision a block at a time: long sound is not held several times over."""
    blocks = [samples[first : first + BLOCK_SAMPLES] for first in range(0, len(samples), BLOCK_SAMPLES)]
    mean = sum(float(block.sum(dtype=np.float64)) for block in blocks) / len(samples)
    return mean, sum(float(np.square(block.astype(np.float64) - mean).sum()) for block in blocks) / len(samples)


def _pretrained(source: str) -> Any:
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()  # a model with a recogniser's head is welcome, its report is not
    try:
        kind = AutoConfig.from_pretrained(source).model_type
        if kind not in MODELS:
            raise CheckpointError(f"{source}: is a {kind}; speech encoders that can be used are {', '.join(MODELS)}")
        model, report = MODELS[kind].from_pretrained(source, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(
            f"{source}: no speech encoder could be loaded ({reason}); give a folder or a model's name on the hub"
        ) from error
    finally:
        logging.set_verbosity(verbosity)
    missing = sorted(set(report["missing_keys"]) - UNUSED)
    if missing:
        raise CheckpointError(
            f"{source}: is no whole {kind} model, {len(missing)} weights such as {missing[0]} are missing"
        )
    return model.eval().requires_grad_(False)


def _normalises(source: str) -> bool:
    """Whether the model's published preprocessing normalises a file (what it does where nothing is said)."""
    path = cached_file(source, "preprocessor_config.json", _raise_exceptions_for_missing_entries=False)
    return True if path is None else json.loads(Path(path).read_text("utf-8")).get("do_normalize", True)
