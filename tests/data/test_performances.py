import json

import numpy as np
import pytest
import soundfile

from facetalk.arkit import ARKIT_INDEX
from facetalk.data import loudness, performance_files
from facetalk.data.performances import PerformanceConfig, generate
from facetalk.errors import InputError
from facetalk.types import SAMPLE_RATE, Waveform

FRAMES = [["_", 12], ["m", 4], ["ˈ", 1], ["a", 8], ["p", 4], ["ɑ", 8], ["_", 20]]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Two clips of buzzes and silences with labels."""
    folder = tmp_path_factory.mktemp("timed")
    (folder / "clips").mkdir()
    generator = np.random.default_rng(0)
    level = np.concatenate([np.full(600 * count, symbol not in "_p") for symbol, count in FRAMES]).astype(float)
    for name in ("one", "two"):
        hum = np.sign(np.sin(2 * np.pi * 120 * np.arange(len(level)) / 24_000)) * 0.2
        soundfile.write(
            folder / "clips" / f"{name}.ogg", level * hum + 1e-4 * generator.normal(size=len(level)), 24_000
        )
    rows = [
        {"id": n, "voice": v, "language": "en-us", "text": f"text {n}", "samples": len(level), "frames": FRAMES}
        for n, v in (("one", "af_sky"), ("two", "af_nova"))
    ]
    (folder / "index.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    return folder


def test_a_set_is_written_read_and_the_same_again(source, tmp_path):
    seen = []
    made = generate(PerformanceConfig(source, tmp_path / "a"), lambda done, total: seen.append((done, total)))
    again = generate(PerformanceConfig(source, tmp_path / "b"))
    other = generate(PerformanceConfig(source, tmp_path / "c", seed=1))
    assert seen == [(1, 2), (2, 2)] and made.clips == 2
    assert made.sha256 == again.sha256 != other.sha256
    entries = performance_files.read_index(tmp_path / "a")
    assert [entry.split for entry in entries][1] == "test"
    assert performance_files.set_hash(entries) == made.sha256
    for entry in entries:
        clip = performance_files.read(tmp_path / "a", entry.id)
        assert clip.sha256 == entry.sha256 and len(clip.weights) == entry.frames == len(clip.envelope)
        assert performance_files.audio_path(tmp_path / "a", entry).is_file()
        assert {"_", "m", "a", "p", "ɑ"} <= {label for label, _, _ in clip.phones}


def test_a_clip_keeps_its_performance_whatever_else_is_in_the_set(source, tmp_path):
    generate(PerformanceConfig(source, tmp_path / "whole"))
    generate(PerformanceConfig(source, tmp_path / "part", limit=1))
    whole = performance_files.read(tmp_path / "whole", "one")
    assert np.array_equal(whole.weights, performance_files.read(tmp_path / "part", "one").weights)
    jaw, close = whole.weights[:, ARKIT_INDEX["jawOpen"]], whole.weights[:, ARKIT_INDEX["mouthClose"]]
    assert (close <= jaw).all() and jaw.max() > 0.2


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        performance_files.read_index(tmp_path)
    with pytest.raises(InputError, match="no readable performance"):
        performance_files.read(tmp_path, "one")
    (tmp_path / "index.jsonl").write_text('{"id": 1}')
    with pytest.raises(InputError, match="damaged"):
        performance_files.read_index(tmp_path)


@pytest.mark.parametrize("hertz", [90.0, 150.0, 240.0])
def test_pitch_of_a_hum(hertz):
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 8)) * (time < 0.6)
    times, octaves = loudness.pitch(Waveform(hum.astype(np.float32)))
    voiced = octaves[(times > 0.1) & (times < 0.5)]
    assert np.abs(voiced - np.log2(hertz)).max() < 0.06
    assert np.isnan(octaves[times > 0.7]).all()
