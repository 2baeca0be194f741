import numpy as np
import pytest

from facetalk.data.facegood import JAW, Recording
from facetalk.data.ridge import fit, stacked
from facetalk.data.teacher import interpolated
from facetalk.evaluation import softmax
from facetalk.evaluation import speech as evaluation
from facetalk.evaluation.speech import PROBE_CHOICE, PROBE_TEST, PROBE_TRAINING, correlations, log_mel, mouth_probe
from facetalk.types import SAMPLE_RATE, Waveform

CHANNELS = ("brow_raise_c", JAW, "mouth_oh_c", "mouth_oo_c", "mouth_still_c")


def recording(name: str, seed: int) -> Recording:
    """Curves that a delayed, mixed copy of the features tells; the brow moves on its own."""
    random = np.random.default_rng(seed)
    hidden = random.normal(size=(200, 3)).astype(np.float32)
    curves = np.zeros((200, 5), np.float32)
    curves[:, 0] = random.normal(size=200)
    curves[:, 1:4] = np.roll(hidden, 2, axis=0) @ np.array([[1, 0.2, 0], [0, 1, 0.3], [0.5, 0, 1]], np.float32)
    curves[:, 4] = 1e-3 * curves[:, 1]
    # the feature function reads the hidden curves back from the samples
    return Recording(name, Waveform(hidden.ravel()), curves, CHANNELS, 0.0, "train")


def hidden_features(speech: Waveform) -> np.ndarray:
    return speech.samples.reshape(-1, 3)


def test_a_probe_finds_what_is_linear_in_the_features():
    names = (*PROBE_TRAINING, PROBE_CHOICE, PROBE_TEST)
    recordings = {name: recording(name, seed) for seed, name in enumerate(names)}
    figures = mouth_probe(hidden_features, recordings)
    assert figures["channels"] == 3
    assert figures["mouth_correlation"] > 0.95
    blind = mouth_probe(lambda speech: np.random.default_rng(0).normal(size=(200, 3)), recordings)
    assert abs(blind["mouth_correlation"]) < 0.3


def test_the_test_recording_chooses_nothing():
    assert PROBE_TEST not in (*PROBE_TRAINING, PROBE_CHOICE)


def test_ridge_without_penalty_is_least_squares():
    random = np.random.default_rng(0)
    inputs, weights = random.normal(size=(100, 4)), random.normal(size=(4, 2))
    guess = fit([(inputs[:60], (inputs @ weights + 3)[:60])], 1e-6)
    np.testing.assert_allclose(guess(inputs), inputs @ weights + 3, atol=1e-3)


def test_softmax_names_what_is_linearly_apart():
    random = np.random.default_rng(0)
    classes = random.integers(0, 3, 300)
    inputs = (np.eye(3)[classes] + random.normal(0, 0.1, (300, 3))).astype(np.float32)
    probe = softmax.fit(inputs[:200], classes[:200], 3)
    assert (probe(inputs[200:]) == classes[200:]).mean() > 0.98


def test_stacking_holds_the_ends():
    rows = stacked(np.arange(4, dtype=np.float32)[:, None], 1)
    assert rows.tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]


def test_correlation_ignores_scale_and_offset():
    truth = np.random.default_rng(0).normal(size=(50, 2))
    np.testing.assert_allclose(correlations(3 * truth + 1, truth), 1, atol=1e-6)


def test_log_mel_peaks_where_the_tone_is():
    times = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    low, high = (log_mel(Waveform(np.sin(2 * np.pi * hertz * times).astype(np.float32))) for hertz in (300, 3000))
    assert low.shape == (30, evaluation.MEL_BANDS)
    assert (low[2:-2].argmax(1) < high[2:-2].argmax(1)).all()


@pytest.mark.parametrize(("place", "value"), [(0.25, 0.5), (-3.0, 0.0), (9.0, 4.0), (1.5, 3.0)])
def test_interpolation_holds_the_ends(place: float, value: float):
    rows = np.array([[0.0], [2.0], [4.0]], np.float32)
    assert interpolated(rows, np.array([place]))[0, 0] == pytest.approx(value)
