"""Motion as a whole: windows, seeds, shifts, spaces and files."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from facetalk.errors import CheckpointError, InputError
from facetalk.motion import SAMPLERS, Denoiser, DenoiserConfig, Motion, Normaliser, Rig, Sampling, express, restamp
from facetalk.motion.calm import AS_DRAWN, HALF_BAND, calmed
from facetalk.motion.noise import REACH, FrameNoise
from facetalk.motion.temper import MOUTH, Temper, mouth_projection
from facetalk.types import SpeechFeatures

FEATURES = 6
CODE = 60
SPEECH_HASH = "5" * 16
HEAD_HASH = "4" * 16


@pytest.fixture(scope="module")
def motion() -> Motion:
    generator = torch.Generator().manual_seed(0)
    matrix = torch.linalg.qr(torch.randn(CODE, 52, generator=generator))[0]
    rig = Rig(torch.randn(CODE, generator=generator), matrix.contiguous())
    weights = torch.rand(500, 52, generator=generator)
    weights[:, 40:] = 0
    normaliser = Normaliser.fit(rig.codes(weights))
    torch.manual_seed(1)
    denoiser = Denoiser(DenoiserConfig.tiny(normaliser.live, FEATURES)).eval().requires_grad_(False)
    for weight in denoiser.parameters():
        weight += 0.1 * torch.randn(weight.shape)
    return Motion(denoiser, normaliser, rig, HEAD_HASH, SPEECH_HASH)


def speech(frames: int, seed: int = 0) -> SpeechFeatures:
    values = torch.randn(frames, FEATURES, generator=torch.Generator().manual_seed(seed))
    return SpeechFeatures(values, Fraction(30), SPEECH_HASH)


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("linger", [0.0, 0.9])
@pytest.mark.parametrize("window", [1, 7, 32])
def test_windows_equal_one_pass(motion, sampler, window, linger):
    motion = replace(motion, linger=linger)
    drawn = [
        motion(speech(70), Sampling(steps=3, guidance=1.5, sampler=SAMPLERS[sampler], window=size)).values
        for size in (70, window)
    ]
    assert torch.allclose(*drawn, atol=1e-4)


def test_hearing_around_a_frame_crosses_windows(motion):
    torch.manual_seed(2)
    denoiser = Denoiser(replace(motion.denoiser.config, hearing=2)).eval().requires_grad_(False)
    torch.nn.init.normal_(denoiser.exit.weight)
    wide = replace(motion, denoiser=denoiser)
    drawn = [wide(speech(50), Sampling(steps=2, window=size)).values for size in (50, 13)]
    assert torch.allclose(*drawn, atol=1e-4)


def test_same_seed_same_bytes_and_other_seed_other_motion(motion):
    first, again, other = (motion(speech(40), Sampling(steps=4, seed=seed)).values for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-2)


@pytest.mark.parametrize(("calm", "first"), [(AS_DRAWN, 33), (HALF_BAND, 30)])
def test_speech_from_a_frame_on_leaves_earlier_codes_alone(motion, calm, first):
    other = speech(60)
    other.values[33:] += 1
    before, after = (motion(heard, Sampling(steps=4, calm=calm)).values for heard in (speech(60), other))
    assert torch.equal(before[:first], after[:first])
    assert not torch.allclose(before[first:34], after[first:34], atol=1e-3)


def test_no_guidance_weight_but_zero_ignores_speech(motion):
    for guidance, deaf in ((0.0, True), (1.0, False), (2.0, False)):
        drawn = [motion(speech(30, seed), Sampling(steps=3, guidance=guidance)).values for seed in (0, 1)]
        assert torch.equal(*drawn) == deaf


def test_frames_put_in_front_shift_the_motion_with_its_noise(motion):
    """Where the look-back of all blocks ends, what came before is no longer felt."""
    config, late = motion.denoiser.config, speech(90)
    early = replace(late, values=torch.cat([torch.zeros(6, FEATURES), late.values]))
    plain = motion(late, Sampling(steps=1)).values
    shifted = motion(early, Sampling(steps=1, first_frame=-6)).values
    reach = config.depth * config.look_back
    assert torch.allclose(plain[reach:], shifted[6 + reach :], atol=1e-4)
    assert not torch.allclose(plain[reach:], motion(early, Sampling(steps=1)).values[6 + reach :], atol=1e-2)


def test_noise_belongs_to_seed_draw_and_frame():
    noise = FrameNoise(seed=7, live=5)
    assert torch.equal(noise.window(2, 10, 20)[:, 5:], noise.window(2, 15, 15))
    assert not torch.equal(noise.window(2, 10, 20), noise.window(3, 10, 20))
    assert not torch.equal(noise.window(2, 10, 20), FrameNoise(8, 5).window(2, 10, 20))
    assert noise.window(0, -3, 6).shape == (1, 6, 5)
    many = FrameNoise(-1, 50).window(0, 0, 2000)
    assert abs(float(many.mean())) < 0.02 and abs(float(many.std()) - 1) < 0.02


def test_codes_carry_the_head_and_refuse_others(motion):
    assert motion(speech(2), Sampling(steps=1)).head_hash == HEAD_HASH
    motion.check_head(HEAD_HASH)
    with pytest.raises(CheckpointError, match="retrain motion"):
        motion.check_head("0" * 16)
    with pytest.raises(CheckpointError, match="encoder"):
        motion(replace(speech(2), encoder_hash="0" * 16))


def test_impossible_sampling_is_refused(motion):
    with pytest.raises(InputError, match="0 diffusion steps"):
        motion(speech(2), Sampling(steps=0))
    with pytest.raises(InputError, match="windows"):
        motion(speech(2), Sampling(window=0))


def test_saved_motion_moves_alike(motion, tmp_path):
    motion = replace(motion, linger=0.5)
    motion.save(tmp_path / "motion.safetensors")
    loaded = Motion.load(tmp_path / "motion.safetensors")
    assert (loaded.head_hash, loaded.speech_hash) == (HEAD_HASH, SPEECH_HASH)
    first, second = (model(speech(20), Sampling(steps=3)).values for model in (motion, loaded))
    assert torch.allclose(first, second, atol=0.02)


def test_damaged_motion_is_refused(motion, tmp_path):
    broken = replace(motion, denoiser=Denoiser(replace(motion.denoiser.config, depth=1)))
    broken.denoiser.config = motion.denoiser.config
    broken.save(tmp_path / "motion.safetensors")
    with pytest.raises(CheckpointError, match="damaged"):
        Motion.load(tmp_path / "motion.safetensors")


def test_a_new_head_with_the_same_rig_takes_the_motion_over(motion):
    assert restamp(motion, "6" * 16, motion.rig).head_hash == "6" * 16
    with pytest.raises(CheckpointError, match="retrain"):
        restamp(motion, "6" * 16, replace(motion.rig, rest=motion.rig.rest + 0.1))


def test_rig_inverts_its_codes(motion):
    weights = torch.rand(5, 52)
    assert torch.allclose(motion.rig.weights(motion.rig.codes(weights)), weights, atol=1e-4)


def test_normaliser_restores_codes_and_leaves_dead_directions_alone(motion):
    generator = torch.Generator().manual_seed(9)
    mixing = torch.randn(8, 30, generator=generator)
    codes = torch.randn(2000, 8, generator=generator) @ mixing + 3 + 1e-7 * torch.randn(2000, 30, generator=generator)
    normaliser = Normaliser.fit(codes)
    assert normaliser.live == 8
    live = normaliser.normalise(codes)
    assert torch.allclose(normaliser.restore(live), codes, atol=1e-4)
    assert torch.allclose(live.T.cov(), torch.eye(8), atol=0.02)
    astray = codes[:1] + 0.01 * torch.randn(1, 30, generator=generator)
    assert normaliser.normalise(astray).abs().max() < 10


def test_faint_directions_stay_faint():
    codes = torch.randn(1000, 3) * torch.tensor([1.0, 0.5, 0.01])
    spread = Normaliser.fit(codes).normalise(codes).std(0)
    assert spread[2] < 0.3 and abs(float(spread[1]) - 1) < 0.1


@pytest.mark.parametrize("codes", [torch.ones(5, 3), torch.full((5, 3), float("nan")), torch.ones(0, 3)])
def test_codes_that_teach_nothing_are_refused(codes):
    with pytest.raises(InputError, match="vary"):
        Normaliser.fit(codes)


def test_expressiveness_grows_from_rest():
    codes, rest = torch.randn(4, 3), torch.randn(3)
    assert torch.allclose(express(codes, rest, 1.0), codes)
    assert torch.allclose(express(codes, rest, 0.0), rest.expand(4, 3))
    assert torch.allclose(express(codes, rest, 2.0) - codes, codes - rest, atol=1e-6)


def test_calm_noise_leaves_the_upper_face_alone(motion):
    temper = Temper(mouth_projection(motion.decode))
    assert torch.allclose(temper.mouth @ temper.mouth, temper.mouth, atol=1e-4)
    white = torch.randn(1, 7 + REACH - 1, motion.normaliser.live)
    noise = white[:, REACH - 1 :]
    assert torch.allclose(temper(white, 1.0), noise, atol=1e-6)
    mouth = motion.decode[torch.tensor(MOUTH)]
    still = temper(white, 0.0)
    assert (still @ mouth.T).abs().max() < 0.06 * (noise @ mouth.T).abs().max() + 1e-4
    across = noise - noise @ temper.mouth
    assert torch.allclose(still, across, atol=1e-5)


@pytest.mark.parametrize("sizes", [(1,), (2, 1, 4), (30, 5)])
def test_calm_is_one_filter_over_all_windows_and_leaves_the_mouth_alone(motion, sizes):
    torch.manual_seed(4)
    mouth, drawn = mouth_projection(motion.decode), torch.randn(sum(sizes), motion.normaliser.live)
    parts = torch.cat(list(calmed(iter(drawn.split(sizes)), mouth, HALF_BAND)))
    assert torch.allclose(parts, torch.cat(list(calmed(iter([drawn]), mouth, HALF_BAND))), atol=1e-5)
    assert parts.shape == drawn.shape and torch.allclose(parts @ mouth, drawn @ mouth, atol=1e-4)
    assert torch.allclose(torch.cat(list(calmed(iter([drawn]), mouth, AS_DRAWN))), drawn, atol=1e-5)


def test_calm_keeps_what_is_slow_and_takes_what_alternates():
    time = torch.arange(60.0)[:, None]
    slow, tremble = torch.sin(2 * torch.pi * time / 20), (-1.0) ** time
    still = torch.zeros(1, 1)
    found = torch.cat(list(calmed(iter([slow + tremble]), still, HALF_BAND)))
    assert torch.allclose(found[3:-3], slow[3:-3], atol=0.002)


def test_noise_lingers_in_the_upper_face_only(motion):
    temper = Temper(mouth_projection(motion.decode), linger=0.9)
    white = torch.randn(4, 2000 + REACH - 1, motion.normaliser.live)
    noise = temper(white, 1.0)
    fresh = white[:, REACH - 1 :]
    assert torch.allclose(noise @ temper.mouth, fresh @ temper.mouth, atol=1e-4)
    across = noise - noise @ temper.mouth
    slow = across - across.mean(1, keepdim=True)
    alike = (slow[:, 1:] * slow[:, :-1]).mean() / slow.square().mean()
    assert float(alike) == pytest.approx(0.9, abs=0.02)
    assert float(across.square().mean() / (fresh - fresh @ temper.mouth).square().mean()) == pytest.approx(1, abs=0.1)
