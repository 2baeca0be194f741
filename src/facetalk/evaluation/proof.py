"""What `facetalk evaluate motion` and `facetalk evaluate sweep` measure: which contenders stand in the table."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from facetalk.errors import InputError
from facetalk.evaluation import contenders
from facetalk.evaluation.comparison import Comparison, compare
from facetalk.evaluation.contenders import OURS, SHUFFLED, Contender, Fitted
from facetalk.evaluation.talking import TalkingTest, Watch, entries
from facetalk.judge.network import SyncJudge
from facetalk.pipeline.talker import Talker

JUDGE = "judge.safetensors"
"""The judge's file in a weights folder."""


@dataclass(frozen=True)
class Proof(TalkingTest):
    """The table: ours, what it is compared with, and what must fail."""

    takes: int = 1
    """Takes of every clip, to see how they differ and how near the best comes."""
    rivals: dict[str, Path] = field(default_factory=dict)
    """Other motion weights by the name of their row: `--rivals regressor a.safetensors recurrent b.safetensors`."""
    judge: Path | None = None
    """Weights of a sync judge; where left out, judge.safetensors of the weights folder, if there is one."""
    rows: tuple[str, ...] = ()
    """Only these rows, beside the truth; all where left out."""


@dataclass(frozen=True)
class Sweep(TalkingTest):
    """Settings of sampling against each other."""

    clips: int = 6
    guidances: tuple[float, ...] = (0.0, 0.5, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
    step_counts: tuple[int, ...] = (1, 2, 4, 8, 16, 50, 250, 1000)
    judge: Path | None = None
    """Weights of a sync judge; where left out, judge.safetensors of the weights folder, if there is one."""


def prove(talker: Talker, proof: Proof, folder: Path | None, watch: Watch = lambda done, of: None) -> Comparison:
    """Measure all rows that are wanted.

    Raises:
        InputError: no clips, or a row that there is none of.
    """
    wanted = rows(talker, proof)
    return compare(
        talker, proof, wanted, takes=proof.takes, judge=judge_of(talker, proof.judge), folder=folder, watch=watch
    )


def rows(talker: Talker, proof: Proof) -> dict[str, Contender]:
    """The contenders that are wanted, in the order of the table."""
    who = talker.identity(proof.identity)
    ours = contenders.speaking(talker, who, proof.performing)
    found = {OURS: ours, **contenders.rivals(talker, who, proof.performing, proof.rivals)}
    found |= Fitted(talker, who, proof).contenders()
    found |= {SHUFFLED: contenders.swapped(ours, entries(proof, "test", proof.clips))}
    if proof.knockouts:
        found |= contenders.damaged(talker, who, proof.performing, proof.seed)
    unknown = [name for name in proof.rows if name not in found]
    if unknown:
        raise InputError(f"--rows {unknown[0]!r} is none of: {', '.join(found)}")
    return {name: contender for name, contender in found.items() if not proof.rows or name in proof.rows}


def sweep(talker: Talker, asked: Sweep, folder: Path | None, watch: Watch = lambda done, of: None) -> Comparison:
    """Ours at several strengths of guidance, and with several numbers of steps."""
    return compare(
        talker, asked, settings(talker, asked), takes=2, judge=judge_of(talker, asked.judge), folder=folder, watch=watch
    )


def settings(talker: Talker, asked: Sweep) -> Mapping[str, Contender]:
    """One contender for each setting."""
    who, usual = talker.identity(asked.identity), asked.performing
    performings = {f"guidance {weight:g}": replace(usual, guidance=weight) for weight in asked.guidances}
    performings |= {f"steps {count}": replace(usual, steps=count) for count in asked.step_counts}
    for performing in performings.values():
        performing.check()
    return {name: contenders.speaking(talker, who, performing) for name, performing in performings.items()}


def judge_of(talker: Talker, path: Path | None) -> SyncJudge | None:
    """The judge of a file, or of the weights folder; none where there is none.

    Raises:
        CheckpointError: no weights of a judge.
    """
    bundled = talker.weights.folder / JUDGE
    if path is None and not bundled.is_file():
        return None
    return SyncJudge.load(path or bundled)
