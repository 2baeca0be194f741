from fractions import Fraction

import numpy as np
import pytest

from facetalk.data import fitted, performance_files
from facetalk.data.fitted import FittedSequence
from facetalk.errors import InputError
from facetalk.training.motion_clips import read_performances
from made_sound import hum, write

RATE, FIRST = Fraction(73, 3), Fraction(3, 146)


def sequence(frames: int, first: Fraction = FIRST, lost: tuple[int, ...] = ()) -> FittedSequence:
    """A jaw that opens twice a second."""
    times = np.array([float(first + frame / RATE) for frame in range(frames)])
    weights = np.zeros((frames, 52), np.float32)
    weights[:, 17] = 0.5 + 0.5 * np.sin(2 * np.pi * times)
    quality = np.ones(frames)
    quality[list(lost)] = 0
    weights[list(lost)] = 9.0
    arrays = {name: np.zeros(frames) for name in ("codes", "T_head_world", "z_id", "residual_mm", "inliers", "flags")}
    return FittedSequence("017_read", RATE, first, "abc", {**arrays, "weights": weights, "quality": quality}, "017")


def test_sound_and_motion_stay_together_for_ten_minutes():
    """Within 5 ms at the end: taken for 24 frames a second they would be 8 s apart, for 24.33 82 ms."""
    found = sequence(14_600)
    jaw = found.resampled(Fraction(600), Fraction(30))[:, 17]
    times = (np.arange(len(jaw)) + 0.5) / 30
    assert len(jaw) == 18_000
    last = slice(-300, -3)
    late = [np.abs(jaw[last] - (0.5 + 0.5 * np.sin(2 * np.pi * (times[last] - s)))).mean() for s in (-0.005, 0, 0.005)]
    assert late[1] < min(late[0], late[2])


def test_the_first_frames_time_counts():
    late = sequence(100, first=FIRST + Fraction(1, 10)).resampled(Fraction(3), Fraction(30))
    assert np.allclose(late[10:60], sequence(100).resampled(Fraction(3), Fraction(30))[10:60], atol=0.02)


def test_bad_frames_are_bridged():
    whole, holed = (sequence(60, lost=lost).resampled(Fraction(2), Fraction(30)) for lost in ((), (20, 21, 40)))
    assert np.abs(whole - holed).max() < 0.1


def test_sequences_of_holes_are_refused():
    with pytest.raises(InputError, match="only 50% of its frames are good"):
        sequence(60, lost=tuple(range(30))).resampled(Fraction(2), Fraction(30))


def test_what_is_written_is_read_and_trains(tmp_path):
    folder = tmp_path / "dataset" / "017_read"
    folder.mkdir(parents=True)
    fitted.write_codes(sequence(48), folder)
    write(folder / "audio.wav", hum(float(48 / RATE)))
    assert fitted.read(folder).rate == RATE and fitted.read(folder).first == FIRST
    (entry,) = fitted.performances(tmp_path / "dataset", tmp_path / "set", held_out=["018"])
    assert (entry.split, entry.voice, entry.frames) == ("train", "017", 59)
    assert performance_files.audio_path(tmp_path / "set", entry).is_file()
    (tmp_path / "features").mkdir()
    np.save(tmp_path / "features" / "017_read.npy", np.zeros((59, 4), np.float16))
    clips = read_performances(tmp_path / "set", tmp_path / "features", ["train"])
    assert clips.names == ("017_read",) and clips.weights.shape == (59, 52)
    assert float(clips.weights[:, 17].float().max()) > 0.95
