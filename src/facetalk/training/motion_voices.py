"""More voices for motion training: clips played faster or slower, so that pitch, vocal tract and tempo are others'.

    python -m facetalk.training.motion_voices --timed-speech DIR --out DIR [--encoder FILE]

The voices that motion learns from are few, and it closes lips more surely for them than for a stranger. A clip played
at another speed is another throat that speaks at another pace (Ko et al. 2015, audio augmentation for speech
recognition); the same generator performs it, so nothing here knows how a face moves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import resample_poly

from facetalk.data.loudness import listen
from facetalk.data.segments import Segment, segment
from facetalk.data.timed_speech import TimedClip
from facetalk.speech import waveform
from facetalk.training import motion_made
from facetalk.training.motion_made import Made, MadeSet
from facetalk.types import SAMPLE_RATE, Waveform


@dataclass(frozen=True)
class VoiceSet(MadeSet):
    """What to make."""

    clips: int = 800
    slowest: int = 84
    """Per cent of the speed at which clips were spoken."""
    fastest: int = 120
    least: int = 5
    """Per cent by which every clip is slower or faster at least."""


def main(config: VoiceSet) -> None:
    """Write the set."""
    train = config.spoken()
    count = min(config.clips, len(train))
    chosen = np.random.default_rng((config.seed, 3)).choice(len(train), count, replace=False)
    motion_made.write(config, _clips([train[index] for index in chosen], config), count)


def _clips(chosen: Sequence[TimedClip], config: VoiceSet) -> Iterator[Made]:
    slower, faster = range(config.slowest, 101 - config.least), range(100 + config.least, config.fastest + 1)
    random = np.random.default_rng((config.seed, 4))
    for clip in chosen:
        speech = waveform.read(clip.path)
        percent = int(random.choice([*slower, *faster]))
        yield Made(f"at{percent}_{clip.id}", clip.text, *played(speech, segment(clip.phones, listen(speech)), percent))


def played(speech: Waveform, segments: Sequence[Segment], percent: int) -> tuple[Waveform, list[Segment]]:
    """Speech and its segments at `percent` of their speed; pitch and formants go along."""
    samples = resample_poly(speech.samples, 100, percent).astype(np.float32)
    stretch = 100 / percent
    moved = [replace(item, start=item.start * stretch, end=item.end * stretch) for item in segments]
    return Waveform(samples), [*moved[:-1], replace(moved[-1], end=len(samples) / SAMPLE_RATE)]


if __name__ == "__main__":
    import tyro

    main(tyro.cli(VoiceSet))
