"""The rivals of the denoiser: any window gives the same motion, files come back, the past is what was made."""

from dataclasses import replace

import pytest
import torch

from facetalk.motion import AutoregressiveConfig, DenoiserConfig, Motion, Normaliser, RecurrentConfig, Rig, Sampling
from facetalk.motion import build as built
from facetalk.motion.schedule import Schedule
from facetalk.types import FRAME_RATE, SpeechFeatures

LIVE, FEATURES = 6, 5
RECURRENT = RecurrentConfig(LIVE, FEATURES, width=16, hearing=1)
AUTOREGRESSIVE = AutoregressiveConfig(LIVE, FEATURES, width=16, heads=2, depth=2, hidden=16, look_back=6, hearing=1)


def made_motion(config, times: int) -> Motion:
    torch.manual_seed(0)
    normaliser = Normaliser.fit(torch.randn(200, 60) @ torch.diag(torch.cat([torch.ones(LIVE), torch.zeros(54)])))
    rig = Rig(torch.zeros(60), torch.linalg.qr(torch.randn(60, 52))[0])
    return Motion(built(config).eval().requires_grad_(False), normaliser, rig, "head", "ears", Schedule(times))


def heard(frames: int = 40) -> SpeechFeatures:
    return SpeechFeatures(torch.randn(frames, FEATURES, generator=torch.Generator().manual_seed(1)), FRAME_RATE, "ears")


@pytest.mark.parametrize(("config", "times", "steps"), [(RECURRENT, 1000, 3), (AUTOREGRESSIVE, 1, 1)])
def test_windows_do_not_change_the_motion(config, times, steps):
    motion = made_motion(config, times)
    whole = motion(heard(), Sampling(steps, guidance=1.0, window=40)).values
    parts = motion(heard(), Sampling(steps, guidance=1.0, window=7)).values
    assert torch.allclose(whole, parts, atol=1e-5) and whole.std() > 0


@pytest.mark.parametrize(("config", "times"), [(RECURRENT, 1000), (AUTOREGRESSIVE, 1)])
def test_files_say_which_network_they_hold(config, times, tmp_path):
    motion = made_motion(config, times)
    motion.save(tmp_path / "motion.safetensors")
    back = Motion.load(tmp_path / "motion.safetensors")
    assert type(back.denoiser) is type(motion.denoiser) and back.denoiser.config == config
    assert back.schedule == Schedule(times)


def test_frame_by_frame_knows_no_chance_and_no_future():
    motion = made_motion(AUTOREGRESSIVE, 1)
    speech = heard()
    first = motion(speech, Sampling(1, guidance=1.0, seed=0)).values
    assert torch.equal(first, motion(speech, Sampling(1, guidance=1.0, seed=1)).values)
    changed = speech.values.clone()
    changed[20:] += 1
    other = motion(replace(speech, values=changed), Sampling(1, guidance=1.0)).values
    assert torch.allclose(first[:19], other[:19], atol=1e-6) and not torch.allclose(first[19:], other[19:])


def test_training_passes_over_its_own_output_and_not_the_truth():
    network = built(AUTOREGRESSIVE)
    speech = network.listen(torch.randn(2, 18, FEATURES))
    clean, time = torch.randn(2, 16, LIVE), torch.zeros(2, dtype=torch.long)
    torch.manual_seed(0)
    one = network.taught(clean, clean, time, speech)
    torch.manual_seed(0)
    two = network.taught(clean, torch.zeros_like(clean), time, speech)
    assert torch.equal(one, two)
    free = network(clean, time, speech)
    torch.manual_seed(0)
    later = network.taught(clean + 3, clean, time, speech)
    # The first frames were made by as many passes as free running takes, so the truth has no say in them.
    assert torch.allclose(later[:, :2], free[:, :2], atol=1e-5) and not torch.allclose(later[:, 6:], free[:, 6:])


def test_without_diffusion_noise_tells_nothing():
    level = Schedule(1).levels(1)[0]
    assert level.time == 0 and level.alpha < 0.04 and level.sigma > 0.999
    motion = made_motion(DenoiserConfig.tiny(LIVE, FEATURES), 1)
    assert len(motion(heard(), Sampling(1, guidance=1.0))) == 40
