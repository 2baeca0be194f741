import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from facetalk.arkit import ARKIT_INDEX
from facetalk.data import capture, performance_files
from facetalk.data.facegood import Recording
from facetalk.data.performances import PerformanceConfig, generate
from facetalk.evaluation import generator
from facetalk.types import Waveform

CHANNELS = tuple(
    dict.fromkeys(
        [
            *("mouth_stretch_c", "mouth_oh_c", "mouth_oo_c", "mouth_chew_c", *capture.FUNNEL, *capture.PUCKER),
            *(channel for channels in capture.LIPS.values() for channel in channels),
        ]
    )
)


def recording(**channels: float) -> Recording:
    curves = np.zeros((5, len(CHANNELS)), np.float32)
    for name, value in channels.items():
        curves[:, CHANNELS.index(name)] = value
    return Recording("made", Waveform(np.zeros(2667, np.float32)), curves, CHANNELS, 0.0, "train")


def weight(take: Recording, name: str) -> float:
    return float(capture.mouth(take)[0, ARKIT_INDEX[name]])


@pytest.mark.parametrize("channel", ["mouth_oh_c", "mouth_oo_c", "mouth_pucker_l", "mouth_funnel_dl"])
def test_rounding_is_kept_whatever_channel_carries_it(channel):
    take = recording(**{channel: 0.5})
    total = weight(take, "mouthFunnel") + weight(take, "mouthPucker")
    assert total == pytest.approx(0.5 * capture.ROUNDING_SCALE)
    assert capture.rounding(take) == pytest.approx(0.5)


def test_weights_stay_within_what_a_mouth_can_do():
    wild = recording(**dict.fromkeys(CHANNELS, 3.0))
    assert capture.mouth(wild).min() >= 0 and capture.mouth(wild).max() <= 1
    shut = recording(mouth_chew_c=0.8, mouth_stretch_c=0.2)
    assert weight(shut, "mouthClose") == weight(shut, "jawOpen") == pytest.approx(0.2 * capture.JAW_SCALE)
    assert not capture.mouth(recording(mouth_oh_c=-0.1)).any()


@pytest.fixture(scope="module")
def made_set(tmp_path_factory) -> tuple[Path, Path]:
    """A timed clip and two captured recordings, and the performances made from them."""
    folder = tmp_path_factory.mktemp("sources")
    generator_ = np.random.default_rng(0)
    beat = 0.5 - 0.5 * np.cos(2 * np.pi * 2.5 * np.arange(180) / 30 * np.linspace(0.8, 1.2, 180))
    sound = generator_.normal(size=96_000) * 0.2 * (0.01 + np.interp(np.arange(96_000), np.arange(180) * 533.3, beat))
    for name in ("1114_2_01", "1114_2_05"):
        (folder / "wav").mkdir(exist_ok=True)
        (folder / "bs_value").mkdir(exist_ok=True)
        soundfile.write(folder / "wav" / f"{name}.wav", sound, 16_000)
        curves = np.zeros((180, len(CHANNELS)))
        curves[:, 0], curves[:, 1] = 0.4 * beat, 0.3 * beat
        np.save(folder / "bs_value" / f"bs_value_{name}.npy", curves)
    (folder / "channels.txt").write_text("\n".join(CHANNELS))
    (folder / "clips").mkdir()
    frames = [["_", 40], ["a", 80], ["u", 80], ["_", 40]]
    soundfile.write(folder / "clips" / "one.ogg", np.resize(sound, 24_000 * 6) * 1.0, 24_000)
    row = {"id": "one", "voice": "af_sky", "language": "en-us", "text": "x", "samples": 144_000, "frames": frames}
    (folder / "index.jsonl").write_text(json.dumps(row))
    generate(PerformanceConfig(folder, folder / "set", facegood=folder))
    return folder, folder / "set"


def test_real_recordings_join_the_set_with_a_living_upper_face(made_set):
    _, performances = made_set
    entries = {entry.id: entry for entry in performance_files.read_index(performances)}
    assert entries["1114_2_05"].split == "test" and entries["1114_2_01"].split == "train"
    assert entries["1114_2_01"].kind == "captured"
    clip = performance_files.read(performances, "1114_2_01")
    assert 0.15 < clip.weights[:, ARKIT_INDEX["jawOpen"]].max() < 0.3 and clip.phones == ()
    assert clip.weights[:, [ARKIT_INDEX["eyeLookInLeft"], ARKIT_INDEX["eyeLookOutLeft"]]].any()


def test_generator_and_capture_are_compared_in_one_unit(made_set):
    sources, performances = made_set
    report = generator.report(performances, sources)
    assert report.jaw.scale > 0 and report.jaw.velocity_ratio > 0
    assert sum(ours for ours, _ in report.rounding.spectrum) == pytest.approx(1, abs=1e-3)
