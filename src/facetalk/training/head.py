"""Train a head: first the identity stage, then the deformation stage, or the two side by side on two cores."""

import ctypes
import platform
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import torch
import tyro

from facetalk.errors import InputError
from facetalk.head.model import Head, HeadConfig, compact, load, npm, save, tiny
from facetalk.training import head_data, loop
from facetalk.training.detailing import detailed
from facetalk.training.head_deformation import DeformationRecipe, DeformationTask
from facetalk.training.head_identity import IdentityRecipe, IdentityTask
from facetalk.training.rims import RimSet

PRESETS = {"compact": compact, "npm": npm, "tiny": tiny}
IDENTITY_FILE = "identity.safetensors"
"""Running average of the first stage."""
HEAD_FILE = "head.safetensors"
"""Both stages joined."""


@dataclass(frozen=True)
class HeadTraining:
    """A whole head training."""

    data: tuple[Path, ...]
    """Folders of head training sets; the people of all are trained on, save those that a set holds out."""
    out: Path
    """Receives identity.safetensors, head.safetensors and the logs and states of both stages."""
    rims: tuple[Path, ...] = ()
    """Folders of sets of rims: lips and lids of further people, all trained on."""
    preset: Literal["compact", "npm", "tiny"] = "compact"
    """compact: the bundled head's sizes. npm: the baseline, global networks of as many parameters. tiny: for tests."""
    stage: Literal["both", "identity", "deformation"] = "both"
    """The stages may run side by side: the second takes up the first's weights as they are written."""
    identity: IdentityRecipe = field(default_factory=IdentityRecipe)
    deformation: DeformationRecipe = field(default_factory=DeformationRecipe)
    start: Path | None = None
    """A head whose weights a new run starts from, to train on with a fresh schedule; random ones otherwise."""
    minutes: float = float("inf")
    """Stop each stage after this many minutes, to go on in another call."""
    seed: int = 0


def train(config: HeadTraining) -> Path:
    """Train what `config` asks for, going on where an earlier call stopped; returns the file of the head.

    Raises:
        InputError: the data cannot be used, or the second stage alone is asked for without the first's weights.
    """
    torch.set_num_threads(1)
    keep_freed_memory()
    data = head_data.read(*config.data)
    rim_set = RimSet(*config.rims) if config.rims else None
    torch.manual_seed(config.seed)
    sizes = PRESETS[config.preset]()
    if config.stage != "deformation":
        _identity_stage(config, sizes, data, rim_set)
    if config.stage == "identity":
        return config.out / IDENTITY_FILE
    _deformation_stage(config, sizes, data, rim_set)
    return config.out / HEAD_FILE


def _begun(config: HeadTraining, sizes: HeadConfig) -> Head:
    """The head to train: new, or the one to go on from."""
    if config.start is None:
        return Head(sizes)
    return detailed(load(config.start), sizes.detail).train().requires_grad_(True)


def _identity_stage(config: HeadTraining, sizes: HeadConfig, data: head_data.HeadSet, rim_set: RimSet | None) -> None:
    recipe = config.identity
    task = IdentityTask(_begun(config, sizes), data, recipe, config.out / IDENTITY_FILE, rim_set)
    plan = loop.Plan(recipe.rate.steps, config.seed, minutes=config.minutes)
    loop.run(task, plan, config.out / "identity", {"sizes": asdict(sizes), "recipe": asdict(recipe)})
    save(task.averaged.model, config.out / IDENTITY_FILE)


def _deformation_stage(
    config: HeadTraining, sizes: HeadConfig, data: head_data.HeadSet, rim_set: RimSet | None
) -> None:
    recipe, first = config.deformation, config.out / IDENTITY_FILE
    task = DeformationTask(_begun(config, sizes), data, recipe, first, config.out / HEAD_FILE, rim_set)
    plan = loop.Plan(recipe.rate.steps, config.seed, minutes=config.minutes)
    loop.run(task, plan, config.out / "deformation", {"sizes": asdict(sizes), "recipe": asdict(recipe)})
    if not first.exists():
        raise InputError(f"{first}: missing; train the identity stage too, then run this again to join them")
    save(task.joined(), config.out / HEAD_FILE)


def keep_freed_memory() -> None:
    """Have the C library keep freed blocks: half of a step on a CPU would go into fresh pages for activations."""
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    trim_threshold, mmap_threshold = -1, -3
    library.mallopt(mmap_threshold, 1 << 30)
    library.mallopt(trim_threshold, (1 << 31) - 1)


if __name__ == "__main__":
    print(train(tyro.cli(HeadTraining)))
