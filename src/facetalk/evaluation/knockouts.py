"""What must break the lips, and what must leave them as they are.

A talker whose head, encoder or denoiser has its weights shuffled, or that is given noise as loud as the speech, must
fail where the talker passes; else the figures do not measure speech. Sampled the long way, by DDPM in 1000 steps, it
must pass as by default. Silence put in front, with the noise moved along, must move the lips by as much.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from scipy.ndimage import uniform_filter1d
from torch import nn

from facetalk.evaluation.agreement import best_lag
from facetalk.motion import Sampling, ddpm
from facetalk.motion.temper import MOUTH
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.identity import Identity
from facetalk.pipeline.talker import Performing, Talker
from facetalk.pipeline.weights import Weights
from facetalk.types import FRAME_RATE, SAMPLE_RATE, ExpressionCodes, Waveform

ENVELOPE_SAMPLES = SAMPLE_RATE // 50
"""Loudness is followed over 20 ms."""
ALL_STEPS = 1000
SHIFT_FRAMES = 6
"""200 ms of silence put in front."""
Speak = Callable[[Waveform, Identity], Clip]
Module = TypeVar("Module", bound=nn.Module)


def rows(talker: Talker, performing: Performing, seed: int) -> Mapping[str, Speak]:
    """Ways of speaking by name; the first four must fail, the last must do as well as `talker` itself."""
    weights = talker.weights
    motion = replace(weights.motion, denoiser=shuffled(weights.motion.denoiser, seed))
    deaf = with_parts(talker, motion=motion)
    encoder = copy.copy(weights.encoder)
    assert isinstance(encoder.backbone, nn.Module)
    encoder.backbone = shuffled(encoder.backbone, seed)
    mishearing = with_parts(talker, encoder=encoder)
    faceless = shuffled(weights.head, seed)

    def speaks(by: Talker) -> Speak:
        return lambda sound, who: by.animate(sound, identity=who, seed=seed, performing=performing)

    def on_no_head(sound: Waveform, who: Identity) -> Clip:
        clip = speaks(talker)(sound, who)
        return replace(clip, codes=replace(clip.codes, head_hash=faceless.hash), head=faceless)

    def on_noise(sound: Waveform, who: Identity) -> Clip:
        return speaks(talker)(noise_as_loud(sound, seed), who)

    def slowly(sound: Waveform, who: Identity) -> Clip:
        sampling = Sampling(ALL_STEPS, guidance=performing.guidance, seed=seed, sampler=ddpm)
        return Clip(_drawn(talker, sound, sampling), weights.head, who, talker.writer, sound)

    return {
        "shuffled head": on_no_head,
        "shuffled encoder": speaks(mishearing),
        "shuffled denoiser": speaks(deaf),
        "noise as loud": on_noise,
        f"DDPM, {ALL_STEPS} steps": slowly,
    }


def shuffled(module: Module, seed: int) -> Module:
    """A copy with the numbers of every parameter in random order: the same sizes, nothing learnt."""
    generator = torch.Generator().manual_seed(seed)
    module = copy.deepcopy(module)
    for parameter in module.parameters():
        order = torch.randperm(parameter.numel(), generator=generator)
        parameter.data = parameter.data.flatten()[order].view_as(parameter)
    return module


def noise_as_loud(speech: Waveform, seed: int) -> Waveform:
    """White noise that is as loud as the speech at every moment."""
    envelope = np.sqrt(uniform_filter1d(speech.samples.astype(np.float64) ** 2, ENVELOPE_SAMPLES))
    noise = np.random.default_rng(seed).standard_normal(len(envelope))
    return Waveform(np.clip(envelope * noise, -1, 1).astype(np.float32))


def shift(talker: Talker, sound: Waveform, performing: Performing, seed: int) -> int:
    """Frames by which 200 ms of silence in front, the initial noise moved along, delay jaw and lips."""
    silence = np.zeros(int(SHIFT_FRAMES * SAMPLE_RATE / FRAME_RATE), np.float32)
    later = Waveform(np.concatenate([silence, sound.samples]))
    sampling = Sampling(performing.steps, guidance=performing.guidance, seed=seed)
    before = _lips(talker, _drawn(talker, sound, sampling))
    after = _lips(talker, _drawn(talker, later, replace(sampling, first_frame=-SHIFT_FRAMES)))
    return best_lag(after[: len(before)], before, 2 * SHIFT_FRAMES)


def _drawn(talker: Talker, sound: Waveform, sampling: Sampling) -> ExpressionCodes:
    windows = talker.weights.motion.windows(talker.weights.listen(sound), sampling)
    values = torch.cat([window.cpu() for window in windows])
    return ExpressionCodes(values, FRAME_RATE, talker.weights.motion.head_hash)


def _lips(talker: Talker, codes: ExpressionCodes) -> Float[np.ndarray, " frame"]:
    """How far the jaw and the lips have left rest together."""
    head = talker.weights.head
    weights = head.rig.solve(codes.values.to(head.rest.device)).cpu().numpy()
    return weights[:, np.array(MOUTH)].sum(axis=1)


def with_parts(talker: Talker, **parts: object) -> Talker:
    """A talker some of whose models are others."""
    weights = Weights(talker.weights.folder, talker.weights.device, talker.weights.speech)
    known = {name: getattr(talker.weights, name) for name in ("head", "encoder", "motion")}
    vars(weights).update(known | parts)  # where cached properties keep what they loaded
    return replace(talker, weights=weights)
