"""A made landmark map and made trackings for tests: points on a face-like shell, moved by a few weights."""

from pathlib import Path

import numpy as np
import torch

from facetalk.arkit import ARKIT_INDEX
from facetalk.landmarks.encoder import FEATURES, LandmarkEncoder
from facetalk.landmarks.face_map import FaceMap
from facetalk.motion import Denoiser, DenoiserConfig, Motion, Normaliser, Rig
from facetalk.pipeline.follower import Follower

MOVING = ("jawOpen", "mouthFunnel", "browInnerUp", "mouthSmileLeft")


def face_map() -> FaceMap:
    """70 points on a bent shell of about a face's size, upper lips above lower ones."""
    generator = torch.Generator().manual_seed(3)
    across = torch.rand(70, 2, generator=generator) - 0.5
    neutral = torch.cat([across * torch.tensor([0.5, 0.6]), 0.3 - across.square().sum(1, keepdim=True)], 1)
    for upper, lower in ((61, 67), (62, 66), (63, 65), (37, 41), (38, 40), (43, 47), (44, 46)):
        neutral[lower] = neutral[upper] - torch.tensor([0.0, 0.01, 0.0])
    expressions = torch.zeros(52, 70, 3)
    for number, name in enumerate(MOVING):
        lower, upper = 10 * number + 20, 10 * number + 40
        expressions[ARKIT_INDEX[name], lower:upper] = 0.05 * torch.randn(20, 3, generator=generator)
    identities = 0.004 * torch.randn(6, 70, 3, generator=generator)
    parts = (neutral, identities, expressions, torch.zeros(52), 0.1 * torch.eye(52))
    return FaceMap(*(part.half().float() for part in parts))


def performance(frames: int = 40) -> np.ndarray:
    """Four weights that come and go."""
    weights = np.zeros((frames, 52), np.float32)
    for number, name in enumerate(MOVING):
        weights[:, ARKIT_INDEX[name]] = 0.5 - 0.5 * np.cos(np.arange(frames) * (0.2 + 0.1 * number))
    return weights


def places(weights: np.ndarray, axes: int = 3) -> np.ndarray:
    """The mean face performing, in pixels, rows counted downward."""
    face = face_map()
    shape = face.places(face.neutral, torch.from_numpy(weights)).numpy().astype(np.float64)
    return shape[..., :axes] * ([900, -900, -900][:axes]) + 400


def follower(rig: Rig, head_hash: str) -> Follower:
    """Untrained weights that follow landmarks."""
    torch.manual_seed(0)
    encoder = LandmarkEncoder(face_map())
    normaliser = Normaliser.fit(rig.codes(0.15 * torch.rand(400, 52)))
    denoiser = Denoiser(DenoiserConfig.tiny(normaliser.live, FEATURES)).eval()
    torch.nn.init.normal_(denoiser.exit.weight, std=0.1)
    denoiser.requires_grad_(False)
    return Follower(encoder, Motion(denoiser, normaliser, rig, head_hash, encoder.hash))


def write_follower(folder: Path) -> Path:
    """Landmark weights beside the made models of a folder."""
    from facetalk.head import model as head_model

    head = head_model.load(folder / "head.safetensors")
    follower(Rig(head.rest, head.rig.basis), head.hash).save(folder / "landmarks.safetensors")
    return folder
