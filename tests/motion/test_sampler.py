"""Samplers recover a known distribution, and obey their own laws."""

import math
from itertools import pairwise

import pytest
import torch

from facetalk.errors import InputError
from facetalk.motion import SAMPLERS, Schedule, ddim, ddpm, dpm_solver, guided

MEAN = torch.tensor([1.0, -0.5, 0.25])
MIXING = torch.tensor([[0.9, 0.0, 0.0], [0.5, 0.4, 0.0], [-0.3, 0.2, 0.7]])
COVARIANCE = MIXING @ MIXING.T
SCHEDULE = Schedule()


def gaussian_denoiser(noisy: torch.Tensor, time: int) -> torch.Tensor:
    """E[x0 | x_t] of Gaussian data, in closed form."""
    level = SCHEDULE.level(time)
    gain = level.alpha * COVARIANCE @ torch.linalg.inv(level.alpha**2 * COVARIANCE + level.sigma**2 * torch.eye(3))
    return MEAN + (noisy - level.alpha * MEAN) @ gain.T


def draws(samples: int, seed: int = 0):
    return lambda number: torch.randn(1, samples, 3, generator=torch.Generator().manual_seed(1000 * seed + number))


@pytest.mark.parametrize(("name", "steps"), [("ddpm", 250), ("ddim", 100), ("dpm-solver", 25)])
def test_samples_of_an_exact_denoiser_have_the_mean_and_covariance_of_the_data(name, steps):
    sample = SAMPLERS[name](gaussian_denoiser, draws(20_000), SCHEDULE.levels(steps))[0]
    assert torch.allclose(sample.mean(0), MEAN, atol=0.03)
    assert torch.allclose(sample.T.cov(), COVARIANCE, atol=0.05)


def test_second_order_is_nearer_to_the_limit_than_first_order():
    limit = ddim(gaussian_denoiser, draws(100), SCHEDULE.levels(1000))
    errors = [
        float((sampler(gaussian_denoiser, draws(100), SCHEDULE.levels(12)) - limit).abs().mean())
        for sampler in (dpm_solver, ddim)
    ]
    assert errors[0] < errors[1] / 2


def test_ddim_without_eta_reads_the_initial_noise_only():
    def only_first(number):
        assert number == 0
        return draws(10)(0)

    first = ddim(gaussian_denoiser, only_first, SCHEDULE.levels(10))
    assert torch.equal(first, ddim(gaussian_denoiser, only_first, SCHEDULE.levels(10)))


def test_ddpm_reads_fresh_noise():
    def other_later(number):
        return draws(10, seed=0 if number == 0 else 1)(number)

    levels = SCHEDULE.levels(10)
    assert not torch.allclose(ddpm(gaussian_denoiser, draws(10), levels), ddpm(gaussian_denoiser, other_later, levels))


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_a_denoiser_that_always_knows_the_answer_is_believed_at_any_number_of_steps(name):
    answer = torch.randn(1, 4, 3, generator=torch.Generator().manual_seed(5))
    for steps in (1, 2, 3, 17, 1000):
        sample = SAMPLERS[name](lambda noisy, time: answer, draws(4), SCHEDULE.levels(steps))
        assert torch.allclose(sample, answer, atol=1e-5)


@pytest.mark.parametrize("spacing", [1.0, 2 / 3, 0.3])
def test_schedule_goes_from_noise_to_clean(spacing):
    levels = SCHEDULE.levels(16, spacing)
    assert len(levels) == 17
    assert levels[0].time == 999 and levels[0].alpha < 1e-3
    assert levels[-1].sigma == 0
    assert all(math.isclose(level.alpha**2 + level.sigma**2, 1) for level in levels)
    assert all(first.alpha < second.alpha for first, second in pairwise(levels))


@pytest.mark.parametrize("spacing", [2.0, 1.0, 2 / 3, 0.3])
def test_as_many_steps_as_times_take_every_time_once(spacing):
    assert [level.time for level in SCHEDULE.levels(1000, spacing)] == [*range(999, -1, -1), -1]
    even, spaced = ([level.time for level in SCHEDULE.levels(8, each)] for each in (1.0, spacing))
    assert all((now >= then) == (spacing <= 1) or now == then for now, then in zip(spaced, even, strict=True))


def test_diffused_data_have_the_level_of_their_time():
    clean, noise = torch.ones(2, 3, 4), torch.full((2, 3, 4), -2.0)
    noisy = SCHEDULE.diffuse(clean, noise, torch.tensor([10, 900]))
    for row, time in zip(noisy, (10, 900), strict=True):
        level = SCHEDULE.level(time)
        assert torch.allclose(row, torch.full((3, 4), level.alpha - 2 * level.sigma))


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_numbers_of_steps_are_refused(steps):
    with pytest.raises(InputError, match="steps"):
        SCHEDULE.levels(steps)


def conditional(noisy, time, speech):
    return 0.1 * noisy + (0 if speech is None else speech)


def test_guidance_one_is_no_guidance_and_zero_is_deaf():
    noisy, speech = torch.randn(1, 5, 3), torch.randn(1, 5, 3)
    assert torch.equal(guided(conditional, speech, 1.0)(noisy, 3), conditional(noisy, 3, speech))
    assert torch.equal(guided(conditional, speech, 0.0)(noisy, 3), conditional(noisy, 3, None))


def test_guidance_is_linear_in_its_weight():
    noisy, speech = torch.randn(1, 5, 3), torch.randn(1, 5, 3)
    heard, alone = conditional(noisy, 3, speech), conditional(noisy, 3, None)
    for weight in (0.5, 2.0):
        expected = weight * heard + (1 - weight) * alone
        assert torch.allclose(guided(conditional, speech, weight)(noisy, 3), expected, atol=1e-6)
