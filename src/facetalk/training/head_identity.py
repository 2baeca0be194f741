"""First stage of a head: identity network, anatomy, code map and regions, from canonical samples."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from facetalk.head.model import CODE_SPREAD, Head, save
from facetalk.training import head_losses as losses
from facetalk.training import rims
from facetalk.training.averaging import Averaged, Rate, TrainedParts
from facetalk.training.fine_points import FinePoints
from facetalk.training.head_data import CanonicalBatch, HeadSet
from facetalk.training.head_sources import learn_sources, mapped_codes
from facetalk.training.lids import about_eyes, on_lids
from facetalk.training.septum import wall_error


@dataclass(frozen=True)
class IdentityRecipe:
    """How the first stage is trained."""

    identities: int = 8
    """Heads in a step."""
    points: int = 900
    """Points in space of each head."""
    surface: int = 350
    """Surface points of each head, each with a second point beside it."""
    step_mm: float = 0.7
    """Spread of the second points."""
    in_space: float = 4.0
    on_surface: float = 0.5
    slope: float = 2.0
    anatomy: float = 7.5
    regions: float = 0.5
    lids: float = 5.0
    """What points on the lids count, and signs on the wrong side about them, where plain skin counts 1."""
    fine: float = 0.0
    """Weight of points on and about lips and lids, to go on with: 2 brings back edges of lids that are worn away."""
    fine_points: int = 48
    """Surface points of lips, teeth and lids of each head, and as many about either, half of these in the air."""
    wall: float = 0.0
    """Weight of flesh between the nostrils of people drawn from the source's prior; for heads of ICT-FaceKit, 1."""
    people: int = 4
    """How many of them in a step."""
    walled: int = 60
    """Points between the nostrils of each."""
    rims: float = 1.0
    """Weight of lips and lids of a set of rims, if there is one, and of the anatomies of its people."""
    rim_people: int = 16
    rim_points: int = 120
    """Points of each of them."""
    residual: float = 0.01
    residual_share: float = 0.5
    """How often an identity is trained with its own residual code rather than with the mapped one alone."""
    rate: Rate = field(default_factory=Rate)


class IdentityTask:
    """Auto-decoder training of the canonical pose."""

    def __init__(
        self,
        head: Head,
        data: HeadSet,
        recipe: IdentityRecipe,
        export: Path | None = None,
        rim_set: rims.RimSet | None = None,
    ) -> None:
        self.head, self.data, self.recipe, self.export, self.rims = head, data, recipe, export, rim_set
        set_means(head, data)
        learn_sources(head, data)
        self.fine = FinePoints.of(data, data.fields, torch.arange(len(data.weights))) if recipe.fine else None
        self.residuals = nn.Parameter(torch.zeros(len(data.weights), head.config.layout.size))
        parts = [head.anatomy, head.ensemble, head.region_identity, head.region_field]
        trained = [
            head.source,
            *head.sources.values(),
            *(parameter for part in parts for parameter in part.parameters()),
            self.residuals,
        ]
        self.parts = TrainedParts(trained, recipe.rate)
        self.averaged = Averaged(head)
        self.tested: dict[str, float] = {}

    def step(self, index: int, generator: torch.Generator) -> Mapping[str, float]:
        """One optimisation step on a few heads."""
        chosen = self.data.train[torch.randperm(len(self.data.train), generator=generator)[: self.recipe.identities]]
        batch = self.data.canonical(chosen, self.recipe.points, self.recipe.surface, generator)
        terms = {**self._terms(batch, generator), **self._rim_terms(generator)}
        self.parts.step(torch.stack(list(terms.values())).sum(), index)
        self.averaged.update(index)
        if index % 250 == 0:
            self.tested = evaluate(self.averaged.model, self.data)
        if self.export and index % 500 == 499:
            save(self.averaged.model, self.export)
        return {name: float(value.detach()) for name, value in terms.items()} | self.tested

    def state(self) -> dict[str, Tensor]:
        """Head, average, residual codes and optimiser."""
        return {**self.averaged.state(self.head), "residuals": self.residuals, **self.parts.state()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.averaged.restore(self.head, state)
        self.residuals.data.copy_(state["residuals"])
        self.parts.restore(state)

    def _codes(
        self, identities: Int[Tensor, " identity"], generator: torch.Generator
    ) -> Float[Tensor, "identity code"]:
        used = torch.rand(len(identities), 1, generator=generator) < self.recipe.residual_share
        mapped = mapped_codes(self.head, self.data, identities)
        return mapped + CODE_SPREAD * used * self.residuals[identities]

    def _terms(self, batch: CanonicalBatch, generator: torch.Generator) -> dict[str, Tensor]:
        recipe, head = self.recipe, self.head
        z_id = self._codes(batch.identities, generator)
        anatomy = head.anatomies(z_id)
        step = recipe.step_mm * losses.NEAR * torch.randn(batch.surface.shape, generator=generator)
        points = torch.cat([batch.points, batch.surface, batch.surface + step], 1)
        predicted = head.ensemble(anatomy.detach(), head.fold(z_id), points)
        space, surface, beside = predicted.split([recipe.points, recipe.surface, recipe.surface], 1)
        logits = region_logits(head, z_id.detach(), batch.surface + 0.5 * step)
        true = self.data.anatomy_of(batch.identities)
        lids = on_lids(true, batch.surface, batch.region)
        wrong = about_eyes(true, batch.points) & (space.detach() * batch.sdf < 0)
        weight = torch.where(lids, recipe.lids, losses.region_weights(batch.region))
        walls = {"wall": recipe.wall * wall_error(head, recipe.people, recipe.walled, generator)} if recipe.wall else {}
        fine = {"fine": recipe.fine * self._fine_error(self.fine, z_id, batch, generator)} if self.fine else {}
        return {
            **walls,
            **fine,
            "field": recipe.in_space * losses.field_error(space, batch.sdf, torch.where(wrong, recipe.lids, 1.0)),
            "surface": recipe.on_surface * losses.surface_error(surface, weight),
            "slope": recipe.slope
            * losses.slope_error(surface, beside, step, batch.normal, torch.where(lids, recipe.lids, 1.0)),
            "anatomy": recipe.anatomy * self._anatomy_error(anatomy, batch.identities),
            "regions": recipe.regions * losses.region_error(logits, batch.region),
            "residual": recipe.residual * losses.squared_norm(CODE_SPREAD * self.residuals[batch.identities]),
        }

    def _rim_terms(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Lips and lids of further people, and their anatomies, weighted."""
        if self.rims is None:
            return {}
        recipe = self.recipe
        some = self.rims.canonical(recipe.rim_people, recipe.rim_points, generator)
        found = rims.canonical_error(self.head, self.rims, some, generator)
        weight = {"rims": recipe.rims, "rims_anatomy": recipe.rims * recipe.anatomy}
        return {name: weight[name] * error for name, error in found.items()}

    def _fine_error(
        self, fine: FinePoints, z_id: Float[Tensor, "identity code"], batch: CanonicalBatch, generator: torch.Generator
    ) -> Tensor:
        """The field on and about lips and lids."""
        columns = fine.drawn(batch.identities, self.recipe.fine_points, generator)
        near, head = self.data.canonical_at(batch.identities, *columns), self.head
        anatomy, points = head.anatomies(z_id).detach(), torch.cat([near.surface, near.points], 1)
        exact = torch.cat([torch.zeros(near.surface.shape[:2]), near.sdf], 1)
        return losses.posed_error(head.ensemble(anatomy, head.fold(z_id), points), exact, torch.ones_like(exact))

    def _anatomy_error(self, anatomy, identities: Int[Tensor, " identity"]) -> Tensor:
        deviations = self.head.anatomy.deviations
        return losses.anatomy_error(deviations(anatomy), deviations(self.data.anatomy_of(identities)))


def set_means(head: Head, data: HeadSet) -> None:
    """Give a new head the mean anatomy of the training identities and windows that fit it.

    A head to go on from keeps its own: they are where its networks count from, and no longer an average once people of
    another source are learnt.
    """
    if head.anatomy.mean.any():
        return
    mean = data.anatomy_of(data.train).flat().mean(0)
    head.anatomy.mean.copy_(mean)
    head.ensemble.fit_windows(data.anatomy_of(data.train).anchors.mean(0))


def region_logits(
    head: Head, z_id: Float[Tensor, "identity code"], points: Float[Tensor, "identity point 3"]
) -> Float[Tensor, "identity point region"]:
    """Unnormalised region scores of several identities."""
    anatomy = head.anatomies(z_id).detach()
    folded = head.region_field.fold(head.region_identity(head.anatomy.deviations(anatomy)))
    return head.region_field(folded, anatomy, points)


def evaluate(head: Head, data: HeadSet, points: int = 1200) -> dict[str, float]:
    """Errors on held-out identities with mapped codes: millimetres near the surface and on parts, share of regions.

    Figures are of the people of the set's first source; those of further sources have the source's name before them.
    """
    figures = {}
    for number, name in enumerate(data.sources):
        people = data.test[data.source[data.test] == number]
        if len(people):
            found = _figures(head, data, people, points)
            figures |= {key if number == 0 else f"{name}_{key}": value for key, value in found.items()}
    return figures


@torch.no_grad()
def _figures(head: Head, data: HeadSet, people: Int[Tensor, " some"], points: int) -> dict[str, float]:
    generator = torch.Generator().manual_seed(1)
    batch = data.canonical(people, points, points, generator)
    z_id = mapped_codes(head, data, people)
    anatomy = head.anatomies(z_id)
    everything = torch.cat([batch.points, batch.surface], 1)
    space, surface = head.ensemble(anatomy, head.fold(z_id), everything).split(points, 1)
    near = batch.sdf.abs() < 2.5 * losses.NEAR
    right = region_logits(head, z_id, batch.surface).argmax(-1) == batch.region
    true = data.anatomy_of(people)
    lids = on_lids(true, batch.surface, batch.region)
    about = about_eyes(true, batch.points)
    anchors = (anatomy.anchors - true.anchors).norm(dim=-1)
    return {
        "test_near_mm": float((space - batch.sdf)[near].abs().mean() / losses.NEAR),
        "test_far_mm": float((space - batch.sdf)[~near].abs().mean() / losses.NEAR),
        "test_anchor_mm": float(anchors.mean() / losses.NEAR),
        "test_region": float(right.float().mean()),
        "test_surface_lids_mm": float(surface[lids].abs().mean() / losses.NEAR),
        "test_wrong_about_eyes": float((space * batch.sdf < 0)[about].float().mean()),
        **by_part("test_surface", surface.abs() / losses.NEAR, batch.region),
    }


def by_part(name: str, values: Float[Tensor, "row point"], region: Tensor) -> dict[str, float]:
    """Means over skin, lips, eyes and teeth."""
    parts = {"skin": (0,), "lips": (1,), "eyes": (2, 3, 4), "teeth": (5,), "mouth": (6,)}
    chosen = {part: torch.isin(region.long(), torch.tensor(numbers)) for part, numbers in parts.items()}
    return {f"{name}_{part}_mm": float(values[mask].mean()) for part, mask in chosen.items() if mask.any()}
