import json

import numpy as np
import pytest

from facetalk.arkit import ARKIT_INDEX
from facetalk.evaluation import baselines, calibration, motion, real_speech

SYMBOLS = "ampisftu"
JAW = ARKIT_INDEX["jawOpen"]
OPENING = dict(zip(SYMBOLS, (12.0, 0.0, 0.0, 4.0, 2.5, 1.5, 3.0, 3.5), strict=True))


def made_clip(seed: int, frames: int = 150) -> motion.TestClip:
    """Each phone lasts four frames; loudness knows half of the opening."""
    generator = np.random.default_rng(seed)
    symbols = [SYMBOLS[k] for k in generator.integers(len(SYMBOLS), size=frames // 4 + 1)]
    phones = tuple((symbol, 4 * k / 30, 4 * (k + 1) / 30) for k, symbol in enumerate(symbols))
    apertures = np.array([OPENING[symbols[k // 4]] for k in range(frames)])
    curves = np.zeros((frames, 52))
    curves[:, ARKIT_INDEX["jawOpen"]] = apertures / 33
    curves[:, ARKIT_INDEX["mouthPucker"]] = [0.5 * (symbols[k // 4] == "u") for k in range(frames)]
    loudness = apertures + generator.normal(0, 4, frames)
    return motion.TestClip(f"clip{seed}", motion.Movement(apertures, curves), phones, loudness, 30.0)


@pytest.fixture(scope="module")
def report() -> motion.MotionReport:
    clips, train = [made_clip(k) for k in range(3)], [known(made_clip(k)) for k in range(10, 16)]
    late = [motion.Movement(np.roll(c.truth.apertures, 3), np.roll(c.truth.curves, 3, 0)) for c in clips]
    rows = {"late": late}
    for name, fit in baselines.BASELINES.items():
        guess = fit(train)
        rows[name] = [motion.Movement(33 * guess(known(c))[:, JAW], guess(known(c))) for c in clips]
    return motion.report(clips, rows)


def known(clip: motion.TestClip) -> baselines.BaselineClip:
    """What is heard tells the opening, and whether lips are round, but not exactly."""
    curves = clip.truth.curves
    heard = curves[:, [JAW, ARKIT_INDEX["mouthPucker"]]]
    noise = np.random.default_rng(len(clip.id)).normal(0, 0.02, heard.shape)
    return baselines.BaselineClip(clip.loudness, clip.phones, curves, clip.rate, heard + noise)


def row(report: motion.MotionReport, name: str) -> motion.MotionRow:
    return next(row for row in report.rows if row.name == name)


def test_the_truth_agrees_with_itself(report):
    truth = row(report, "truth")
    assert truth.aperture_correlation == pytest.approx(1) and truth.aperture_error_mm == 0
    assert truth.lag_frames == 0 and truth.closure_share == 1 and truth.missing == 0
    assert truth.velocity_ratio == truth.jitter_ratio == pytest.approx(1)


def test_a_late_prediction_is_late(report):
    late = row(report, "late")
    assert late.lag_frames == 3 and late.aperture_correlation < 0.5


def test_baselines_stand_beside_and_rank_as_their_knowledge_does(report):
    rules, loud, mean = (row(report, name) for name in ("phoneme rules", "loudness envelope", "mean motion"))
    assert rules.aperture_correlation > loud.aperture_correlation > 0.4
    assert row(report, "nearest neighbour").aperture_correlation > loud.aperture_correlation
    assert mean.aperture_correlation < 0.05 and mean.velocity_ratio < 1e-6
    assert mean.lips.closure_rate == 0


def test_the_report_is_json(report):
    assert json.loads(json.dumps(report.json()))["rows"][0]["name"] == "truth"


def test_an_envelope_that_explains_all_is_followed_at_its_lag():
    loudness = np.random.default_rng(0).normal(size=200)
    clip = baselines.BaselineClip(loudness, (), np.roll(2 * loudness + 1, 2)[:, None], 30.0, loudness[:, None])
    assert np.abs(baselines.loudness_envelope([clip])(clip) - clip.targets)[3:].max() < 0.2


def test_real_speech_is_measured_against_the_same_speakers_ridge():
    def take(seed: int) -> real_speech.RealTake:
        generator = np.random.default_rng(seed)
        features = generator.normal(size=(600, 6))
        jaw = features[:, 0] + 0.3 * generator.normal(size=600)
        rounding = features[:, 1] + 0.5 * features[:, 2] + 0.3 * generator.normal(size=600)
        return real_speech.RealTake(features, jaw, rounding, features[:, 2])

    train, test = [take(k) for k in range(3)], take(9)
    reference = real_speech.same_speaker_ridge(train, test)
    own = real_speech.report(reference[:, 0], reference[:, 1], test, reference)
    assert own.jaw_ratio == own.rounding_ratio == pytest.approx(1)
    assert own.jaw_correlation > 0.9 and own.rounding_partial > 0.85 and own.jaw_lag == 0
    loud = real_speech.report(test.loudness, test.loudness, test, reference)
    assert loud.jaw_ratio < 0.2 and abs(loud.rounding_ratio) < 0.3


def test_calibration_finds_the_scale_and_the_pace():
    generator = np.random.default_rng(0)
    track = np.abs(np.convolve(generator.normal(size=3000), np.hanning(9), "same"))
    speech = np.ones(3000, bool)
    same = calibration.match([calibration.Track(track, speech)], [calibration.Track(2 * track, speech)], 30.0)
    assert same.scale == pytest.approx(0.5) and same.velocity_ratio == same.variance_ratio == pytest.approx(1)
    held = calibration.Track(np.repeat(track, 2), np.ones(6000, bool))
    slow = calibration.match([held], [calibration.Track(track, speech)], 30.0)
    assert slow.velocity_ratio < 0.8 and slow.variance_ratio == pytest.approx(1, abs=0.02)


def test_short_gaps_are_speech_and_long_ones_are_not():
    envelope = np.full(60, -10.0)
    envelope[10:14], envelope[30:50] = -60, -60
    speech = calibration.speech_frames(envelope)
    assert speech[:30].all() and not speech[32:48].any() and speech[50:].all()
