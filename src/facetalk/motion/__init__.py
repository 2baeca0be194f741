"""Diffusion over expression codes; speech is a tensor here."""

from facetalk.motion.ablations import WithoutFilmConfig, WithoutMaskConfig
from facetalk.motion.denoiser import Denoiser, DenoiserConfig
from facetalk.motion.expression import express
from facetalk.motion.guidance import guided
from facetalk.motion.listener import Listener
from facetalk.motion.model import Motion, Rig, restamp
from facetalk.motion.networks import AnyConfig, build
from facetalk.motion.normaliser import Normaliser
from facetalk.motion.rivals import AutoregressiveConfig, RecurrentConfig
from facetalk.motion.sampler import SAMPLERS, ddim, ddpm, dpm_solver
from facetalk.motion.schedule import Schedule
from facetalk.motion.windows import Sampling

__all__ = [
    "SAMPLERS",
    "AnyConfig",
    "AutoregressiveConfig",
    "Denoiser",
    "DenoiserConfig",
    "Listener",
    "Motion",
    "Normaliser",
    "RecurrentConfig",
    "Rig",
    "Sampling",
    "Schedule",
    "WithoutFilmConfig",
    "WithoutMaskConfig",
    "build",
    "ddim",
    "ddpm",
    "dpm_solver",
    "express",
    "guided",
    "restamp",
]
