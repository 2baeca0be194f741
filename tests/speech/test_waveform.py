from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from facetalk.errors import InputError
from facetalk.speech import waveform
from facetalk.types import SAMPLE_RATE

TONE_HZ = 440


def tone(seconds: float, rate: int, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * TONE_HZ * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def pitch(samples: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))) * SAMPLE_RATE / len(samples))


def write_container(path: Path, codec: str, rate: int, *, picture: bool = False, sound: bool = True) -> Path:
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10) if picture else None
        audio = container.add_stream(codec, rate=rate) if sound else None
        if video is not None:
            video.width = video.height = 32
            for _ in range(10):
                frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
        if audio is not None:
            samples = (tone(1, rate) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.rate = rate
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


@pytest.mark.parametrize(
    ("suffix", "rate", "subtype"),
    [
        ("wav", 8000, "PCM_16"),
        ("wav", 16000, "PCM_U8"),
        ("wav", 96000, "PCM_24"),
        ("wav", 44100, "FLOAT"),
        ("flac", 48000, "PCM_24"),
        ("ogg", 24000, "VORBIS"),
        ("mp3", 44100, "MPEG_LAYER_III"),
    ],
)
def test_every_format_and_rate_becomes_16_khz(tmp_path, suffix: str, rate: int, subtype: str):
    path = tmp_path / f"a.{suffix}"
    soundfile.write(path, np.stack([tone(1, rate)] * 2, axis=1), rate, subtype=subtype)
    speech = waveform.read(path)
    assert abs(speech.duration - 1) < Fraction(1, 15)  # an encoder may pad a packet
    assert abs(pitch(speech.samples) - TONE_HZ) < 3
    assert 0.4 < np.abs(speech.samples[4000:12000]).max() < 0.6


@pytest.mark.parametrize(
    ("name", "codec", "rate", "picture"),
    [("a.m4a", "aac", 44100, False), ("a.mp4", "aac", 48000, True), ("a.webm", "libopus", 48000, False)],
)
def test_sound_of_containers(tmp_path, name: str, codec: str, rate: int, picture: bool):
    speech = waveform.read(write_container(tmp_path / name, codec, rate, picture=picture))
    assert abs(speech.duration - 1) < Fraction(1, 10)
    assert abs(pitch(speech.samples) - TONE_HZ) < 3


def test_channels_are_averaged(tmp_path):
    left = tone(1, SAMPLE_RATE)
    soundfile.write(tmp_path / "a.wav", np.stack([left, np.zeros_like(left)], axis=1), SAMPLE_RATE, subtype="FLOAT")
    np.testing.assert_allclose(waveform.read(tmp_path / "a.wav").samples, left / 2, atol=1e-6)


@pytest.mark.parametrize("level", [1e-4, 4.0])
def test_quiet_and_clipped_sound_is_left_as_it_is(tmp_path, level: float):
    samples = np.clip(tone(0.5, SAMPLE_RATE, level), -1, 1)
    soundfile.write(tmp_path / "a.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    np.testing.assert_array_equal(waveform.read(tmp_path / "a.wav").samples, samples)


@pytest.mark.parametrize("rate", [SAMPLE_RATE, 44100])
def test_a_part_is_that_part_of_the_whole(tmp_path, rate: int):
    samples = np.random.default_rng(0).normal(0, 0.1, 2 * rate).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, rate, subtype="FLOAT")
    whole = waveform.read(tmp_path / "a.wav").samples
    part = waveform.read(tmp_path / "a.wav", start=0.5, duration=1.0).samples
    assert len(part) == SAMPLE_RATE
    np.testing.assert_allclose(part[200:-200], whole[SAMPLE_RATE // 2 :][200 : SAMPLE_RATE - 200], atol=2e-3)


def test_blocks_change_nothing(tmp_path, monkeypatch):
    samples = np.random.default_rng(0).normal(0, 0.1, 44100).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 44100, subtype="FLOAT")
    whole = waveform.read(tmp_path / "a.wav").samples
    monkeypatch.setattr(waveform, "BLOCK_SAMPLES", 1000)
    np.testing.assert_allclose(waveform.read(tmp_path / "a.wav").samples, whole, atol=1e-6)


def empty(folder: Path) -> Path:
    (folder / "empty.wav").touch()
    return folder / "empty.wav"


def text(folder: Path) -> Path:
    (folder / "text.wav").write_text("this is no sound\n" * 50)
    return folder / "text.wav"


def silent_video(folder: Path) -> Path:
    return write_container(folder / "silent.mp4", "aac", 48000, picture=True, sound=False)


def holding(samples: np.ndarray):
    def write(folder: Path) -> Path:
        soundfile.write(folder / "some.wav", samples, SAMPLE_RATE, subtype="FLOAT")
        return folder / "some.wav"

    return write


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "none.wav", "no such file"),
        (lambda folder: folder, "is a folder"),
        (empty, "is empty"),
        (text, "is not a sound or video file"),
        (silent_video, "no sound track"),
        (holding(np.zeros(0, np.float32)), "0 s of sound"),
        (holding(np.zeros(320, np.float32)), "too short"),
        (holding(np.full(16000, np.nan, np.float32)), "NaN"),
    ],
)
def test_bad_input_is_told_in_one_line(tmp_path, make, said: str):
    with pytest.raises(InputError, match=said) as caught:
        waveform.read(make(tmp_path))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("span", "said"),
    [({"start": -1.0}, "start"), ({"duration": 0.0}, "duration"), ({"start": 9.0}, "nothing is left")],
)
def test_bad_spans_are_told(tmp_path, span: dict, said: str):
    soundfile.write(tmp_path / "a.wav", tone(1, SAMPLE_RATE), SAMPLE_RATE)
    with pytest.raises(InputError, match=said):
        waveform.read(tmp_path / "a.wav", **span)
