"""How much a speech encoder knows: a ridge to real mouth curves, and phones named by held-out voices.

    python -m facetalk.evaluation.speech --facegood DIR --timed-speech DIR --teacher encoder_model.ort

The same script judges the encoder, its teacher and log-mel energies.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from facetalk.data import facegood, timed_speech
from facetalk.data.facegood import Recording
from facetalk.data.phone_labels import IGNORED, labels, symbols_of
from facetalk.data.ridge import fit, stacked
from facetalk.data.teacher import Teacher
from facetalk.data.timed_speech import TimedClip
from facetalk.evaluation import softmax
from facetalk.speech import encoder, waveform
from facetalk.speech.mel import mel_energies
from facetalk.speech.timing import frame_count, midpoints
from facetalk.types import FRAME_RATE, Waveform

CONTEXT_FRAMES = 4
"""Frames on either side that a probe sees."""
PENALTIES = tuple(10.0**power for power in range(0, 7))
LEAST_SPREAD = 0.02
"""Channels that move less than this (standard deviation on the training recordings) are not judged."""
ROUNDING = ("mouth_oh_c", "mouth_oo_c")
PROBE_TRAINING = ("1114_2_01", "1114_2_02", "1114_2_03")
PROBE_CHOICE = "1114_2_04"
"""The training recording that chooses the penalty; the probe is then fitted on it too."""
PROBE_TEST = "1114_2_05"
PHONE_TRAINING_CLIPS = 400
MEL_BANDS = 80

Features = Callable[[Waveform], Float[np.ndarray, "frame feature"]]


@dataclass(frozen=True)
class SpeechEvaluation:
    """What is judged, and on what."""

    facegood: Path
    """Folder with wav/, bs_value/ and channels.txt."""
    timed_speech: Path
    """Folder with index.jsonl and clips/."""
    encoder: str = encoder.BUNDLED
    """"bundled", a .safetensors file, a folder or a name on the hub."""
    teacher: Path | None = None
    """encoder_model.ort of the moonshine-cpp wheel; None leaves its row out."""


def evaluate(evaluation: SpeechEvaluation) -> dict[str, dict[str, float]]:
    """Figures of every row: mean, jaw and rounding correlation on the held-out recording, phone accuracy."""
    recordings = {recording.name: recording for recording in facegood.read(evaluation.facegood)}
    clips = timed_speech.read(evaluation.timed_speech)
    figures = {
        name: {**mouth_probe(features, recordings), **phone_probe(features, clips)}
        for name, features in rows(evaluation).items()
    }
    if "teacher" in figures:
        share = figures["encoder"]["mouth_correlation"] / figures["teacher"]["mouth_correlation"]
        figures["encoder"]["mouth_correlation_of_teacher"] = share
    return figures


def rows(evaluation: SpeechEvaluation) -> dict[str, Features]:
    """The features that are compared."""
    model = encoder.load(evaluation.encoder)
    compared: dict[str, Features] = {"encoder": lambda speech: model(speech).values.numpy()}
    if evaluation.teacher is not None:
        teacher = Teacher(evaluation.teacher)
        compared["teacher"] = lambda speech: teacher(speech, _times(speech))
    return {**compared, "log_mel": log_mel}


def mouth_probe(features: Features, recordings: Mapping[str, Recording]) -> dict[str, float]:
    """Correlation of a ridge's guess with the capture on the held-out recording (bar 7)."""
    first = recordings[PROBE_TRAINING[0]]
    training = np.concatenate([recordings[name].curves for name in (*PROBE_TRAINING, PROBE_CHOICE)])
    judged = [
        index
        for index, name in enumerate(first.channels)
        if name.startswith("mouth_") and training[:, index].std() > LEAST_SPREAD
    ]
    pairs = {name: _pair(features, recordings[name], judged) for name in (*PROBE_TRAINING, PROBE_CHOICE, PROBE_TEST)}
    chosen = [pairs[name] for name in PROBE_TRAINING]
    scores = {
        penalty: correlations(fit(chosen, penalty)(pairs[PROBE_CHOICE][0]), pairs[PROBE_CHOICE][1]).mean()
        for penalty in PENALTIES
    }
    penalty = max(scores, key=scores.__getitem__)
    inputs, truth = pairs[PROBE_TEST]
    match = correlations(fit([*chosen, pairs[PROBE_CHOICE]], penalty)(inputs), truth)
    names = [first.channels[index] for index in judged]
    return {
        "mouth_correlation": float(match.mean()),
        "jaw_correlation": float(match[names.index(facegood.JAW)]),
        "rounding_correlation": float(np.mean([match[names.index(name)] for name in ROUNDING])),
        "channels": len(judged),
        "penalty": penalty,
    }


def phone_probe(features: Features, clips: tuple[TimedClip, ...]) -> dict[str, float]:
    """Share of frames whose phone a linear probe names, on voices and texts never trained on; silence left out."""
    symbols = symbols_of(clips)
    training = [clip for clip in clips if clip.split == "train"]
    heard = [_labelled(features, clip, symbols) for clip in training[:: max(len(training) // PHONE_TRAINING_CLIPS, 1)]]
    probe = softmax.fit(*(np.concatenate(part) for part in zip(*heard, strict=True)), len(symbols))
    test = [_labelled(features, clip, symbols) for clip in clips if clip.split == "test"]
    right = np.concatenate([probe(inputs) == classes for inputs, classes in test])
    spoken = np.concatenate([classes for _, classes in test]) > 0
    return {"phone_accuracy": float(right[spoken].mean()), "phone_frames": int(spoken.sum())}


def correlations(
    guess: Float[np.ndarray, "frame channel"], truth: Float[np.ndarray, "frame channel"]
) -> Float[np.ndarray, " channel"]:
    """Pearson correlation of each channel."""
    guess, truth = guess - guess.mean(0), truth - truth.mean(0)
    return (guess * truth).sum(0) / np.sqrt((guess**2).sum(0) * (truth**2).sum(0) + 1e-12)


def log_mel(speech: Waveform) -> Float[np.ndarray, "frame band"]:
    """Log energies of `MEL_BANDS` mel bands round each frame's midpoint."""
    return np.log(mel_energies(speech.samples, _times(speech), MEL_BANDS) + 1e-6)


def _pair(
    features: Features, recording: Recording, judged: list[int]
) -> tuple[Float[np.ndarray, "frame input"], Float[np.ndarray, "frame channel"]]:
    inputs, truth = features(recording.speech), recording.curves[:, judged]
    frames = min(len(inputs), len(truth))
    return stacked(inputs, CONTEXT_FRAMES)[:frames], truth[:frames]


def _labelled(
    features: Features, clip: TimedClip, symbols: list[str]
) -> tuple[Float[np.ndarray, "frame input"], Int[np.ndarray, " frame"]]:
    speech = waveform.read(clip.path)
    inputs = features(speech)
    classes = labels(clip.phones, speech, symbols, len(inputs))
    return inputs[classes != IGNORED], classes[classes != IGNORED]


def _times(speech: Waveform) -> Float[np.ndarray, " frame"]:
    return midpoints(frame_count(speech.duration, FRAME_RATE), FRAME_RATE)


if __name__ == "__main__":
    import tyro

    print(json.dumps(evaluate(tyro.cli(SpeechEvaluation)), indent=2))
