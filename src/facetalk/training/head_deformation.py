"""Second stage of a head: the deformation, from posed scans, against a trained identity network.

The deformation sees an identity by its anatomy and its code. Anatomies are the true ones, so this stage can start
while the identity network is still in training: `canonical` is read again whenever its file changes, and until there
is one codes are left out, as they are of scans in the mirror, which have none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from facetalk.geometry import UNIT_MM
from facetalk.head.anatomy import NUMBERS, Anatomy, unflatten
from facetalk.head.model import CODE_SPREAD, Head, load, save
from facetalk.training import head_losses as losses
from facetalk.training import rims
from facetalk.training.averaging import Averaged, Rate, TrainedParts
from facetalk.training.drawn_people import DrawnPeople, closed_error, parted_error, sealed_error, still_error
from facetalk.training.fine_points import FinePoints
from facetalk.training.head_data import HeadSet, PosedBatch
from facetalk.training.head_identity import by_part, set_means
from facetalk.training.head_sources import mapped_codes, telling
from facetalk.training.lids import about_eyes, on_lids
from facetalk.training.mirroring import reflected, reflected_anatomy, reflected_scans
from facetalk.training.pairing import before, paired

PARTS = ("deformation", "deformation_identity", "deformation_detail")
"""Modules of a head that this stage trains."""
LID_WEIGHT = 5.0
"""What a point of a lid counts, where one of plain skin counts 1."""


@dataclass(frozen=True)
class DeformationRecipe:
    """How the second stage is trained."""

    scans: int = 12
    """Scans in a step."""
    surface: int = 700
    points: int = 400
    checked: int = 150
    """Surface points of each scan that are also asked through the canonical field."""
    fine_points: int = 48
    """Surface points of lips, teeth and lids of each scan, and as many about either, half of these in the air."""
    fine: float = 3.0
    """Weight of the posed field there."""
    fine_carried: float = 0.6
    """Weight of where these surfaces are carried."""
    correspondence: float = 1.0
    posed: float = 0.5
    level: float = 0.02
    far: float = 0.02
    canonical_zero: float = 1.0
    closed: float = 1.0
    """Weight of air before the eyeballs of closed eyes, on people drawn from the source's prior."""
    sealed: float = 1.0
    """Weight of air between the sealed lips of such people."""
    parted: float = 1.0
    """Weight of air in the middle of their widely opened mouths."""
    still: float = 4.0
    """Weight of lids of such people that go with jaw and lips."""
    people: int = 4
    """How many of them in a step."""
    rims: float = 3.0
    """Weight of posed distances at lips and lids of a set of rims, if there is one."""
    rims_carried: float = 0.6
    """Weight of where they are carried."""
    rim_people: int = 16
    rim_points: int = 120
    """Points of each of them, in one expression."""
    residual: float = 0.05
    residual_share: float = 0.3
    """How often a scan is trained with its own residual code rather than with its rig code alone."""
    anatomy_noise_mm: float = 0.2
    """Spread added to true anatomies, since a predicted one is a little off."""
    code_noise: float = 0.1
    """Spread added to identity codes, in theirs over people: codes that are fitted are a little off too."""
    canonical_from: int = 500
    """First step that asks the canonical field."""
    rate: Rate = field(default_factory=Rate)


class DeformationTask:
    """Training of the deformation, its rig codes fixed and its canonical field given."""

    def __init__(
        self,
        head: Head,
        data: HeadSet,
        recipe: DeformationRecipe,
        canonical: Path,
        export: Path,
        rim_set: rims.RimSet | None = None,
    ) -> None:
        """`canonical` is the file of the first stage, `export` receives both stages together."""
        self.head, self.data, self.recipe, self.rims = head, data, recipe, rim_set
        self.canonical_file, self.export, self.seen = canonical, export, 0.0
        self.canonical: Head | None = None
        set_means(head, data)
        self.fine = FinePoints.of(data, data.scans, data.scans["identity"].long())
        self.train, self.test = telling(data, data.scans_of(data.train)), data.scans_of(data.test)
        self.residuals = nn.Parameter(torch.zeros(len(data.scans["identity"]), len(head.rest)))
        parts = (part for name in PARTS if (part := getattr(head, name)) is not None)
        trained = [parameter for part in parts for parameter in part.parameters()]
        self.parts = TrainedParts([*trained, self.residuals], recipe.rate)
        self.averaged = Averaged(head)
        self.tested: dict[str, float] = {}

    def step(self, index: int, generator: torch.Generator) -> Mapping[str, float]:
        """One optimisation step on a few scans."""
        if index % 100 == 0 or self.canonical is None:
            self._refresh()
        recipe = self.recipe
        chosen = self.train[torch.randint(len(self.train), (recipe.scans,), generator=generator)]
        batch = self.data.posed(chosen, recipe.surface, recipe.points, generator)
        fine = self.data.posed_at(chosen, *self.fine.drawn(chosen, recipe.fine_points, generator))
        terms = {**self._terms(batch, fine, index, generator), **self._rim_terms(generator)}
        self.parts.step(torch.stack(list(terms.values())).sum(), index)
        self.averaged.update(index)
        if index % 250 == 0:
            self.tested = evaluate(self.averaged.model, self.canonical, self.data, self.test)
        if index % 500 == 499:
            self._export()
        return {name: float(value.detach()) for name, value in terms.items()} | self.tested

    def state(self) -> dict[str, Tensor]:
        """Head, average, residual codes and optimiser."""
        return {**self.averaged.state(self.head), "residuals": self.residuals, **self.parts.state()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put back what `state` returned."""
        self.averaged.restore(self.head, state)
        self.residuals.data.copy_(state["residuals"])
        self.parts.restore(state)

    def joined(self) -> Head:
        """The first stage's head with this stage's averaged deformation."""
        whole = load(self.canonical_file)
        whole.config = replace(
            whole.config, **{name: getattr(self.head.config, name) for name in ("deformation", "detail")}
        )
        for name in PARTS:
            setattr(whole, name, getattr(self.averaged.model, name))
        return whole

    def _refresh(self) -> None:
        """Take in the first stage's latest weights."""
        if not self.canonical_file.exists():
            self.canonical = None
            return
        changed = self.canonical_file.stat().st_mtime
        if self.canonical is None or changed != self.seen:
            self.canonical, self.seen = load(self.canonical_file), changed

    def _export(self) -> None:
        if self.canonical is not None:
            save(self.joined(), self.export)

    def _terms(self, batch: PosedBatch, fine: PosedBatch, index: int, generator: torch.Generator) -> dict[str, Tensor]:
        recipe, head = self.recipe, self.head
        flip = torch.rand(recipe.scans, generator=generator) < 0.5
        batch, fine = reflected_scans(batch, flip), reflected_scans(fine, flip)
        anatomy = reflected_anatomy(self.data.anatomy_of(batch.identities), flip)
        noise = torch.randn(recipe.scans, NUMBERS, generator=generator)
        anatomy = unflatten(anatomy.flat() + recipe.anatomy_noise_mm / UNIT_MM * noise)
        used = (torch.rand(recipe.scans, 1, generator=generator) < recipe.residual_share) & ~flip[:, None]
        codes = head.rig(batch.weights) + used * self.residuals[batch.scans]
        z_id = self._codes_of(batch, flip, generator)
        folded = head.deformation.fold(head.condition(anatomy, z_id, codes))
        lids = on_lids(anatomy, batch.surface, batch.region)
        source, target = paired(batch, lids, generator)
        far = _anywhere(self.data, recipe.scans, 60, generator)
        ahead = before(fine, generator)
        about = torch.cat([ahead.source, fine.points], 1)
        places = [torch.cat([source, batch.points], 1), about, far]
        field = head.deformation(folded, anatomy, torch.cat(places, 1))
        field, near, away = field.split([each.shape[1] for each in places], 1)
        away = away[..., :3]
        offsets, level = field[..., :3], field[..., 3]
        surface = recipe.surface
        weight = torch.where(lids, LID_WEIGHT, losses.region_weights(batch.region))
        terms = {
            "correspondence": recipe.correspondence
            * losses.correspondence_error(source + offsets[:, :surface], target, weight),
            "level": recipe.level * losses.magnitude(level),
            "fine_carried": recipe.fine_carried
            * losses.correspondence_error(
                ahead.source + near[:, : ahead.source.shape[1], :3], ahead.target, torch.ones_like(ahead.out)
            ),
            "far": recipe.far * losses.magnitude(away),
            "zero": recipe.canonical_zero * self._zero_error(anatomy, z_id, batch),
            "residual": recipe.residual * losses.squared_norm(self.residuals[batch.scans]),
        }
        if self.canonical is not None and index >= recipe.canonical_from:
            asked = self._asked(batch, anatomy, lids, offsets, level, flip)
            terms["posed"] = recipe.posed * losses.posed_error(*asked)
            carried = canonical_field(self.canonical, self.data, batch, reflected(about + near[..., :3], flip))
            exact = torch.cat([ahead.out, fine.sdf], 1)
            terms["fine"] = recipe.fine * losses.posed_error(carried + near[..., 3], exact, torch.ones_like(exact))
            people, weights = DrawnPeople.draw(self.canonical, recipe.people, generator), batch.weights[: recipe.people]
            terms["closed"] = recipe.closed * closed_error(head, people, weights, generator)
            terms["still"] = recipe.still * still_error(head, people, weights, generator)
            terms["sealed"] = recipe.sealed * sealed_error(head, people, weights, generator)
            terms["parted"] = recipe.parted * parted_error(head, people, weights, generator)
        return terms

    def _rim_terms(self, generator: torch.Generator) -> dict[str, Tensor]:
        """Lips and lids of further people, weighted."""
        if self.rims is None or self.canonical is None:
            return {}
        recipe = self.recipe
        some = self.rims.posed(recipe.rim_people, recipe.rim_points, generator)
        noise = rims.Noise(recipe.anatomy_noise_mm / UNIT_MM, recipe.code_noise * CODE_SPREAD)
        found = rims.posed_error(self.head, self.canonical, self.rims, some, generator, noise)
        weight = {"rims": recipe.rims, "rims_carried": recipe.rims_carried}
        return {name: weight[name] * error for name, error in found.items()}

    def _codes_of(
        self, batch: PosedBatch, flip: Bool[Tensor, " scan"], generator: torch.Generator
    ) -> Float[Tensor, "scan code"]:
        """Identity codes of scans, a little off; none of scans in the mirror or where no code is known yet."""
        if self.canonical is None:
            return torch.zeros(len(flip), self.head.config.layout.size)
        z_id = mapped_codes(self.canonical, self.data, batch.identities)
        noise = self.recipe.code_noise * CODE_SPREAD * torch.randn(z_id.shape, generator=generator)
        return (z_id + noise) * ~flip[:, None]

    def _zero_error(self, anatomy: Anatomy, z_id: Float[Tensor, "scan code"], batch: PosedBatch) -> Tensor:
        """The zero code is the canonical pose: nothing moves. The level may mend what the canonical field misses."""
        rows = slice(0, 2)
        few = anatomy.rows(rows)
        codes = torch.zeros(2, len(self.head.rest))
        folded = self.head.deformation.fold(self.head.condition(few, z_id[rows], codes))
        return losses.magnitude(self.head.deformation(folded, few, batch.target[rows])[..., :3])

    def _asked(
        self,
        batch: PosedBatch,
        anatomy: Anatomy,
        lids: Bool[Tensor, "scan sample"],
        offsets: Float[Tensor, "scan point 3"],
        level: Float[Tensor, "scan point"],
        flip: Bool[Tensor, " scan"],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Predicted and exact posed distances, on the volume points and on some surface points, with weights."""
        assert self.canonical is not None
        checked, surface = self.recipe.checked, self.recipe.surface
        at = slice(surface - checked, None)
        points = torch.cat([batch.surface[:, surface - checked :], batch.points], 1) + offsets[:, at]
        predicted = canonical_field(self.canonical, self.data, batch, reflected(points, flip)) + level[:, at]
        exact = torch.cat([torch.zeros(len(flip), checked), batch.sdf], 1)
        weight = torch.where(lids, LID_WEIGHT, losses.region_weights(batch.region))[:, surface - checked :]
        around = torch.where(about_eyes(anatomy, batch.points), LID_WEIGHT, 1.0)
        return predicted, exact, torch.cat([weight, around], 1)


def canonical_field(
    head: Head, data: HeadSet, batch: PosedBatch, points: Float[Tensor, "scan point 3"]
) -> Float[Tensor, "scan point"]:
    """Canonical distances of each scan's identity; gradients flow to the points alone."""
    z_id = mapped_codes(head, data, batch.identities)
    return head.ensemble(head.anatomies(z_id), head.fold(z_id), points)


def _anywhere(data: HeadSet, scans: int, points: int, generator: torch.Generator) -> Float[Tensor, "scan point 3"]:
    return data.lower + data.size * torch.rand(scans, points, 3, generator=generator)


@torch.no_grad()
def evaluate(head: Head, canonical: Head | None, data: HeadSet, scans: Tensor, most: int = 40) -> dict[str, float]:
    """Errors on held-out identities with rig codes: correspondence and posed distance, in millimetres."""
    generator = torch.Generator().manual_seed(1)
    chosen = scans[torch.linspace(0, len(scans) - 1, min(most, len(scans))).long()]
    batch = data.posed(chosen, 400, 400, generator)
    anatomy = data.anatomy_of(batch.identities)
    z_id = mapped_codes(canonical or head, data, batch.identities)
    folded = head.deformation.fold(head.condition(anatomy, z_id, head.rig(batch.weights)))
    points = torch.cat([batch.surface, batch.points], 1)
    field = head.deformation(folded, anatomy, points)
    missed = (batch.surface + field[:, :400, :3] - batch.target).norm(dim=-1) / losses.NEAR
    figures = {"test_carried_mm": float(missed.mean()), **by_part("test_carried", missed, batch.region)}
    if canonical is None:
        return figures
    predicted = canonical_field(canonical, data, batch, points + field[..., :3]) + field[..., 3]
    surface, space = predicted.split(400, 1)
    near = batch.sdf.abs() < 2.5 * losses.NEAR
    return {
        **figures,
        "test_posed_near_mm": float((space - batch.sdf)[near].abs().mean() / losses.NEAR),
        **by_part("test_posed", surface.abs() / losses.NEAR, batch.region),
    }
