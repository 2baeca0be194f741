"""Who moves lips to the held-out clips: our talker, damaged and rival ones, and baselines fitted to training clips.

A contender says in its recipe all that decides what it does, so that what it did once need not be done again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from facetalk import checkpoint
from facetalk.evaluation import knockouts
from facetalk.evaluation.baselines import BASELINES, Baseline, BaselineClip
from facetalk.evaluation.talking import Entry, TalkingTest, entries
from facetalk.motion import Motion
from facetalk.pipeline.clip import Clip
from facetalk.pipeline.identity import Identity
from facetalk.pipeline.talker import Performing, Talker
from facetalk.speech import waveform
from facetalk.types import FRAME_RATE, RigCurves

OURS, SHUFFLED = "ours", "another clip's sound"


@dataclass(frozen=True)
class Contender:
    """One row of the table."""

    perform: Callable[[Entry, int], Clip]
    """A clip by a seed."""
    recipe: Mapping[str, object]
    """JSON types; without the clip and the seed."""
    draws: bool = False
    """Whether another seed gives another take."""
    timed: bool = False
    """Whether what it costs is worth telling: reading and hearing the sound, and moving."""


def speaking(talker: Talker, who: Identity, performing: Performing) -> Contender:
    """A talker that hears each clip; models without diffusion take one step and no guidance."""
    motion = talker.weights.motion
    performing = replace(performing, steps=min(performing.steps, motion.schedule.times))
    if motion.schedule.times == 1:
        performing = replace(performing, guidance=1.0)

    def perform(entry: Entry, seed: int) -> Clip:
        return talker.animate(waveform.read(entry.audio), identity=who, seed=seed, performing=performing)

    models = {"speech": talker.weights.encoder.hash, "motion": motion.checkpoint.hash}
    return Contender(perform, {"speaks": asdict(performing), **models}, draws=motion.schedule.times > 1, timed=True)


def rivals(talker: Talker, who: Identity, performing: Performing, files: Mapping[str, Path]) -> dict[str, Contender]:
    """Talkers with other motion weights.

    Raises:
        CheckpointError: weights of another head or encoder.
    """
    found = {}
    for name, path in files.items():
        motion = Motion.load(path)
        motion.check_head(talker.weights.head.hash)
        found[name] = speaking(knockouts.with_parts(talker, motion=motion.to(talker.weights.device)), who, performing)
    return found


def swapped(ours: Contender, asked: Sequence[Entry]) -> Contender:
    """Ours, hearing the sound of the clip after; the last one that of the first."""
    after = {entry.id: other for entry, other in zip(asked, [*asked[1:], *asked[:1]], strict=True)}
    return Contender(
        lambda entry, seed: ours.perform(after[entry.id], seed),
        {**ours.recipe, "hears": {name: other.id for name, other in after.items()}},
    )


def damaged(talker: Talker, who: Identity, performing: Performing, seed: int) -> dict[str, Contender]:
    """What must fail, and the long way of sampling (`knockouts`)."""
    recipe = dict(speaking(talker, who, performing).recipe)

    def contender(name: str, speak: knockouts.Speak) -> Contender:
        return Contender(lambda entry, _: speak(waveform.read(entry.audio), who), {**recipe, "knockout": name})

    return {name: contender(name, speak) for name, speak in knockouts.rows(talker, performing, seed).items()}


@dataclass(frozen=True)
class Fitted:
    """The baselines, fitted when the first of them is asked."""

    talker: Talker
    who: Identity
    test: TalkingTest

    def contenders(self) -> dict[str, Contender]:
        """One for each baseline."""
        return {name: self._contender(name) for name in BASELINES}

    def _contender(self, name: str) -> Contender:
        def perform(entry: Entry, seed: int) -> Clip:
            weights = np.clip(self._baselines[name](self._clip(entry)), 0.0, 1.0)
            return self.talker.perform(RigCurves(weights, FRAME_RATE), identity=self.who)

        known = {"references": self.test.references, "language": self.test.language, "frames": self.test.frames}
        return Contender(perform, {"baseline": name, **known, "speech": self.talker.weights.encoder.hash})

    @cached_property
    def _baselines(self) -> dict[str, Baseline]:
        training = replace(self.test, kind="generated")
        known = [self._clip(entry) for entry in entries(training, "train", self.test.references)]
        return {name: fit(known) for name, fit in BASELINES.items()}

    def _clip(self, entry: Entry) -> BaselineClip:
        heard = self.talker.weights.encoder(waveform.read(entry.audio)).values.numpy()
        frames = len(entry.curves)
        features = heard[np.minimum(np.arange(frames), len(heard) - 1)]
        return BaselineClip(entry.loudness, entry.phones, entry.curves.weights, float(FRAME_RATE), features)


def truth(talker: Talker, who: Identity) -> Contender:
    """The performances themselves."""
    return Contender(lambda entry, seed: talker.perform(entry.curves, identity=who), {"truth": True})


def models(talker: Talker) -> dict[str, str]:
    """Hashes of the weights in use."""
    weights = talker.weights
    return {
        "head": weights.head.hash,
        "speech": weights.encoder.hash,
        "motion": checkpoint.load(weights.path("motion"), "motion").hash,
    }
