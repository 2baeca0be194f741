"""Disturbed clips keep their motion, and are heard otherwise."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile

import made_models
import made_sound
from facetalk.data import performance_files
from facetalk.data.performance_files import Entry, Performance
from facetalk.errors import InputError
from facetalk.speech import encoder, waveform
from facetalk.training.motion_clips import read_performances
from facetalk.training.motion_disturbed import DisturbedSet, main
from facetalk.types import SAMPLE_RATE


@pytest.fixture
def config(tmp_path) -> DisturbedSet:
    performances, entries = tmp_path / "performances", []
    performances.mkdir()
    made_models.write_encoder(tmp_path / "speech.safetensors", seed=1)
    for number, split in enumerate(("train", "train", "test")):
        sound = made_sound.speech(0.7 + 0.2 * number)
        soundfile.write(performances / f"{number}.wav", sound.samples, SAMPLE_RATE, "FLOAT")
        frames = round(len(sound.samples) / SAMPLE_RATE * 30)
        weights = np.random.default_rng(number).random((frames, 52)).astype(np.float32)
        made = Performance(weights, np.zeros(frames, np.float32), (("a", 0.0, 0.5),))
        performance_files.write(made, performances, f"clip{number}")
        entries.append(
            Entry(f"clip{number}", "generated", "", "en", "", split, frames, 0, f"{number}.wav", made.sha256)
        )
    performance_files.write_index(entries, performances)
    return DisturbedSet(performances, tmp_path / "out", str(tmp_path / "speech.safetensors"))


def test_the_motion_stays_and_the_sound_does_not(config):
    main(config)
    clips = read_performances(config.out, config.out, ["train"])
    assert sorted(clips.names) == ["disturbed_clip0", "disturbed_clip1"]
    for name in ("clip0", "clip1"):
        told = [performance_files.read(folder, each).sha256 for folder, each in
                ((config.performances, name), (config.out, f"disturbed_{name}"))]  # fmt: skip
        assert told[0] == told[1]
        heard = np.load(config.out / f"disturbed_{name}.npy")
        clean = encoder.load(config.encoder)(waveform.read(config.performances / f"{name[-1]}.wav")).values.numpy()
        assert heard.shape == clean.shape and np.abs(heard - clean).max() > 0.01


def test_the_same_seed_makes_the_same_set(config, tmp_path):
    for folder in ("one", "two"):
        main(replace(config, out=tmp_path / folder))
    for name in ("disturbed_clip0", "disturbed_clip1"):
        assert np.array_equal(*(np.load(tmp_path / folder / f"{name}.npy") for folder in ("one", "two")))


def test_a_folder_keeps_to_one_encoder(config, tmp_path):
    main(config)
    made_models.write_encoder(tmp_path / "speech.safetensors", seed=2)
    with pytest.raises(InputError, match="another encoder"):
        main(config)


def test_a_set_without_training_clips_is_refused(config):
    held = [replace(entry, split="test") for entry in performance_files.read_index(config.performances)]
    performance_files.write_index(held, config.performances)
    with pytest.raises(InputError, match="no clip of split train"):
        main(config)
