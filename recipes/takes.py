"""How far takes of one line go apart, ours and the generator's: only what is drawn, since the line is the same.

The generator draws a manner and a life for every seed; drawn again for the same sound, they show how far true takes
differ. Curves of the upper face: brows, lids, gaze, squinting.

python recipes/takes.py PERFORMANCES TIMED_SPEECH [CLIPS [TAKES]]
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

import facetalk
from facetalk.arkit import ARKIT_NAMES
from facetalk.data import timed_speech
from facetalk.data.loudness import listen
from facetalk.data.performances import perform
from facetalk.data.segments import segment
from facetalk.evaluation.interval import Share, ratio
from facetalk.evaluation.talking import TalkingTest, entries
from facetalk.speech import waveform

PARTS = {
    "brows": ("brow",),
    "lids": ("eyeBlink", "eyeSquint", "eyeWide"),
    "gaze": ("eyeLook",),
    "jaw and lips": ("jaw", "mouth"),
}
UPPER = ("brow", "eye", "cheekSquint", "noseSneer")

Takes = Sequence[Float[np.ndarray, "frame 52"]]


def between(takes: Takes, starts: tuple[str, ...]) -> Float[np.ndarray, "2"]:
    """Variance between takes in a frame, mean over frames, and between the means of takes; sums over curves."""
    columns = [index for index, name in enumerate(ARKIT_NAMES) if name.startswith(starts)]
    frames = min(map(len, takes))
    curves = np.stack([take[:frames, columns] for take in takes])
    return np.array([curves.var(axis=0, ddof=1).mean(axis=0).sum(), curves.mean(axis=1).var(axis=0, ddof=1).sum()])


def main(performances: Path, speech: Path, clips: int, takes: int) -> None:
    """Print a line for each part of the face."""
    talker, test = facetalk.load(), TalkingTest(performances, clips=clips)
    known = {clip.id: clip for clip in timed_speech.read(speech)}
    pairs = []
    for entry in entries(test, "test", clips):
        sound = waveform.read(entry.audio)
        loudness = listen(sound)
        segments = segment(known[entry.id].phones, loudness)
        true = [perform(sound, segments, loudness, seed).weights for seed in range(takes)]
        ours = [talker.animate(sound, seed=seed).arkit().weights for seed in range(takes)]
        pairs.append((ours, true))
    for part, starts in {"upper face": UPPER, **PARTS}.items():
        found = [(between(ours, starts), between(true, starts)) for ours, true in pairs]
        for name, which in (("in a frame", 0), ("of the means of takes", 1)):
            shares: list[Share] = [(float(ours[which]), float(true[which])) for ours, true in found]
            print(f"{part}: variance between takes {name}, ours by the generator's: {ratio(shares)}")


if __name__ == "__main__":
    given = [*sys.argv[3:], *("8", "4")[len(sys.argv[3:]) :]]
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(given[0]), int(given[1]))
