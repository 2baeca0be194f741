import numpy as np
import pytest
import soundfile

from facetalk.data import facegood
from facetalk.data.facegood import JAW, advanced, estimate_lag
from facetalk.errors import InputError
from facetalk.types import FRAME_RATE, SAMPLE_RATE

FRAMES = 300


def loudness(seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.convolve(random.random(FRAMES + 8), np.hanning(9), "valid").astype(np.float32)


def write(folder, lag: float, name: str = "1114_2_01") -> None:
    """Noise whose level follows a curve, and a jaw that follows it `lag` frames late."""
    level = loudness()
    times = (np.arange(FRAMES * SAMPLE_RATE // 30) / SAMPLE_RATE) * float(FRAME_RATE) - 0.5
    samples = np.random.default_rng(1).normal(0, 0.02, len(times)) * np.interp(times, np.arange(FRAMES), level)
    (folder / "wav").mkdir(exist_ok=True)
    (folder / "bs_value").mkdir(exist_ok=True)
    soundfile.write(folder / "wav" / f"{name}.wav", samples, SAMPLE_RATE)
    jaw = np.log10(np.interp(np.arange(FRAMES) - lag, np.arange(FRAMES), level))
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({FRAMES}L, 2L), }}"  # Python 2 wrote 300L
    header = header.ljust(118 - 1) + "\n"
    body = np.stack([np.zeros(FRAMES), jaw], axis=1).astype("<f8").tobytes()
    prefix = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little")
    (folder / "bs_value" / f"bs_value_{name}.npy").write_bytes(prefix + header.encode() + body)
    (folder / "channels.txt").write_text(f"brow_lower_l\n{JAW}\n")


@pytest.mark.parametrize("lag", [0.0, 1.0, 1.4, -2.0])
def test_the_lag_is_found_and_removed(tmp_path, lag: float):
    write(tmp_path, lag)
    recording = facegood.read_one(tmp_path, "1114_2_01")
    assert abs(recording.lag - lag) < 0.25
    level = facegood.log_loudness(recording.speech, FRAMES)
    assert abs(estimate_lag(level, recording.channel(JAW))) < 0.3
    assert recording.curves.shape == (FRAMES, 2)


def test_advancing_reads_later():
    ramp = np.arange(50, dtype=np.float32)[:, None]
    np.testing.assert_allclose(advanced(ramp, 1.5)[:40, 0], np.arange(40) + 1.5, atol=1e-4)


def test_the_test_recording_is_held_out(tmp_path):
    write(tmp_path, 1.0)
    write(tmp_path, 1.0, "1114_2_05")
    assert {recording.name: recording.split for recording in facegood.read(tmp_path)} == {
        "1114_2_01": "train",
        "1114_2_05": "test",
    }


def test_what_is_missing_is_told(tmp_path):
    with pytest.raises(InputError, match="no wav"):
        facegood.read(tmp_path)
    write(tmp_path, 0.0)
    (tmp_path / "channels.txt").write_text(JAW)
    with pytest.raises(InputError, match="does not fit the 1 names"):
        facegood.read(tmp_path)
