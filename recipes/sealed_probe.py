"""How well speech features tell that lips are shut: a small network names it, and /p b m/ are counted as in the tables.

Features are read, not heard: one folder of `<id>.npy` for each kind, of any width. A small network sees a frame with
its neighbours and is trained on the English training clips; on the test clips it says how likely lips are shut. The
level from which on they count as shut is set so that a given share of open vowels does, and what share of /p b m/ does
then is what a motion model can hope for.

python recipes/sealed_probe.py --performances DIR --features ours DIR teacher DIR
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import tyro
from jaxtyping import Bool, Float
from rich.progress import track
from torch import nn
from torch.nn import functional

from facetalk.data import performance_files
from facetalk.data.performance_files import Entry
from facetalk.evaluation import lips
from facetalk.evaluation.lips import CLOSED_MM, SpokenMotion
from facetalk.rig.lips import lip_shapes
from facetalk.training.motion_figures import read_phones
from facetalk.types import FRAME_RATE

SHARES = (0.003, 0.005, 0.01, 0.02)
"""Of open vowels that are taken for shut."""
WIDTH, DROPPED = 256, 0.3


@dataclass(frozen=True)
class Question:
    """Which features."""

    performances: Path
    features: dict[str, Path]
    """By name."""
    language: str = "en"
    reach: int = 6
    """Frames seen on either side."""
    steps: int = 6000
    batch: int = 512
    seed: int = 0


@dataclass(frozen=True)
class Clips:
    """Features of several clips with room between them, and whether lips are shut."""

    names: list[str]
    rows: Float[torch.Tensor, "row feature"]
    starts: list[int]
    shut: list[Bool[np.ndarray, " frame"]]

    @classmethod
    def of(cls, entries: list[Entry], question: Question, folder: Path) -> "Clips":
        """Clips that the folder has features of."""
        names, parts, starts, shut, count = [], [], [], [], question.reach
        for entry in entries:
            path = folder / f"{entry.id}.npy"
            if not path.is_file():
                continue
            features = np.load(path).astype(np.float32)
            weights = performance_files.read(question.performances, entry.id).weights.astype(np.float32)
            frames = min(len(features), len(weights))
            gap = np.zeros((question.reach, features.shape[1]), np.float32)
            parts += [gap, features[:frames]]
            names.append(entry.id)
            starts.append(count)
            shut.append(lip_shapes(weights[:frames])[:, 0] <= CLOSED_MM)
            count += frames + question.reach
        return cls(names, torch.from_numpy(np.concatenate([*parts, gap])), starts, shut)


class Probe(nn.Module):
    """Features of a frame and its neighbours to how likely lips are shut (log odds)."""

    def __init__(self, clips: Clips, reach: int) -> None:
        super().__init__()
        inside = torch.cat([torch.arange(s, s + len(y)) for s, y in zip(clips.starts, clips.shut, strict=True)])
        self.mean, self.spread = clips.rows[inside].mean(0), clips.rows[inside].std(0) + 1e-6
        self.inside, self.around = inside, torch.arange(-reach, reach + 1)
        inputs = len(self.around) * clips.rows.shape[1]
        self.layers = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(inputs, WIDTH), nn.GELU(), nn.Dropout(DROPPED), nn.Linear(WIDTH, WIDTH),
            nn.GELU(), nn.Dropout(DROPPED), nn.Linear(WIDTH, 1),
        )  # fmt: skip

    def forward(self, clips: Clips, rows: torch.Tensor) -> torch.Tensor:
        """Log odds at some rows."""
        seen = (clips.rows[rows[:, None] + self.around] - self.mean) / self.spread
        return self.layers(seen.flatten(1))[:, 0]


def trained(clips: Clips, question: Question, name: str) -> Probe:
    """A probe of these features."""
    torch.manual_seed(question.seed)
    probe = Probe(clips, question.reach)
    shut = torch.from_numpy(np.concatenate(clips.shut)).float()
    optimiser = torch.optim.AdamW(probe.parameters(), 1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, question.steps)
    for _ in track(range(question.steps), name):
        drawn = torch.randint(len(shut), (question.batch,))
        loss = functional.binary_cross_entropy_with_logits(probe(clips, probe.inside[drawn]), shut[drawn])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return probe.eval()


@torch.inference_mode()
def told(probe: Probe, clips: Clips, question: Question) -> None:
    """Print the rates."""
    phones = read_phones(question.performances, clips.names)
    closing, vowels = [], []
    for start, shut, spoken in zip(clips.starts, clips.shut, phones, strict=True):
        odds = torch.cat([probe(clips, rows) for rows in torch.arange(start, start + len(shut)).split(1000)]).numpy()
        motion = SpokenMotion(odds, odds, odds, spoken, float(FRAME_RATE))
        for label, begin, end in spoken:
            near = motion.near(begin, end)
            if label in lips.BILABIAL and near.any():
                closing.append(odds[near].max())
            elif label[:1] in lips.OPEN_VOWELS and not label.endswith("ʼ"):
                vowels += odds[motion.inside(begin, end)].tolist()
    for share in SHARES:
        level = np.quantile(vowels, 1 - share)
        rate = np.mean(np.array(closing) > level)
        print(f"  open vowels shut {100 * share:.1f} %: /p b m/ {rate:.3f} of {len(closing)}", flush=True)


def main(question: Question) -> None:
    """Train and ask a probe of each kind of features."""
    entries = [
        entry
        for entry in performance_files.read_index(question.performances)
        if entry.kind == "generated" and entry.language.startswith(question.language)
    ]
    for name, folder in question.features.items():
        train, test = (Clips.of([e for e in entries if e.split == s], question, folder) for s in ("train", "test"))
        print(f"{name}: {len(train.names)} clips to train on, {len(test.names)} to test", flush=True)
        told(trained(train, question, name), test, question)


if __name__ == "__main__":
    main(tyro.cli(Question))
