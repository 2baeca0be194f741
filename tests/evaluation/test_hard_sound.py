"""Sound that is hard to hear speech in: what each condition does, and that it moves no syllable."""

import numpy as np
import pytest

from facetalk.evaluation.hard_sound import CONDITIONS, LINE_HZ, SNR_DB, Voice, beneath, in_noise, on_the_line, said_as
from facetalk.types import SAMPLE_RATE

PITCH_HZ = 130.0


def syllables(seconds: float = 2.0, pitch: float = PITCH_HZ) -> np.ndarray:
    """A voice that says one vowel in unequal bursts."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    voice = sum(np.cos(2 * np.pi * pitch * k * time) * np.exp(-(((k * pitch - 700) / 900) ** 2)) for k in range(1, 40))
    bursts = sum(np.exp(-(((time - at) / 0.07) ** 2)) for at in (0.3, 0.62, 1.1, 1.3, 1.75))
    return (0.1 * voice * bursts).astype(np.float32)


def loudness(samples: np.ndarray) -> np.ndarray:
    """Level of each hundredth of a second."""
    return np.sqrt(np.mean(samples[: len(samples) // 160 * 160].reshape(-1, 160) ** 2, axis=1))


def pitch_of(samples: np.ndarray) -> float:
    """Hertz by the highest peak of the autocorrelation of a burst's middle, 0 where there is none."""
    part = samples[int(1.04 * SAMPLE_RATE) : int(1.16 * SAMPLE_RATE)].astype(float)
    lags = np.correlate(part, part, "full")[len(part) - 1 :]
    lags = lags / lags[0] / (1 - np.arange(len(part)) / len(part))
    part = lags[40:240]
    if part.max() < 0.5:
        return 0.0
    peaks = (part[1:-1] > part[:-2]) & (part[1:-1] > part[2:]) & (part[1:-1] > 0.8 * part.max())
    return SAMPLE_RATE / (41 + int(np.argmax(peaks)))


@pytest.mark.parametrize("name", CONDITIONS)
def test_no_syllable_moves(name):
    samples = syllables()
    heard = CONDITIONS[name](samples, np.random.default_rng(0))
    assert heard.shape == samples.shape and np.isfinite(heard).all()
    assert np.abs(heard).max() <= 1.5
    before, after = loudness(samples), loudness(heard)
    likeness = [np.corrcoef(before[10:-10], np.roll(after, -lag)[10:-10])[0, 1] for lag in range(-6, 7)]
    assert abs(int(np.argmax(likeness)) - 6) <= (3 if name == "far microphone" else 1)


def test_what_lies_beneath_lies_ten_decibels_beneath():
    samples = syllables()
    for name in ("noise, 10 dB", "babble, 10 dB", "music, 10 dB"):
        other = CONDITIONS[name](samples, np.random.default_rng(0)) - samples
        assert 10 * np.log10(np.mean(samples**2) / np.mean(other**2)) == pytest.approx(SNR_DB, abs=0.05)
    assert np.array_equal(beneath(np.zeros(len(samples)), samples), samples)


def test_a_line_lets_its_band_through_and_nothing_else():
    samples = np.random.default_rng(0).standard_normal(32000).astype(np.float32) * 0.1
    power = np.abs(np.fft.rfft(on_the_line(samples, np.random.default_rng(0)))) ** 2
    hertz = np.fft.rfftfreq(32000, 1 / SAMPLE_RATE)
    inside = power[(hertz > LINE_HZ[0]) & (hertz < LINE_HZ[1])].mean()
    assert power[(hertz > 4200) & (hertz < 7800)].mean() < 0.01 * inside
    assert power[(hertz > 5) & (hertz < 100)].mean() < 0.01 * inside


def test_voices_have_the_pitch_they_are_given():
    samples, random = syllables(), np.random.default_rng(0)
    assert pitch_of(samples) == pytest.approx(PITCH_HZ, rel=0.02)
    assert pitch_of(said_as(Voice())(samples, random)) == pytest.approx(PITCH_HZ, rel=0.04)
    assert pitch_of(said_as(Voice(pitch=1.7))(samples, random)) == pytest.approx(1.7 * PITCH_HZ, rel=0.04)
    assert pitch_of(said_as(Voice(breath=1.0))(samples, random)) == 0


def test_formants_move_with_their_factor():
    samples, random = syllables(), np.random.default_rng(0)

    def middle(heard: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(heard)) ** 2
        hertz = np.fft.rfftfreq(len(heard), 1 / SAMPLE_RATE)
        return float(np.sum(hertz * power) / np.sum(power))

    assert middle(said_as(Voice(formants=1.3))(samples, random)) > 1.1 * middle(said_as(Voice())(samples, random))


def test_the_same_draw_gives_the_same_noise():
    samples = syllables()
    first, second = (in_noise(samples, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, in_noise(samples, np.random.default_rng(4)))
