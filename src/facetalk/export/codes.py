"""Clips as .npz files: codes, identity, times, seed, sound and the hashes of the weights; enough to show them again."""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int16

from facetalk.errors import CheckpointError, InputError
from facetalk.export.place import beside
from facetalk.head.kinds import AnyHead
from facetalk.pipeline.clip import Clip, Origin, Save
from facetalk.pipeline.hairdressing import packed, unpacked
from facetalk.pipeline.identity import Identity, worn
from facetalk.pipeline.presenter import Presentation, View, Watch
from facetalk.pipeline.roads import Surface
from facetalk.speech.waveform import BLOCK_SAMPLES
from facetalk.types import ExpressionCodes, Waveform

VERSION = 1
LOUDEST = 32767
"""The sound is kept in 16 bits; what is beyond full scale is clipped, as every player would."""


def write(clip: Clip, path: Path, presentation: Presentation, watch: Watch) -> None:
    """Write everything that `read` needs, and the times of the frames."""
    rate = clip.codes.rate
    arrays = {
        "version": np.array(VERSION),
        "codes": clip.codes.values.numpy(),
        "times": clip.times,
        "rate": np.array([rate.numerator, rate.denominator]),
        "z_id": clip.identity.z_id.numpy(),
        "identity": np.array(clip.identity.name),
        "look": np.array(json.dumps(asdict(clip.identity.look))),
        "seed": np.array(clip.origin.seed),
        "head_hash": np.array(clip.codes.head_hash),
        **packed(clip.head, clip.identity.hair),
        "origin": np.array(json.dumps(asdict(clip.origin))),
        "presentation": np.array(json.dumps(asdict(presentation))),
        "sound": _packed_sound(clip.speech),
    }
    with beside(path) as partial:
        np.savez_compressed(partial, **arrays)
    watch(len(clip), len(clip))


def read(path: Path, head: AnyHead, writer: Save) -> Clip:
    """A saved clip.

    Raises:
        InputError: the file is missing or was not written by `write`.
        CheckpointError: its codes belong to another head.
    """
    with _opened(path) as arrays:
        rate = Fraction(*arrays["rate"].tolist())
        codes = ExpressionCodes(torch.from_numpy(arrays["codes"]), rate, str(arrays["head_hash"]))
        look = worn(_settings(arrays, "look"))
        identity = Identity(
            str(arrays["identity"]), torch.from_numpy(arrays["z_id"]), look, unpacked(head, arrays, path)
        )
        sound = arrays["sound"].astype(np.float32) / LOUDEST
        origin = Origin(**_settings(arrays, "origin"))
        return Clip(codes, head, identity, writer, Waveform(sound) if len(sound) else None, origin)


def read_presentation(path: Path) -> Presentation:
    """How a saved clip was to be shown.

    Raises:
        InputError: the file is missing or was not written by `write`.
    """
    with _opened(path) as arrays:
        saved = _settings(arrays, "presentation")
        return Presentation(Surface(**saved["surface"]), View(**saved["view"]), saved["mesh_format"])


def _packed_sound(speech: Waveform | None) -> Int16[np.ndarray, " sample"]:
    """Samples in 16 bits, a block at a time: long sound is not held several times over."""
    samples = np.zeros(0, np.float32) if speech is None else speech.samples
    sound = np.empty(len(samples), np.int16)
    for first in range(0, len(samples), BLOCK_SAMPLES):
        block = slice(first, first + BLOCK_SAMPLES)
        sound[block] = np.rint(np.clip(samples[block], -1, 1) * LOUDEST)
    return sound


@contextmanager
def _opened(path: Path) -> Iterator[dict[str, np.ndarray]]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give an .npz written by facetalk animate")
    try:
        with np.load(path, allow_pickle=False) as file:
            yield dict(file)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except (OSError, KeyError, ValueError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: holds no clip of facetalk; give an .npz written by facetalk animate") from error


def _settings(arrays: dict[str, np.ndarray], name: str) -> dict:
    return json.loads(str(arrays[name]))
