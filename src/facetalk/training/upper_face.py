"""What a training step of lids, gaze and brows is (`facetalk.motion.upper_face`)."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from facetalk.motion.upper_face import GAZE, GROUPS, UpperFace, UpperFaceConfig, gestures
from facetalk.training.loop import optimiser_state, part, prefixed, restore_optimiser
from facetalk.training.motion import one_cycle, take_over
from facetalk.training.motion_clips import MIRRORED, Crops, MotionClips
from facetalk.training.team import descend

BOOK_STEPS = 20_000
"""Steps that a book is fitted to; the larger a step, the likelier it is among them."""
ROUNDS = 15
"""Of Lloyd's algorithm."""


@dataclass(frozen=True)
class UpperFaceTraining:
    """Settings of a training."""

    steps: int = 1500
    batch: int = 16
    """Crops in a step."""
    crop: int = 64
    """Frames of a crop: the eyes rest for 39."""
    rate: float = 3e-3
    warm_up: float = 0.05
    average: float = 0.995
    """Decay of the moving average that is kept."""
    doubt: float = 0.1
    """Largest error of the place that a crop begins at, in spreads of the gestures: it shows how to come back."""
    unheard: float = 0.1
    """Probability that a crop hears nothing."""
    seed: int = 0


class UpperFaceTask:
    """One step: crop → gestures → the steps of the books that follow them → cross-entropy → Adam → average."""

    def __init__(
        self, config: UpperFaceTraining, sizes: UpperFaceConfig, clips: MotionClips, initial: UpperFace | None = None
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.crops = Crops(clips, config.crop + 1, sizes.hearing)
        self.model = fitted(sizes, clips)
        if initial is not None:
            take_over(self.model, initial)
        self.averaged = copy.deepcopy(self.model).requires_grad_(False)
        self.optimiser = torch.optim.AdamW(self.model.parameters(), config.rate, betas=(0.9, 0.99), weight_decay=1e-2)

    def step(self, index: int, generator: torch.Generator) -> Mapping[str, Tensor | float]:
        """One optimisation step."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate * one_cycle(index / self.config.steps, self.config.warm_up)
        figures = self.losses(*self.draw(generator), generator)
        norm = descend(torch.stack(list(figures.values())).sum(), self.optimiser, clip=1.0)
        self._average(index)
        return {**{name: value.detach() for name, value in figures.items()}, "gradient": norm}

    def draw(
        self, generator: torch.Generator
    ) -> tuple[Float[Tensor, "crop longer gesture"], Float[Tensor, "crop heard feature"]]:
        """Gestures of a batch of crops, half of them mirrored, and the features they hear."""
        weights, features = self.crops.draw(self.config.batch, generator)
        swap = torch.rand(len(weights), 1, 1, generator=generator) < 0.5
        return gestures(torch.where(swap, weights[..., list(MIRRORED)], weights)), features

    def losses(
        self, truth: Float[Tensor, "crop longer gesture"], features: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Cross-entropy of each group's steps, nats a frame."""
        spread = self.config.doubt * torch.rand(len(truth), 1, generator=generator) * self.model.scale
        begin = truth[:, 0] + spread * torch.randn(truth[:, 0].shape, generator=generator)
        places, chosen = followed(self.model, begin, truth[:, 1:])
        came = torch.cat([torch.zeros_like(places[:, :1]), places.diff(dim=1)], 1)
        hears = torch.rand(len(truth), 1, 1, generator=generator) >= self.config.unheard
        heard = self.model.listen(features)[:, 1:] * hears
        logits, _ = self.model.chances(places[:, :-1], came[:, :-1], heard, None)
        pairs = zip(("gaze", "lids", "brows"), logits, chosen.unbind(-1), strict=True)
        return {name: functional.cross_entropy(each.mT, wanted) for name, each, wanted in pairs}

    def state(self) -> dict[str, Tensor]:
        """Weights, their average and the optimiser."""
        return {
            **prefixed("model", self.model.state_dict()),
            **prefixed("averaged", self.averaged.state_dict()),
            **prefixed("optimiser", optimiser_state(self.optimiser)),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.model.load_state_dict(part(state, "model"))
        self.averaged.load_state_dict(part(state, "averaged"))
        restore_optimiser(self.optimiser, part(state, "optimiser"))

    @torch.no_grad()
    def _average(self, index: int) -> None:
        """Moving average of the weights, quicker at the start."""
        share = max(1 - self.config.average, 1 / (index + 1))
        for kept, new in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
            kept.lerp_(new, share)


@torch.no_grad()
def followed(
    model: UpperFace, begin: Float[Tensor, "crop gesture"], truth: Float[Tensor, "crop frame gesture"]
) -> tuple[Float[Tensor, "crop longer gesture"], Int[Tensor, "crop frame group"]]:
    """The truth in steps of the books, each from where the ones before led: errors do not add up.

    Returns:
        Places, the one to begin at among them, and the steps between them.
    """
    places, chosen = [begin], []
    for wanted in truth.unbind(1):
        chosen.append(model.nearest(places[-1], wanted))
        places.append(model.moved(places[-1], chosen[-1]))
    return torch.stack(places, 1), torch.stack(chosen, 1)


def fitted(sizes: UpperFaceConfig, clips: MotionClips) -> UpperFace:
    """An untrained model that knows which steps there are, and how far gestures and features stray."""
    model, places, steps = UpperFace(sizes), gestures(clips.weights.float()), all_steps(clips)
    generator = torch.Generator().manual_seed(0)
    for number, (group, book) in enumerate(zip(GROUPS, model.books, strict=True)):
        book.copy_(fit_book((places if number == GAZE else steps)[:, group], len(book), generator))
    spread = places.std(0)
    model.scale.copy_(spread.clamp(min=0.05 * float(spread.max())))
    model.speech_mean.copy_(clips.features.float().mean(0))
    model.speech_scale.copy_(clips.features.float().std(0).clamp(min=1e-3))
    return model


def fit_book(
    steps: Float[Tensor, "frame dimension"], count: int, generator: torch.Generator
) -> Float[Tensor, "choice dimension"]:
    """Standing still, and the middles of as many clusters of steps as there is room for (Lloyd 1982)."""
    few = steps[torch.multinomial(steps.norm(dim=1) + 1e-9, BOOK_STEPS, replacement=True, generator=generator)]
    middles = few[torch.randperm(len(few), generator=generator)[: count - 1]]
    for _ in range(ROUNDS):
        nearest = torch.cdist(few, middles).argmin(1)
        sums = torch.zeros_like(middles).index_add_(0, nearest, few)
        sizes = nearest.bincount(minlength=len(middles))[:, None]
        middles = torch.where(sizes > 0, sums / sizes.clamp(min=1), middles)
    return torch.cat([torch.zeros_like(middles[:1]), middles])


def all_steps(clips: MotionClips) -> Float[Tensor, "step gesture"]:
    """Steps from frame to frame within clips, and their mirror images."""
    weights = clips.weights.float()
    within = torch.ones(len(weights), dtype=torch.bool)
    within[clips.firsts] = False
    return torch.cat([gestures(side).diff(dim=0)[within[1:]] for side in (weights, weights[:, list(MIRRORED)])])
