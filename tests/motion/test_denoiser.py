"""The denoiser looks where the paper lets it look."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from einops import repeat
from torch import nn

from facetalk.motion import Denoiser, DenoiserConfig
from facetalk.motion.earshot import Earshot
from facetalk.motion.layers import DiagonalCrossAttention, Film, LookBackAttention, rotate
from facetalk.types import SpeechFeatures

CONFIG = DenoiserConfig.tiny(live=5, features=7)
FRAMES = 40


def lively(config: DenoiserConfig = CONFIG) -> Denoiser:
    """A denoiser none of whose weights is zero, as after training."""
    torch.manual_seed(0)
    denoiser = Denoiser(config).eval().requires_grad_(False)
    for weight in denoiser.parameters():
        weight += 0.1 * torch.randn(weight.shape)
    return denoiser


def made_inputs(config: DenoiserConfig = CONFIG, frames: int = FRAMES):
    generator = torch.Generator().manual_seed(1)
    noisy = torch.randn(1, frames, config.live, generator=generator)
    features = torch.randn(frames, config.features, generator=generator)
    return noisy, features, torch.tensor([300])


def heard(features, reach):
    """Every frame with those about it, as a window of all frames hears them."""
    return Earshot(SpeechFeatures(features, Fraction(30), "ears").stream(), reach)(range(len(features)))


def answer(denoiser, noisy, features, time):
    return denoiser(noisy, time, denoiser.listen(heard(features, denoiser.config.hearing)[None]))


def test_future_codes_change_nothing_before_them():
    denoiser, (noisy, features, time) = lively(), made_inputs()
    other = noisy.clone()
    other[:, 25] += 1
    change = (answer(denoiser, noisy, features, time) - answer(denoiser, other, features, time)).abs().amax((0, 2))
    assert (change[:25] == 0).all()
    assert (change[25 : 25 + CONFIG.look_back] > 0).all()


def test_codes_beyond_the_look_back_of_all_blocks_are_forgotten():
    denoiser, (noisy, features, time) = lively(), made_inputs()
    other = noisy.clone()
    other[:, 3] += 1
    reach = 3 + CONFIG.depth * (CONFIG.look_back - 1)
    change = (answer(denoiser, noisy, features, time) - answer(denoiser, other, features, time)).abs().amax((0, 2))
    assert (change[reach + 1 :] < 1e-6).all()


@pytest.mark.parametrize("hearing", [0, 2])
def test_speech_is_heard_from_its_frame_on(hearing):
    config = replace(CONFIG, hearing=hearing)
    denoiser, (noisy, features, time) = lively(config), made_inputs(config)
    other = features.clone()
    other[25] += 1
    change = (answer(denoiser, noisy, features, time) - answer(denoiser, noisy, other, time)).abs().amax((0, 2))
    assert (change[: 25 - hearing] == 0).all()
    assert (change[25 - hearing : 26] > 0).all()


def test_unheard_speech_is_the_learnt_vector():
    denoiser, (noisy, _, time) = lively(), made_inputs()
    learnt = repeat(denoiser.unheard, "w -> b f w", b=1, f=FRAMES)
    assert torch.equal(denoiser(noisy, time, None), denoiser(noisy, time, learnt))


def test_diagonal_cross_attention_is_full_attention_under_the_kronecker_mask():
    torch.manual_seed(2)
    diagonal, full = DiagonalCrossAttention(12), nn.MultiheadAttention(12, 3, batch_first=True)
    with torch.no_grad():
        full.in_proj_weight[24:] = diagonal.value.weight
        full.in_proj_bias[24:] = diagonal.value.bias
        full.out_proj.weight.copy_(diagonal.out.weight)
        full.out_proj.bias.copy_(diagonal.out.bias)
    frames, speech = torch.randn(2, 9, 12), torch.randn(2, 9, 12)
    masked, _ = full(frames, speech, speech, attn_mask=~torch.eye(9, dtype=torch.bool))
    assert torch.allclose(diagonal(speech), masked, atol=1e-6)


def test_rotated_products_depend_on_distance_alone():
    query, key = torch.randn(1, 1, 8), torch.randn(1, 1, 8)
    near = rotate(query, 5) @ rotate(key, 2).mT
    far = rotate(query, 305) @ rotate(key, 302).mT
    assert torch.allclose(near, far, atol=1e-4)


def test_attention_over_remembered_frames_equals_one_pass():
    torch.manual_seed(3)
    attention = LookBackAttention(8, 2, look_back=5).eval()
    frames = torch.randn(1, 23, 8)
    whole, _ = attention(frames, None)
    memory, pieces = None, []
    for piece in frames.split([1, 2, 9, 11], dim=1):
        mixed, memory = attention(piece, memory)
        pieces.append(mixed)
        assert memory.shape[1] <= 4
    assert torch.allclose(torch.cat(pieces, 1), whole, atol=1e-6)


def test_film_begins_as_the_identity():
    frames = torch.randn(2, 4, 6)
    assert torch.equal(Film(6)(frames, torch.randn(2, 6)), frames)


def test_time_and_noise_matter():
    denoiser, (noisy, features, time) = lively(), made_inputs()
    first = answer(denoiser, noisy, features, time)
    assert not torch.allclose(first, answer(denoiser, noisy, features, time + 400), atol=1e-3)
    assert not torch.allclose(first, answer(denoiser, noisy + 1, features, time), atol=1e-3)


def test_bundled_size_fits_its_allowance():
    with torch.device("meta"):
        denoiser = Denoiser(DenoiserConfig.base(live=52, features=288))
    assert 2 * sum(weight.numel() for weight in denoiser.parameters()) < 14e6
