"""Damaged talkers: what is shuffled, what noise is as loud as, and how far silence in front moves the lips."""

import numpy as np
import torch

import facetalk
from facetalk.evaluation import knockouts
from facetalk.pipeline.talker import Performing
from facetalk.types import SAMPLE_RATE
from made_sound import speech

PERFORMING = Performing(steps=2)


def test_shuffling_keeps_the_numbers_and_loses_their_places():
    module = torch.nn.Linear(20, 30)
    other = knockouts.shuffled(module, 0)
    assert torch.equal(other.weight.flatten().sort().values, module.weight.flatten().sort().values)
    assert not torch.equal(other.weight, module.weight)
    assert torch.equal(knockouts.shuffled(module, 0).weight, other.weight)


def test_noise_is_as_loud_as_the_speech_and_like_nothing_else_in_it():
    sound = speech(1.0)
    noise = knockouts.noise_as_loud(sound, 0)
    blocks = [np.sqrt((each.samples[: SAMPLE_RATE // 2] ** 2).mean()) for each in (sound, noise)]
    assert 0.7 < blocks[1] / blocks[0] < 1.4
    assert abs(np.corrcoef(sound.samples, noise.samples)[0, 1]) < 0.05


def test_every_row_speaks_and_the_damaged_ones_speak_otherwise(weights):
    talker = facetalk.load(weights, device="cpu")
    who, sound = talker.identity("seed:1"), speech()
    whole = talker.animate(sound, identity=who, seed=0, performing=PERFORMING)
    clips = {name: speak(sound, who) for name, speak in knockouts.rows(talker, PERFORMING, 0).items()}
    for name, clip in clips.items():
        assert len(clip) == len(whole)
        same = torch.equal(clip.codes.values, whole.codes.values)
        assert same == (name == "shuffled head"), name
    assert clips["shuffled head"].head.hash != whole.head.hash


def test_silence_in_front_moves_lips_by_as_much(weights):
    talker = facetalk.load(weights, device="cpu")
    assert abs(knockouts.shift(talker, speech(2.0), PERFORMING, 0) - knockouts.SHIFT_FRAMES) <= 1
