"""Train hair: two small auto-decoders, for scalp and beard, on a set of procedural styles.

Run with `python -m facetalk.training.hair --data SET --head HEAD.safetensors --out FOLDER`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
import tyro
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from facetalk import checkpoint
from facetalk.data.hair.purpose import NEW_PERSON, TRAIN
from facetalk.errors import InputError
from facetalk.geometry import UNIT_MM
from facetalk.head import model as heads
from facetalk.head.hair import (
    BEARD,
    KIND,
    SCALP,
    HairConfig,
    HairField,
    HairFieldConfig,
    HairModel,
    HairSample,
    load,
    save,
)
from facetalk.training import hair_data, loop
from facetalk.training.averaging import Averaged, Rate, TrainedParts
from facetalk.training.hair_data import HairBatch, HairRows

MILLIMETRE = 1.0 / UNIT_MM
REACH = 25.0 * MILLIMETRE
"""Distances beyond are not told apart."""
NEAR = 4.0 * MILLIMETRE
COVERED = 5.0 * MILLIMETRE
"""Deeper in the head nothing of the hair is seen."""
HAIRY = 3.0 * MILLIMETRE
"""How much nearer than bald skin a point is where there is hair."""
FILE = "hair.safetensors"


@dataclass(frozen=True)
class HairRecipe:
    """How one kind of hair is trained."""

    rows: int = 8
    """Styles on people in a step."""
    points: int = 900
    near: float = 3.0
    """How much more a point at the surface counts."""
    hidden: float = 0.15
    """What a point deep in the head counts."""
    way: float = 0.3
    texture: float = 0.05
    code: float = 1e-3
    rate: Rate = field(default_factory=lambda: Rate(steps=9000))


@dataclass(frozen=True)
class HairTraining:
    """A whole training of hair."""

    data: Path
    """A set of `facetalk data hair`."""
    head: Path
    """The head that the hair is for."""
    out: Path
    """Receives hair.safetensors and the logs and states of both kinds."""
    scalp: HairRecipe = field(default_factory=HairRecipe)
    beard: HairRecipe = field(default_factory=lambda: HairRecipe(points=700, rate=Rate(steps=4000)))
    start: Path | None = None
    """Hair of an earlier head whose fields and codes a new run starts from; random ones otherwise."""
    minutes: float = float("inf")
    """Stop each kind after this many minutes, to go on in another call."""
    seed: int = 0


class HairTask:
    """Auto-decoder training of one kind of hair: the field, and a code for each style."""

    def __init__(self, kind: HairField, data: HairRows, recipe: HairRecipe) -> None:
        self.kind, self.data, self.recipe = kind, data, recipe
        self.codes = nn.Parameter(self._first_codes())
        trained = [*kind.network.parameters(), *kind.texture.parameters(), self.codes]
        self.parts = TrainedParts(trained, recipe.rate)
        self.averaged = Averaged(nn.ParameterList(trained))
        self.tested: dict[str, float] = {}

    def step(self, index: int, generator: torch.Generator) -> Mapping[str, float]:
        """One optimisation step on a few styles."""
        rows = self.data.rows(TRAIN)
        chosen = rows[torch.randperm(len(rows), generator=generator)[: self.recipe.rows]]
        terms = self._terms(self.data.batch(chosen, self.recipe.points, generator), self.data.style[chosen])
        self.parts.step(torch.stack(list(terms.values())).sum(), index)
        self.averaged.update(index)
        if index % 250 == 0:
            self.tested = tested(self.kind, self.codes, self.data)
        return {name: float(value.detach()) for name, value in terms.items()} | self.tested

    def state(self) -> dict[str, Tensor]:
        """Field, codes, averages and optimiser."""
        model = nn.ParameterList(self.parts.parameters)
        return {**self.averaged.state(model), **self.parts.state()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.averaged.restore(nn.ParameterList(self.parts.parameters), state)
        self.parts.restore(state)

    @torch.no_grad()
    def finish(self) -> None:
        """Give the field the averages, and the codes of the trained styles to their names."""
        for parameter, average in zip(self.parts.parameters, self.averaged.target, strict=True):
            parameter.copy_(average)
        trained = self.data.trained_variants
        codes = self.codes.unflatten(0, (len(self.data.names), self.data.variants))
        self.kind.codes.copy_(codes[:, :trained])

    @torch.no_grad()
    def _first_codes(self) -> Float[Tensor, "style code"]:
        """Random ones, but for trained styles of hair to go on from."""
        codes = 0.5 * torch.randn(len(self.data.names), self.data.variants, self.kind.config.code)
        known = self.kind.codes
        if known.any():
            codes[:, : known.shape[1]] = known
        return codes.flatten(0, 1)

    def _terms(self, batch: HairBatch, style: Tensor) -> dict[str, Tensor]:
        recipe, codes = self.recipe, self.codes[style]
        found = self.kind(self.kind.fold(codes), batch.points, batch.skin)
        logits = self.kind.texture(codes)
        return {
            "distance": distance_error(found.distance, batch, recipe),
            "way": recipe.way * way_error(found, batch),
            "texture": recipe.texture * binary_cross_entropy_with_logits(logits, self.data.textures[style]),
            "code": recipe.code * codes.square().mean(),
        }


def distance_error(found: Float[Tensor, "row point"], batch: HairBatch, recipe: HairRecipe) -> Float[Tensor, ""]:
    """Mean error in millimetres, within reach, most at the surface."""
    error = (found.clamp(-REACH, REACH) - batch.distance.clamp(-REACH, REACH)).abs() / MILLIMETRE
    weight = 1 + recipe.near * torch.exp(-((batch.distance / NEAR) ** 2))
    weight = torch.where(batch.skin < -COVERED, recipe.hidden, weight)
    return (weight * error).mean()


def way_error(found: HairSample, batch: HairBatch) -> Float[Tensor, ""]:
    """One minus the cosine between directions, near the surface of hair."""
    hairy = (batch.distance.abs() < 2 * NEAR) & (batch.skin - batch.distance > -HAIRY)
    return ((1 - (found.way * batch.way).sum(-1)) * hairy).sum() / hairy.sum().clamp_min(1)


@torch.no_grad()
def tested(kind: HairField, codes: Float[Tensor, "style code"], data: HairRows, points: int = 2000) -> dict[str, float]:
    """Errors near the surface of trained styles on held-out people: millimetres, and degrees of direction."""
    rows = data.rows(NEW_PERSON)[:16]
    if len(rows) == 0:
        return {}
    batch = data.batch(rows, points, torch.Generator().manual_seed(1))
    found = kind(kind.fold(codes[data.style[rows]]), batch.points, batch.skin)
    near = (batch.distance.abs() < 2 * NEAR) & (batch.skin > -COVERED)
    error = (found.distance - batch.distance).abs()[near].mean() / MILLIMETRE
    cosine = (found.way * batch.way).sum(-1)[near].clamp(-1, 1)
    return {"test_near_mm": float(error), "test_way_degrees": float(cosine.acos().rad2deg().mean())}


def train(config: HairTraining) -> Path:
    """Train what `config` asks for, going on where an earlier call stopped; returns the file of the hair.

    Raises:
        InputError: the set cannot be used.
        CheckpointError: the head cannot be read, or the folder holds another run.
    """
    torch.set_num_threads(1)
    head = heads.load(config.head)
    data = hair_data.read(config.data, head)
    model = started(config.seed, head.shape_hash, data, SCALP, BEARD)
    if config.start is not None:
        go_on(model, config.start)
    model.warp.mean.copy_(hair_data.mean_warp(head).mean)
    for name, kind, recipe in (("beard", model.beard, config.beard), ("scalp", model.scalp, config.scalp)):
        torch.manual_seed(config.seed)
        task = HairTask(kind, data[name], recipe)
        plan = loop.Plan(recipe.rate.steps, config.seed, minutes=config.minutes)
        loop.run(task, plan, config.out / name, {"head": head.shape_hash, "recipe": asdict(recipe)})
        task.finish()
    save(model, config.out / FILE)
    return config.out / FILE


def started(
    seed: int, shape_hash: str, data: Mapping[str, HairRows], scalp: HairFieldConfig, beard: HairFieldConfig
) -> HairModel:
    """Untrained hair for a set."""
    torch.manual_seed(seed)
    variants = data["scalp"].trained_variants
    return HairModel(HairConfig(shape_hash, data["scalp"].names, data["beard"].names, variants, scalp, beard))


def go_on(model: HairModel, start: Path) -> None:
    """Give untrained hair the weights and codes of an earlier head's.

    Raises:
        InputError: that has other styles or sizes.
        CheckpointError: the file holds no hair.
    """
    older = load(start, checkpoint.load(start, KIND).config["head"])
    if replace(older.config, head=model.config.head) != model.config:
        raise InputError(f"{start}: hair of other styles or sizes than the set's; train without --start")
    model.load_state_dict(older.state_dict())


if __name__ == "__main__":
    print(train(tyro.cli(HairTraining)))
