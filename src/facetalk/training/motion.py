"""What a training step of the motion model is, and the run that makes the bundled one (paper §4)."""

import copy
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from facetalk.errors import InputError
from facetalk.motion import AnyConfig, Listener, Motion, Normaliser, Rig, Schedule, build, express
from facetalk.motion.noise import REACH
from facetalk.motion.temper import Temper, mouth_projection
from facetalk.motion.upper_face import UpperFace
from facetalk.training.loop import Plan, optimiser_state, part, prefixed, restore_optimiser, run
from facetalk.training.motion_clips import MIRRORED, Crops, MotionClips
from facetalk.training.motion_losses import Emphasis, MotionLosses, decoded, near, sealed
from facetalk.training.precision import has_bfloat16
from facetalk.training.team import descend

NORMALISER_FRAMES = 100_000
"""Frames that the normaliser is fitted on, evenly spaced."""
SCHEDULE = Schedule()
"""The paper's thousand diffusion times."""
LISTENING = ("listening.", "speech_")
"""Parts of a network that belong to one speech encoder."""


@dataclass(frozen=True)
class MotionTraining:
    """Settings of a motion training."""

    steps: int = 6000
    batch: int = 32
    """Crops in a step."""
    crop: int = 48
    """Frames of a crop (paper §4)."""
    rate: float = 1e-3
    """Highest learning rate; one cycle of linear warm-up and cosine decay. The paper's constant 1e-4 is far slower."""
    warm_up: float = 0.05
    """Share of the steps in which the rate rises."""
    average: float = 0.998
    """Decay of the exponential moving average that is kept."""
    unheard: float = 0.25
    """Probability that a crop hears nothing (paper §4)."""
    expression: tuple[float, float] = (0.8, 1.2)
    """Range of r of the expression augmentation (paper §4 leaves it open)."""
    linger: float = 0.0
    """How slowly the noise of lids, gaze and brows forgets itself (`facetalk.motion.noise.lingering`); the paper's is
    white. A model keeps the value it was trained with."""
    mirror: float = 0.5
    """Probability that a crop is mirrored."""
    emphasis: Emphasis = field(default_factory=Emphasis)
    half: bool = True
    """bfloat16 products where the device has them; weights and sums stay in single precision."""
    seed: int = 0


class MotionTask:
    """One step: crop → augment → diffuse → denoise → L2 → Adam → average."""

    def __init__(
        self,
        config: MotionTraining,
        sizes: AnyConfig,
        clips: MotionClips,
        rig: Rig,
        initial: Motion | None = None,
        schedule: Schedule = SCHEDULE,
    ):
        torch.manual_seed(config.seed)
        self.config = config
        self.device = clips.weights.device
        self.rig = rig = rig.to(self.device)
        self.crops = Crops(clips, config.crop, sizes.hearing)
        self.normaliser = fit_normaliser(clips, rig) if initial is None else initial.normaliser.to(self.device)
        self.schedule = schedule
        self.upper_face = None if initial is None else _hearing(initial.upper_face, sizes.features)
        self.denoiser = build(sizes)
        self.denoiser.speech_mean.copy_(clips.features.float().mean(0))
        self.denoiser.speech_scale.copy_(clips.features.float().std(0).clamp(min=1e-3))
        if initial is not None:
            take_over(self.denoiser, initial.denoiser)
        self.denoiser.to(self.device)
        self.averaged = copy.deepcopy(self.denoiser).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            self.denoiser.parameters(), config.rate, betas=(0.9, 0.99), weight_decay=1e-2
        )
        decode = decoded(self.normaliser, rig)
        self.temper = Temper(mouth_projection(decode), config.linger)
        self.losses = MotionLosses.fit(config.emphasis, clips.weights, decode)

    @staticmethod
    def live(clips: MotionClips, rig: Rig) -> int:
        """Live dimensions of the clips' codes, which the denoiser's sizes need."""
        return fit_normaliser(clips, rig).live

    def step(self, index: int, generator: torch.Generator) -> Mapping[str, Tensor | float]:
        """One optimisation step."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate * one_cycle(index / self.config.steps, self.config.warm_up)
        clean, features, weight = self.draw(generator)
        half = self.config.half and has_bfloat16(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            predicted = self.predict(clean, features, generator)
        figures = self.losses((predicted.float() - clean) * weight.sqrt())
        loss = torch.stack(list(figures.values())).sum()
        norm = descend(loss, self.optimiser, clip=1.0)
        self._average(index)
        return {**figures, "gradient": norm}

    def draw(
        self, generator: torch.Generator
    ) -> tuple[Float[Tensor, "crop frame live"], Float[Tensor, "crop heard feature"], Float[Tensor, "crop frame 1"]]:
        """A batch of augmented crops in live space, the features they hear, and the weight of each frame."""
        weights, features = self.crops.draw(self.config.batch, generator)
        swap = self._uniform(generator) < self.config.mirror
        weights = torch.where(swap, weights[..., list(MIRRORED)], weights)
        lowest, highest = self.config.expression
        amount = lowest + (highest - lowest) * self._uniform(generator)
        codes = express(self.rig.codes(weights), self.rig.rest, amount)
        emphasis = self.config.emphasis
        weight = 1 + emphasis.seal * near(sealed(weights), emphasis.seal_span)
        return self.normaliser.normalise(codes), features, weight

    def predict(self, clean: Tensor, features: Tensor, generator: torch.Generator) -> Float[Tensor, "crop frame live"]:
        """x̂0 from each crop at a random diffusion time, with or without speech."""
        time = torch.randint(self.schedule.times, (len(clean),), generator=generator).to(self.device)
        batch, frames, live = clean.shape
        white = torch.randn(batch, frames + REACH - 1, live, generator=generator).to(self.device)
        noise = self.temper(white, 1.0)
        speech = self.denoiser.listen(features)
        unheard = self._uniform(generator) < self.config.unheard
        speech = torch.where(unheard, self.denoiser.unheard.to(speech.dtype), speech)
        return self.denoiser.taught(clean, self.schedule.diffuse(clean, noise, time), time, speech)

    def state(self) -> dict[str, Tensor]:
        """Weights, their average and the optimiser."""
        return {
            **prefixed("denoiser", self.denoiser.state_dict()),
            **prefixed("averaged", self.averaged.state_dict()),
            **prefixed("optimiser", optimiser_state(self.optimiser)),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.denoiser.load_state_dict(part(state, "denoiser"))
        self.averaged.load_state_dict(part(state, "averaged"))
        restore_optimiser(self.optimiser, part(state, "optimiser"))

    def motion(self, head_hash: str, speech_hash: str) -> Motion:
        """The averaged model as it stands."""
        averaged, linger = copy.deepcopy(self.averaged).eval(), self.config.linger
        return Motion(
            averaged, self.normaliser, self.rig, head_hash, speech_hash, self.schedule, linger, self.upper_face
        ).to(torch.device("cpu"))

    def _uniform(self, generator: torch.Generator) -> Float[Tensor, "crop 1 1"]:
        return torch.rand(self.config.batch, 1, 1, generator=generator).to(self.device)

    @torch.no_grad()
    def _average(self, index: int) -> None:
        """Moving average of the weights, quicker at the start (so that the initial ones are forgotten)."""
        share = max(1 - self.config.average, 1 / (index + 1))
        for kept, new in zip(self.averaged.parameters(), self.denoiser.parameters(), strict=True):
            kept.lerp_(new, share)


def one_cycle(progress: float, warm_up: float) -> float:
    """Share of the highest learning rate: up in a line, down in half a cosine."""
    if progress < warm_up:
        return max(progress, 1e-4) / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (progress - warm_up) / (1 - warm_up))


def fit_normaliser(clips: MotionClips, rig: Rig) -> Normaliser:
    """The live space of the clips' codes and their mirror images."""
    weights = clips.weights[:: max(1, len(clips.weights) // NORMALISER_FRAMES)].float()
    return Normaliser.fit(rig.to(weights.device).codes(torch.cat([weights, weights[:, list(MIRRORED)]])))


STATISTICS = ("speech_mean", "speech_scale")
"""Buffers of a network that follow the speech features of its clips."""


def _hearing(upper_face: UpperFace | None, features: int) -> UpperFace | None:
    """The upper face, unless it hears features of another size: then one has to be trained (`upper_face_job`)."""
    return upper_face if upper_face is not None and upper_face.config.features == features else None


def take_over(network: Listener | UpperFace, other: Listener | UpperFace) -> None:
    """Start from another network's weights; where the speech features differ in size, listening is learnt anew.

    The mean and spread of the features stay those of the new clips: another encoder has others.

    Raises:
        InputError: the two have other sizes.
    """
    sizes = {**asdict(other.config), "features": network.config.features}
    if type(other) is not type(network) or sizes != asdict(network.config):
        raise InputError(f"initial motion weights have sizes {sizes}; train the same sizes, or start without them")
    weights = {key: value for key, value in other.state_dict().items() if key not in STATISTICS}
    if other.config.features != network.config.features:
        weights = {key: value for key, value in weights.items() if not key.startswith(LISTENING)}
    network.load_state_dict({**network.state_dict(), **weights})


def train(
    config: MotionTraining,
    sizes: AnyConfig,
    clips: MotionClips,
    rig: Rig,
    folder: Path,
    *,
    initial: Motion | None = None,
    schedule: Schedule = SCHEDULE,
    minutes: float = math.inf,
    stop_after: int | None = None,
) -> MotionTask:
    """Train to the end or until stopped, going on from `folder` where it holds this run (see `loop.run`)."""
    task = MotionTask(config, sizes, clips, rig, initial, schedule)
    settings = {"training": asdict(config), "sizes": asdict(sizes), "clips": len(clips)}
    if schedule != SCHEDULE:  # named only where it is another, so that runs begun before there was a choice go on
        settings["schedule"] = asdict(schedule)
    run(task, Plan(config.steps, config.seed, minutes=minutes, stop_after=stop_after), folder, settings)
    return task
