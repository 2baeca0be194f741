"""Our motion on the held-out real recording, beside a ridge trained on the same speaker and beside loudness.

python recipes/real_recording.py PERFORMANCES FEATURES
"""

import sys
from pathlib import Path

import numpy as np

import facetalk
from facetalk.arkit import ARKIT_INDEX
from facetalk.data import performance_files
from facetalk.evaluation import real_speech
from facetalk.evaluation.lips import rounding
from facetalk.speech import waveform

TRAIN, TEST = ("1114_2_01", "1114_2_02", "1114_2_03", "1114_2_04"), "1114_2_05"
JAW = ARKIT_INDEX["jawOpen"]


def take(performances: Path, features: Path, name: str, most: int | None = None) -> real_speech.RealTake:
    """Features and captured curves of one recording, cut to equal length."""
    made = performance_files.read(performances, name)
    heard = np.load(features / f"{name}.npy").astype(float)
    frames = min(len(heard), len(made.weights), most or len(heard))
    weights = made.weights[:frames].astype(float)
    return real_speech.RealTake(
        heard[:frames], weights[:, JAW], rounding(weights), made.envelope[:frames].astype(float)
    )


def main(performances: Path, features: Path) -> None:
    """Print one line for each row."""
    entry = next(row for row in performance_files.read_index(performances) if row.id == TEST)
    clip = facetalk.load().animate(waveform.read(performance_files.audio_path(performances, entry)))
    curves = clip.arkit().weights.astype(float)
    test = take(performances, features, TEST, len(curves))
    curves = curves[: len(test.jaw)]
    ridge = real_speech.same_speaker_ridge([take(performances, features, name) for name in TRAIN], test)
    print("ours", real_speech.report(curves[:, JAW], rounding(curves), test, ridge))
    print("loudness", real_speech.report(test.loudness, test.loudness, test, ridge))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
