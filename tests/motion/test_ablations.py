"""A denoiser without a part: the part is gone, the rest is as it was, and files come back."""

import pytest
import torch

from facetalk.motion import (
    DenoiserConfig,
    Listener,
    Motion,
    Normaliser,
    Rig,
    WithoutFilmConfig,
    WithoutMaskConfig,
    build,
)
from facetalk.motion.layers import Film

SIZES = {"live": 6, "features": 5}
CONFIGS = (WithoutFilmConfig.tiny(**SIZES), WithoutMaskConfig.tiny(**SIZES))


def lively(config: DenoiserConfig) -> Listener:
    torch.manual_seed(0)
    network = build(config).eval().requires_grad_(False)
    for weight in network.parameters():
        weight += 0.1 * torch.randn(weight.shape)
    return network


def made_inputs(config: DenoiserConfig, frames: int = 40):
    generator = torch.Generator().manual_seed(1)
    noisy = torch.randn(1, frames, config.live, generator=generator)
    return noisy, torch.randn(1, frames, config.features, generator=generator), torch.tensor([300])


def answer(network: Listener, noisy, features, time):
    return network(noisy, time, network.listen(features))


def test_without_film_the_time_still_tells_and_no_film_is_left():
    network = lively(CONFIGS[0])
    noisy, features, time = made_inputs(CONFIGS[0])
    assert not any(isinstance(part, Film) for part in network.modules())
    assert not torch.allclose(answer(network, noisy, features, time), answer(network, noisy, features, time // 2))


@pytest.mark.parametrize(("config", "before"), [(DenoiserConfig.tiny(**SIZES), False), (CONFIGS[1], True)])
def test_only_without_the_mask_later_sound_is_heard_by_earlier_frames(config, before):
    network = lively(config)
    noisy, features, time = made_inputs(config)
    other = features.clone()
    other[:, 25] += 1
    change = (answer(network, noisy, features, time) - answer(network, noisy, other, time)).abs().amax((0, 2))
    assert bool((change[:25] > 0).all()) == before and (change[25] > 0).all()


@pytest.mark.parametrize("config", CONFIGS)
def test_no_ablation_sees_later_motion(config):
    network = lively(config)
    noisy, features, time = made_inputs(config)
    other = noisy.clone()
    other[:, 25] += 1
    change = (answer(network, noisy, features, time) - answer(network, other, features, time)).abs().amax((0, 2))
    assert (change[:25] < 1e-6).all() and (change[25:] > 0).all()


@pytest.mark.parametrize("config", CONFIGS)
def test_files_say_what_is_missing(config, tmp_path):
    network, rig = build(config), Rig(torch.zeros(60), torch.linalg.qr(torch.randn(60, 52))[0])
    normaliser = Normaliser.fit(torch.randn(200, 60) @ torch.diag(torch.cat([torch.ones(6), torch.zeros(54)])))
    Motion(network, normaliser, rig, "head", "ears").save(tmp_path / "motion.safetensors")
    back = Motion.load(tmp_path / "motion.safetensors")
    assert type(back.denoiser) is type(network) and back.denoiser.config == config
