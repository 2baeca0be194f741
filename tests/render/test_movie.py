from fractions import Fraction

import av
import numpy as np
import pytest

from facetalk.errors import InputError
from facetalk.render.sheet import contact_sheet, write_picture
from facetalk.render.video import write_video
from facetalk.types import SAMPLE_RATE, Frame, Waveform


def pictures(count, width=32, height=16):
    for index in range(count):
        yield Frame(np.full((height, width, 3), index * 7 % 255, np.uint8))


def tone(seconds):
    return Waveform(np.sin(np.arange(int(seconds * SAMPLE_RATE)) * 0.2).astype(np.float32) * 0.3)


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(30000, 1001), Fraction(25)])
@pytest.mark.parametrize("seconds", [0.5, 3.0], ids=["short", "long"])
def test_sound_and_picture_have_one_length(tmp_path, rate, seconds):
    assert write_video(pictures(40), tmp_path / "a.mp4", rate, tone(seconds)) == 40
    with av.open(tmp_path / "a.mp4") as file:
        picture, sound = file.streams.video[0], file.streams.audio[0]
        assert picture.average_rate == rate and picture.frames == 40
        assert (picture.codec_context.name, picture.pix_fmt) == ("h264", "yuv420p")
        lengths = [stream.duration * stream.time_base for stream in (picture, sound)]
        assert lengths[0] == 40 / rate and abs(lengths[0] - lengths[1]) < 1 / rate


def test_sound_stays_in_time(tmp_path):
    click = np.zeros(SAMPLE_RATE * 2, np.float32)
    click[SAMPLE_RATE : SAMPLE_RATE + 160] = 0.9
    write_video(pictures(60), tmp_path / "a.mp4", Fraction(30), Waveform(click))
    with av.open(tmp_path / "a.mp4") as file:
        rate = file.streams.audio[0].rate
        loud = [(float(f.pts * f.time_base), np.abs(f.to_ndarray()[0])) for f in file.decode(audio=0)]
    start, samples = max(loud, key=lambda block: block[1].max())
    assert start + samples.argmax() / rate == pytest.approx(1.005, abs=0.02)


def test_frames_are_taken_one_at_a_time(tmp_path):
    alive = []

    def watched():
        for frame in pictures(30):
            alive.append(frame)
            yield frame
            alive.remove(frame)
            assert not alive

    assert write_video(watched(), tmp_path / "a.mp4", Fraction(30)) == 30


def test_a_failed_video_leaves_nothing(tmp_path):
    def broken():
        yield from pictures(3)
        raise RuntimeError("the head fell off")

    with pytest.raises(RuntimeError, match="fell off"):
        write_video(broken(), tmp_path / "a.mp4", Fraction(30))
    with pytest.raises(InputError, match="even"):
        write_video(pictures(1, width=33), tmp_path / "a.mp4", Fraction(30))
    with pytest.raises(InputError, match="at least one"):
        write_video(iter(()), tmp_path / "a.mp4", Fraction(30))
    assert not list(tmp_path.iterdir())


def test_unwritable_places_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_video(pictures(1), tmp_path / "file" / "a.mp4", Fraction(30))
    with pytest.raises(InputError, match="cannot be written"):
        write_picture(next(pictures(1)), tmp_path / "file" / "a.png")
    with pytest.raises(InputError, match="unknown picture format"):
        write_picture(next(pictures(1)), tmp_path / "a.bmp")


def test_a_sheet_holds_every_picture(tmp_path):
    frames = [Frame(np.full((40, 60, 3), value, np.uint8)) for value in (10, 90, 170)]
    sheet = contact_sheet(frames, ["one", "two", "three"], columns=2)
    assert sheet.pixels.shape[0] > 80 and sheet.pixels.shape[1] > 120
    assert all((sheet.pixels == value).all(-1).sum() >= 2400 for value in (10, 90, 170))
    write_picture(sheet, tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size > 100
