"""Diffusion over expression codes; speech is a tensor here."""

from facetalk.motion.denoiser import Denoiser, DenoiserConfig
from facetalk.motion.expression import express
from facetalk.motion.guidance import guided
from facetalk.motion.model import Motion, Rig, restamp
from facetalk.motion.normaliser import Normaliser
from facetalk.motion.sampler import SAMPLERS, ddim, ddpm, dpm_solver
from facetalk.motion.schedule import Schedule
from facetalk.motion.windows import Sampling

__all__ = [
    "SAMPLERS",
    "Denoiser",
    "DenoiserConfig",
    "Motion",
    "Normaliser",
    "Rig",
    "Sampling",
    "Schedule",
    "ddim",
    "ddpm",
    "dpm_solver",
    "express",
    "guided",
    "restamp",
]
