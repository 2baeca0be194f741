"""Trains the sync judge on performances and says how well it tells pairs apart that do not belong together.

    python -m facetalk.training.sync_judge --performances DIR --run DIR --out judge.safetensors

It learns from the validation split, whose texts motion is never trained on, and from every fourth training voice; the
voices of the test split are only ever tested on. All those voices but the test ones are heard by motion as well: there
are no others.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.nn import functional

from facetalk.data import performance_files
from facetalk.data.performance_files import Entry
from facetalk.errors import InputError
from facetalk.judge.network import STEPS_PER_FRAME, JudgeConfig, SyncJudge
from facetalk.rig.lips import lip_shapes
from facetalk.speech import waveform
from facetalk.speech.mel import log_mel
from facetalk.training.loop import Plan, optimiser_state, part, prefixed, restore_optimiser, run
from facetalk.training.sync_pairs import PairReport, pair_report
from facetalk.training.team import descend
from facetalk.types import FRAME_RATE

EVERY_VOICE = 4
"""Of the training voices, in alphabetical order, each fourth is learnt from."""


@dataclass(frozen=True)
class JudgeTraining:
    """Settings of a training."""

    steps: int = 400
    batch: int = 16
    """Stretches in a step."""
    frames: int = 46
    """Of a stretch: 32 windows."""
    rate: float = 2e-3
    """Highest learning rate; it falls in half a cosine."""
    gain: float = 1.5
    """Spread of a random gain of the sound, in units of the logarithm of energy (6.5 dB)."""
    noise: float = 0.15
    """Spread of noise on lips and sound, in units of their own spread."""
    seed: int = 0


@dataclass(frozen=True)
class JudgedClip:
    """Lips and sound of one clip, as the judge sees them."""

    shapes: Float[np.ndarray, "frame shape"]
    mel: Float[np.ndarray, "step band"]


class JudgeTask:
    """One step: stretches → vectors → which sound window belongs to which window of lips, and the reverse."""

    def __init__(self, config: JudgeTraining, sizes: JudgeConfig, clips: Sequence[JudgedClip]) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.clips = [clip for clip in clips if len(clip.shapes) >= config.frames]
        self.judge = SyncJudge(sizes)
        for name, rows in (("lips", [c.shapes for c in self.clips]), ("sound", [c.mel for c in self.clips])):
            values = np.concatenate(rows)
            getattr(self.judge, f"{name}_mean").copy_(torch.from_numpy(values.mean(0)))
            getattr(self.judge, f"{name}_scale").copy_(torch.from_numpy(values.std(0)).clamp(min=1e-3))
        self.optimiser = torch.optim.AdamW(self.judge.parameters(), config.rate, weight_decay=1e-2)

    def step(self, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        """One optimisation step."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate * (0.5 + 0.5 * np.cos(np.pi * index / self.config.steps))
        shapes, mel = self.draw(generator)
        loss, right = matching(self.judge.lips(shapes), self.judge.sound(mel), self.judge.sharpness.exp())
        descend(loss, self.optimiser)
        return {"loss": loss, "right": right}

    def draw(
        self, generator: torch.Generator
    ) -> tuple[Float[Tensor, "clip frame shape"], Float[Tensor, "clip step band"]]:
        """Stretches of random clips, with noise, the sound at a random gain."""
        lengths = torch.tensor([len(clip.shapes) - self.config.frames + 1 for clip in self.clips])
        chosen = torch.multinomial(lengths.float(), self.config.batch, replacement=True, generator=generator)
        firsts = (torch.rand(len(chosen), generator=generator) * lengths[chosen]).long()
        shapes, mel = zip(*map(self._stretch, chosen.tolist(), firsts.tolist()), strict=True)
        gains = self.config.gain * torch.randn(len(chosen), 1, 1, generator=generator)
        return (
            self._noisy(torch.stack(shapes), self.judge.lips_scale, generator),
            self._noisy(torch.stack(mel) + gains, self.judge.sound_scale, generator),
        )

    def _stretch(self, clip: int, first: int) -> tuple[Tensor, Tensor]:
        last = first + self.config.frames
        shapes, mel = self.clips[clip].shapes[first:last], self.clips[clip].mel
        heard = mel[first * STEPS_PER_FRAME : last * STEPS_PER_FRAME]
        return torch.from_numpy(shapes).float(), torch.from_numpy(heard).float()

    def _noisy(self, values: Tensor, scale: Tensor, generator: torch.Generator) -> Tensor:
        return values + self.config.noise * scale * torch.randn(values.shape, generator=generator)

    def state(self) -> dict[str, Tensor]:
        """Weights and the optimiser."""
        return {
            **prefixed("judge", self.judge.state_dict()),
            **prefixed("optimiser", optimiser_state(self.optimiser)),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.judge.load_state_dict(part(state, "judge"))
        restore_optimiser(self.optimiser, part(state, "optimiser"))


def matching(
    lips: Float[Tensor, "clip window size"], sound: Float[Tensor, "clip window size"], sharpness: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross-entropy of naming each window's partner among all windows, both ways, and how often that succeeds.

    Windows one frame beside the partner's are no candidates: nobody hears a thirtieth of a second.
    """
    likeness = sharpness * lips.flatten(0, 1) @ sound.flatten(0, 1).T
    own, windows = torch.arange(len(likeness)), lips.shape[1]
    beside = (own[:, None] - own).abs() == 1
    beside &= (own[:, None] // windows) == (own // windows)
    likeness = likeness.masked_fill(beside, -torch.inf)
    loss = (functional.cross_entropy(likeness, own) + functional.cross_entropy(likeness.T, own)) / 2
    return loss, (likeness.argmax(1) == own).float().mean()


def read(performances: Path, entries: Sequence[Entry], bands: int) -> list[JudgedClip]:
    """Lips and sound of some clips, cut to equal length."""
    found = []
    for entry in track(entries, "sound", console=Console(stderr=True)):
        shapes = lip_shapes(performance_files.read(performances, entry.id).weights.astype(np.float64))
        speech = waveform.read(performance_files.audio_path(performances, entry))
        mel = log_mel(speech.samples, STEPS_PER_FRAME * float(FRAME_RATE), bands)
        frames = min(len(shapes), len(mel) // STEPS_PER_FRAME)
        found.append(JudgedClip(shapes[:frames].astype(np.float32), mel[: frames * STEPS_PER_FRAME]))
    return found


def learnt_from(entries: Sequence[Entry]) -> list[Entry]:
    """The validation split and every fourth voice of the training split."""
    voices = sorted({entry.voice for entry in entries if entry.split == "train"})[::EVERY_VOICE]
    return [e for e in entries if e.split == "validation" or (e.split == "train" and e.voice in voices)]


@dataclass(frozen=True)
class JudgeJob:
    """Train and test a judge."""

    performances: Path
    """A set written by `facetalk data performances`."""
    run: Path
    """Folder of the run; an interrupted one goes on from there."""
    out: Path
    """Weights to write."""
    sizes: JudgeConfig = field(default_factory=JudgeConfig)
    training: JudgeTraining = field(default_factory=JudgeTraining)
    tested: int = 120
    """Clips of unseen voices that pairs are made of, spread evenly over the test split."""


def train(job: JudgeJob) -> SyncJudge:
    """Train to the end, going on from `job.run`.

    Raises:
        InputError: no clip to learn from.
    """
    entries = learnt_from(performance_files.read_index(job.performances))
    if not entries:
        raise InputError(f"{job.performances}: no clips of the training or validation split")
    task = JudgeTask(job.training, job.sizes, read(job.performances, entries, job.sizes.bands))
    settings = {"training": asdict(job.training), "sizes": asdict(job.sizes), "clips": len(entries)}
    run(task, Plan(job.training.steps, job.training.seed), job.run, settings)
    task.judge.save(job.out)
    return SyncJudge.load(job.out)


def test(judge: SyncJudge, job: JudgeJob) -> PairReport:
    """How well pairs of unseen voices are told apart."""
    entries = [entry for entry in performance_files.read_index(job.performances) if entry.split == "test"]
    chosen = np.unique(np.linspace(0, len(entries) - 1, min(job.tested, len(entries))).round().astype(int))
    clips = read(job.performances, [entries[number] for number in chosen], job.sizes.bands)
    return pair_report(judge, [(clip.shapes, clip.mel) for clip in clips])


def main(job: JudgeJob) -> None:
    """Train, test, print the figures as JSON."""
    print(json.dumps(asdict(test(train(job), job)), indent=1))


if __name__ == "__main__":
    import tyro

    main(tyro.cli(JudgeJob))
