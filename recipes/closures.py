"""Lips at /p b m/ and on open vowels, order of sounds, minimal pairs: on the field over many clips.

Only the frames that count are asked; how well apertures follow the truth's is told from curves (`lip_shapes`).

python recipes/closures.py PERFORMANCES [CLIPS [LANGUAGE]]
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import facetalk
from facetalk.evaluation import interval, lips, talking, timing
from facetalk.pipeline.clip import Clip
from facetalk.rig.lips import lip_shapes
from facetalk.speech import waveform
from facetalk.types import FRAME_RATE

CONTRASTED = frozenset("mnpt")
"""Consonants of the minimal pairs, before open vowels."""


def spoken(clip: Clip, entry: talking.Entry) -> lips.SpokenMotion:
    """The clip with apertures where they are judged; infinite elsewhere."""
    frames = min(len(clip), len(entry.loudness))
    nowhere, rounding = np.full(frames, np.inf), lips.rounding(clip.arkit().weights[:frames])
    motion = lips.SpokenMotion(nowhere, rounding, entry.loudness[:frames], entry.phones, float(FRAME_RATE))
    asked = np.zeros(frames, bool)
    for symbol, start, end in entry.phones:
        if symbol in lips.BILABIAL:
            asked |= motion.near(start, end)
        if symbol in lips.OPEN_VOWELS or symbol in lips.ORDERED_VOWELS:
            asked |= motion.inside(start, end)
    for (symbol, start, end), (vowel, *_) in motion.neighbours():
        if symbol in CONTRASTED and vowel in lips.OPEN_VOWELS:
            asked |= motion.near(start, end)
    few = replace(clip, codes=replace(clip.codes, values=clip.codes.values[np.flatnonzero(asked)]))
    apertures = nowhere.copy()
    apertures[asked] = talking.mouth_apertures(few) if asked.any() else []
    return replace(motion, apertures=apertures)


def followed(clip: Clip, entry: talking.Entry) -> interval.Share:
    """Correlation of apertures with the truth's in a clip, weighed by frames."""
    frames = min(len(clip), len(entry.curves))
    found, truth = (lip_shapes(curves[:frames])[:, 0] for curves in (clip.arkit().weights, entry.curves.weights))
    return timing.agreement(found, truth)


def main(performances: Path, clips: int, language: str) -> None:
    """Print shares with their 95 % intervals over clips and over how many sounds and frames, medians, and pairs."""
    talker, test = facetalk.load(), talking.TalkingTest(performances, clips=clips, language=language)
    asked = talking.entries(test, "test", clips)
    said = [talker.animate(waveform.read(entry.audio), identity=test.identity) for entry in asked]
    heard = [spoken(*pair) for pair in zip(said, asked, strict=True)]
    print(f"{len(asked)} clips, {len({entry.id.rsplit('_', 1)[0] for entry in asked})} voices")
    for what, unit, judge in (
        ("/p b m/ closed", "sounds", lips.closures),
        ("open vowels shut", "frames", lips.false_closures),
    ):
        met = [judge(motion) for motion in heard]
        found = interval.ratio([(float(each.sum()), float(len(each))) for each in met])
        print(f"{what}: {found} of {sum(map(len, met))} {unit}")
    follows = interval.ratio([followed(*pair) for pair in zip(said, asked, strict=True)])
    print(f"aperture correlation, from curves: {follows}")
    heights = (f"{symbol} {lips.median(heard, symbol, 'apertures'):.2f}" for symbol in lips.ORDERED_VOWELS)
    print(f"median mm between the lips: {', '.join(heights)}")
    rounded = (f"{symbol} {lips.median(heard, symbol, 'rounding'):.2f}" for symbol in "ui")
    print(f"median rounding: {', '.join(rounded)}")
    for pair, found in lips.minimal_pairs(heard).items():
        print(f"{pair} come apart: {found.separation:.3f} of {found.pairs} pairs")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int((sys.argv[2:] or ["60"])[0]), (sys.argv[3:] or ["en"])[0])
