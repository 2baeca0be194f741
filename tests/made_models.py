"""A made talker for tests: a head that is nearly a ball, and an encoder and a motion model with random weights."""

from dataclasses import replace
from pathlib import Path

import torch

from facetalk import checkpoint
from facetalk.head import model as head_model
from facetalk.head.anatomy import ANCHORS, LANDMARK_NAMES
from facetalk.head.model import Head
from facetalk.motion import Denoiser, DenoiserConfig, Motion, Normaliser, Rig
from facetalk.speech import encoder
from facetalk.speech.configuration import TINY
from facetalk.speech.encoder import Encoder
from facetalk.training.student import Student

RADIUS = 0.3
PLACES = {
    "mouth_centre": (0.0, -0.14, 0.26), "mouth_corner_left": (0.08, -0.14, 0.25),
    "mouth_corner_right": (-0.08, -0.14, 0.25), "lip_upper": (0.0, -0.12, 0.27), "lip_lower": (0.0, -0.16, 0.26),
    "teeth_front": (0.0, -0.13, 0.24), "eye_left": (0.1, 0.08, 0.25), "eye_right": (-0.1, 0.08, 0.25),
    "nose_tip": (0.0, 0.0, 0.3), "chin": (0.0, -0.25, 0.16), "subnasale": (0.0, -0.06, 0.29),
    "throat": (0.0, -0.29, 0.05), "forehead": (0.0, 0.2, 0.2), "crown": (0.0, 0.3, 0.0),
    "ear_left": (0.3, 0.0, 0.0), "ear_right": (-0.3, 0.0, 0.0),
}  # fmt: skip
"""Landmarks on the ball, in units."""


def ball_head() -> Head:
    """A tiny head whose canonical surface is the ball that training starts from, and whose expressions bend it."""
    torch.manual_seed(0)
    config = head_model.tiny()
    ball = replace(config.ensemble, ball_centre=(0.0, 0.0, 0.0), ball_radius=RADIUS)
    head = Head(replace(config, ensemble=ball)).eval().requires_grad_(False)
    landmarks = torch.tensor([PLACES[name] for name in LANDMARK_NAMES])
    head.anatomy.mean.copy_(torch.cat([torch.zeros(3 * ANCHORS), landmarks.flatten(), torch.tensor([0.05, 0.05])]))
    head.anatomy.linear.weight.mul_(0.02)
    head.ensemble.whole.last.mul_(0.02)
    head.ensemble.local.last.mul_(0.02)
    for name, parameter in head.deformation.named_parameters():
        if "weights" not in name:
            parameter.mul_(0.5)
    return head


def write_models(folder: Path) -> Path:
    """A weights folder with three tiny models that belong together."""
    folder.mkdir(parents=True, exist_ok=True)
    head_model.save(ball_head(), folder / "head.safetensors")
    head = head_model.load(folder / "head.safetensors")
    listener = write_encoder(folder / "speech.safetensors", seed=1)
    rig = Rig(head.rest, head.rig.basis)
    normaliser = Normaliser.fit(rig.codes(0.15 * torch.rand(400, 52)))
    denoiser = Denoiser(DenoiserConfig.tiny(normaliser.live, listener.size)).eval()
    for parameter in denoiser.parameters():
        if not parameter.any():  # layers that begin at zero would stand still
            torch.nn.init.normal_(parameter, std=0.1)
    Motion(denoiser, normaliser, rig, head.hash, listener.hash).save(folder / "motion.safetensors")
    return folder


def write_encoder(path: Path, seed: int) -> Encoder:
    """A tiny encoder with weights drawn from `seed`."""
    torch.manual_seed(seed)
    checkpoint.save(Student(TINY).eval().checkpoint(), path)
    return encoder.load(path)
