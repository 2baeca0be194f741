"""The table of contenders: every one moves every clip, is measured on the stage, and what was measured is kept.

Each take is written as it is done, under a name that everything it depends on decides: a stopped evaluation goes on
where it was, and one with another contender measures that one alone.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from facetalk.arkit import ARKIT_NAMES
from facetalk.evaluation import phonemes
from facetalk.evaluation.contenders import Contender, models, truth
from facetalk.evaluation.figures import Heard, measured
from facetalk.evaluation.interval import Interval, ratio
from facetalk.evaluation.motion import MotionReport, Movement, report
from facetalk.evaluation.stage import Seen, Stage
from facetalk.evaluation.talking import Entry, TalkingTest, Watch, entries
from facetalk.judge.network import STEPS_PER_FRAME, SyncJudge
from facetalk.pipeline.roads import DEFAULT_SURFACE
from facetalk.pipeline.talker import Talker
from facetalk.speech import waveform
from facetalk.speech.mel import log_mel
from facetalk.types import FRAME_RATE, RigCurves

TAKES = "takes"
"""Folder of what was measured."""
MEASURED = 4
"""Raised when the stage measures otherwise or motion is drawn otherwise, so that old takes are not read."""
TRUTH = "truth"
COST = "core-s for 10 s"


@dataclass(frozen=True)
class Row:
    """One contender."""

    movements: tuple[Movement, ...]
    """Its first take of every clip."""
    figures: dict[str, Interval]
    errors: dict[str, phonemes.SoundError]
    """By phone."""


@dataclass(frozen=True)
class Comparison:
    """All contenders on the same clips; the truth first."""

    test: TalkingTest
    models: dict[str, str]
    """Hashes of the weights."""
    clips: tuple[Heard, ...]
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def lips(self) -> MotionReport:
        """Lips over all clips together."""
        return report(self.clips, {name: row.movements for name, row in self.rows.items() if name != TRUTH})

    def json(self) -> dict:
        """Plain dicts and lists for `json.dumps`."""
        return {
            **self.lips.json(),
            "models": self.models,
            "clip_ids": [clip.id for clip in self.clips],
            "figures": {
                name: {figure: asdict(found) for figure, found in row.figures.items()}
                for name, row in self.rows.items()
            },
            "phonemes": {
                name: {phone: asdict(error) for phone, error in row.errors.items()} for name, row in self.rows.items()
            },
        }


@dataclass(frozen=True)
class Records:
    """Takes on disk, or none where no folder is given."""

    folder: Path | None

    def read(self, recipe: Mapping[str, object]) -> tuple[Seen, float] | None:
        """What was measured by this recipe, and the core-seconds that a second of it took to move."""
        path = self._path(recipe)
        if path is None or not path.is_file():
            return None
        with np.load(path) as file:
            seen = Seen(*(file[name] for name in ("apertures", "curves", "vertices", "bite")))
            return replace(seen, vertices=seen.vertices.astype(np.float32)), float(file["cost"])

    def write(self, recipe: Mapping[str, object], seen: Seen, cost: float) -> None:
        """Keep it."""
        path = self._path(recipe)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f".{path.name}")
            half = seen.vertices.astype(np.float16)
            np.savez(partial, apertures=seen.apertures, curves=seen.curves, vertices=half, bite=seen.bite, cost=cost)
            os.replace(partial, path)

    def _path(self, recipe: Mapping[str, object]) -> Path | None:
        if self.folder is None:
            return None
        digest = hashlib.sha256(json.dumps(recipe, sort_keys=True, default=str).encode()).hexdigest()[:20]
        return self.folder / TAKES / f"{digest}.npz"


def compare(
    talker: Talker,
    test: TalkingTest,
    contenders: Mapping[str, Contender],
    *,
    takes: int = 1,
    judge: SyncJudge | None = None,
    folder: Path | None = None,
    watch: Watch = lambda done, of: None,
) -> Comparison:
    """Measure the truth and every contender on the test clips.

    Args:
        talker: whose head is looked at.
        test: which clips.
        contenders: by the name of the row.
        takes: of every clip by contenders that draw; all but the first show only how takes differ.
        judge: says whether lips belong to the sound.
        folder: where takes are kept; nowhere where left out.
        watch: told of every take that is done.
    """
    asked = entries(test, "test", test.clips)
    of = len(asked) * (1 + sum(takes if contender.draws else 1 for contender in contenders.values()))
    run = _Run(talker, test, Records(folder), takes, lambda done: watch(done, of))
    rows = {}
    true = [run.takes(truth(talker, run.who), entry) for entry in asked]
    clips = tuple(_heard(entry, found[0][0], judge) for entry, found in zip(asked, true, strict=True))
    for name, contender in {TRUTH: None, **contenders}.items():
        found = true if contender is None else [run.takes(contender, entry) for entry in asked]
        pairs = [(clip, [seen for seen, _ in each]) for clip, each in zip(clips, found, strict=True)]
        figures = measured(pairs, run.stage.places, judge)
        if contender is not None and contender.timed:
            figures[COST] = ratio([(10 * each[0][1], 1.0) for each in found])
        firsts = [(clip, seen[0]) for clip, seen in pairs]
        errors = phonemes.errors(firsts, run.stage.places.lips)
        rows[name] = Row(tuple(Movement(s.apertures, s.curves) for _, s in firsts), figures, errors)
    return Comparison(test, models(talker), clips, rows)


class _Run:
    """Takes, from the records or made."""

    def __init__(
        self, talker: Talker, test: TalkingTest, records: Records, count: int, watch: Callable[[int], None]
    ) -> None:
        self.talker, self.test, self.records, self.count, self.watch = talker, test, records, count, watch
        self.who = talker.identity(test.identity)
        self.done = 0
        self.stage = Stage(talker.perform(_still(), identity=self.who).actor(DEFAULT_SURFACE))

    def takes(self, contender: Contender, entry: Entry) -> list[tuple[Seen, float]]:
        """Takes of one clip with what each cost; one where another seed would not matter."""
        found = []
        for seed in range(self.test.seed, self.test.seed + (self.count if contender.draws else 1)):
            found.append(self._take(contender, entry, seed, lips=seed == self.test.seed))
            self.done += 1
            self.watch(self.done)
        return found

    def _take(self, contender: Contender, entry: Entry, seed: int, *, lips: bool) -> tuple[Seen, float]:
        recipe = {
            **contender.recipe,
            "measured": MEASURED,
            "head": self.talker.weights.head.hash,
            "identity": self.test.identity,
            "clip": (entry.id, entry.sha256, len(entry.curves)),
            "seed": seed if contender.draws else self.test.seed,
            "lips": lips,
        }
        kept = self.records.read(recipe)
        if kept is not None:
            return kept
        begun = time.process_time()
        clip = contender.perform(entry, seed)
        cost = (time.process_time() - begun) / float(clip.duration)
        seen = self.stage.measure(clip, len(entry.curves), lips=lips)
        seen = replace(seen, vertices=seen.vertices.astype(np.float16).astype(np.float32))  # as they are kept
        self.records.write(recipe, seen, cost)
        return seen, cost


def _heard(entry: Entry, seen: Seen, judge: SyncJudge | None) -> Heard:
    mel: Float[np.ndarray, "step band"] = np.zeros((0, 0))
    rate = float(FRAME_RATE)
    if judge is not None:
        mel = log_mel(waveform.read(entry.audio).samples, STEPS_PER_FRAME * rate, judge.config.bands)
    true = replace(seen, curves=entry.curves.weights)
    return Heard(entry.id, true, entry.phones, entry.loudness, rate, mel)


def _still() -> RigCurves:
    """One frame at rest: any clip will do to find the identity's surface."""
    return RigCurves(np.zeros((1, len(ARKIT_NAMES))), FRAME_RATE)
