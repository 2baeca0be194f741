"""Lips at /p b m/ and on open vowels, measured on the field over many clips: only the frames that count are asked.

python recipes/closures.py PERFORMANCES [CLIPS [LANGUAGE]]
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import facetalk
from facetalk.evaluation import interval, lips, talking
from facetalk.pipeline.clip import Clip
from facetalk.speech import waveform
from facetalk.types import FRAME_RATE


def spoken(clip: Clip, entry: talking.Entry) -> lips.SpokenMotion:
    """The clip with apertures where lips must close or must not; infinite elsewhere."""
    open_everywhere = np.full(len(clip), np.inf)
    motion = lips.SpokenMotion(open_everywhere, open_everywhere, open_everywhere, entry.phones, float(FRAME_RATE))
    asked = np.zeros(len(clip), bool)
    for symbol, start, end in entry.phones:
        if symbol in lips.BILABIAL:
            asked |= motion.near(start, end)
        elif symbol in lips.OPEN_VOWELS:
            asked |= motion.inside(start, end)
    apertures = open_everywhere.copy()
    few = replace(clip, codes=replace(clip.codes, values=clip.codes.values[np.flatnonzero(asked)]))
    apertures[asked] = talking.mouth_apertures(few) if asked.any() else []
    return replace(motion, apertures=apertures)


def main(performances: Path, clips: int, language: str) -> None:
    """Print both shares with their 95 % intervals over clips, and over how many sounds and frames."""
    talker, test = facetalk.load(), talking.TalkingTest(performances, clips=clips, language=language)
    heard = [
        spoken(talker.animate(waveform.read(entry.audio), identity=test.identity), entry)
        for entry in talking.entries(test, "test", clips)
    ]
    for what, unit, judge in (
        ("/p b m/ closed", "sounds", lips.closures),
        ("open vowels shut", "frames", lips.false_closures),
    ):
        met = [judge(motion) for motion in heard]
        found = interval.ratio([(float(each.sum()), float(len(each))) for each in met])
        print(f"{what}: {found} of {sum(map(len, met))} {unit}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int((sys.argv[2:] or ["60"])[0]), (sys.argv[3:] or ["en"])[0])
