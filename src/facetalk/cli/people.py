"""`facetalk head sample / mix / gallery`: new people, people between two others, and a sheet of them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

import facetalk
from facetalk.cli.command import Out, ReportingJob, progress
from facetalk.cli.people_options import Sliders, Told
from facetalk.errors import InputError
from facetalk.export import person as people_files
from facetalk.export.place import check_place
from facetalk.head.model import Head
from facetalk.pipeline.gallery import angles
from facetalk.pipeline.identity import Identity
from facetalk.pipeline.people import FIRST_SEED, SPREAD, Casting, Wear, between, cast
from facetalk.pipeline.presenter import View
from facetalk.pipeline.roads import Surface
from facetalk.pipeline.talker import Talker
from facetalk.render.camera import PRESETS
from facetalk.render.sheet import write_picture

MOST_PEOPLE = 1000


@dataclass(frozen=True, kw_only=True)
class Sample(ReportingJob):
    """Make new people; animate --identity speaks with their files.

    Examples:
      facetalk head sample --seed 7 -o head.npz
      facetalk head sample --seed 7 --nose-length 1.5 --lip-fullness -1 --skin tan --hair grey -o head.npz
      facetalk head sample --seed 7 --age 70 --sex male --build heavy -o head.npz
      facetalk head sample --like ada --amount 1 --age 65 -o older.npz
      facetalk head sample --count 5 --like ada --amount 0.8 -o cousins.npz
    """

    out: Out
    """An .npz; several people get numbered files."""
    overwrite: bool = False
    """Replace what is there already."""
    seed: int = 0
    """Same seed, same person; several people have the seeds that follow."""
    count: int = 1
    """How many people."""
    spread: float = SPREAD
    """How far from the mean: 0 is the mean, 1 as far as the people the head was trained on."""
    like: str | None = None
    """Somebody to take after: a name, seed:N, or an .npz file."""
    amount: float = 0.7
    """How much they take after --like: 0 strangers, 1 the same."""
    told: Told = field(default_factory=Told)
    sliders: Sliders = field(default_factory=Sliders)
    wear: Wear = field(default_factory=Wear)
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""
    device: str = "auto"
    """auto, cpu, cuda …"""

    def run_job(self) -> None:
        """Draw and write."""
        seeds = counted(self.seed, self.count)
        files = numbered(self.out, len(seeds), overwrite=self.overwrite)
        talker = facetalk.load(self.weights, device=self.device)
        like = talker.identity(self.like) if self.like else None
        character, source = self.told.character(), self.told.source
        casting = Casting(self.spread, like, self.amount, self.sliders.amounts(), character, source, self.wear)
        people = cast(compact(talker), casting, seeds)
        write_all(people, compact(talker), files)
        found = {"people": [{"file": str(path), "seed": seed} for path, seed in zip(files, seeds, strict=True)]}
        self.report(found, [str(path) for path in files])


@dataclass(frozen=True, kw_only=True)
class Mix(ReportingJob):
    """Make people between two others, both included.

    Examples:
      facetalk head mix ada ben --steps 5 -o between/
      facetalk head mix seed:3 head.npz -o mix.npz
      facetalk head mix ada cleo --steps 6 -o strip.png
    """

    first: Positional[str]
    """A name, seed:N, or an .npz file."""
    second: Positional[str]
    out: Out
    """A folder for an .npz of each, one .npz for the middle alone, or a .png or .jpg with all side by side."""
    overwrite: bool = False
    """Replace what is there already."""
    steps: int = 5
    """How many people, the two included; a single .npz is always the middle."""
    view: View = field(default_factory=lambda: View(size=256))
    surface: Surface = field(default_factory=Surface)
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""
    device: str = "auto"
    """auto, cpu, cuda …"""

    def run_job(self) -> None:
        """Mix and write."""
        check_place(self.out, overwrite=self.overwrite)
        suffix = self.out.suffix.lower()
        if suffix not in ("", ".npz", ".png", ".jpg", ".jpeg"):
            raise InputError(f"{self.out}: cannot write {suffix!r}; use a folder/, .npz, .png or .jpg")
        talker = facetalk.load(self.weights, device=self.device)
        ends = talker.identity(self.first), talker.identity(self.second)
        people = between(*ends, 3)[1:2] if suffix == ".npz" else between(*ends, self.steps)
        files = self._write(talker, people)
        self.report({"files": [str(path) for path in files]}, [str(path) for path in files])

    def _write(self, talker: Talker, people: list[Identity]) -> list[Path]:
        head = compact(talker)
        if self.out.suffix.lower() in (".png", ".jpg", ".jpeg"):
            with progress("people") as watch:
                sheet = angles(head, people, (self.view.camera,), self.view, self.surface, watch)
            write_picture(sheet, self.out)
            return [self.out]
        names = [f"{number:02d}.npz" for number in range(len(people))]
        files = [self.out] if self.out.suffix else [self.out / name for name in names]
        write_all(people, head, files)
        return files


@dataclass(frozen=True, kw_only=True)
class Gallery(ReportingJob):
    """Draw new people from several angles on one sheet.

    Examples:
      facetalk head gallery
      facetalk head gallery -o heads.png --count 6 --seed 40 --views front side
      facetalk head gallery -o old.png --source anny --age 75
    """

    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("heads.png")
    """A .png or .jpg."""
    overwrite: bool = False
    """Replace what is there already."""
    count: int = 12
    """How many people."""
    seed: int = FIRST_SEED
    """Of the first; the others follow."""
    spread: float = SPREAD
    """How far from the mean: 0 is the mean, 1 as far as the people the head was trained on."""
    views: tuple[str, ...] = ("front", "three-quarter", "side")
    """Cameras; see facetalk animate --help."""
    told: Told = field(default_factory=Told)
    sliders: Sliders = field(default_factory=Sliders)
    wear: Wear = field(default_factory=Wear)
    view: View = field(default_factory=lambda: View(size=256))
    surface: Surface = field(default_factory=Surface)
    weights: Path | None = None
    """A folder with head.safetensors instead of the bundled one."""
    device: str = "auto"
    """auto, cpu, cuda …"""

    def run_job(self) -> None:
        """Draw the sheet."""
        check_place(self.out, overwrite=self.overwrite)
        unknown = [name for name in self.views if name not in PRESETS]
        if unknown or not self.views:
            raise InputError(f"--views {' '.join(unknown) or 'is empty'}; choose from {', '.join(PRESETS)}")
        seeds = counted(self.seed, self.count)
        head = compact(facetalk.load(self.weights, device=self.device))
        character, source = self.told.character(), self.told.source
        casting = Casting(self.spread, None, 0.0, self.sliders.amounts(), character, source, self.wear)
        people = cast(head, casting, seeds)
        with progress("people") as watch:
            write_picture(angles(head, people, self.views, self.view, self.surface, watch), self.out)
        self.report({"sheet": str(self.out), "seeds": list(seeds)}, [str(self.out)])


def compact(talker: Talker) -> Head:
    """The talker's head.

    Raises:
        InputError: it is an imported one, which comes without a prior of this kind.
    """
    head = talker.weights.head
    if not isinstance(head, Head):
        raise InputError("an imported head has no prior over people; use the bundled head, or one you trained")
    return head


def counted(seed: int, count: int) -> range:
    """The seeds of some people.

    Raises:
        InputError: there are none or too many, or the seed is negative.
    """
    if not 1 <= count <= MOST_PEOPLE:
        raise InputError(f"--count {count} is out of range; use 1 to {MOST_PEOPLE}")
    if seed < 0:
        raise InputError(f"--seed {seed} is negative; use 0 or more")
    return range(seed, seed + count)


def numbered(out: Path, count: int, *, overwrite: bool) -> list[Path]:
    """One file for each person, none of them in the way of others.

    Raises:
        InputError: the suffix is not .npz, or a place cannot be written.
    """
    if out.suffix.lower() != ".npz":
        raise InputError(f"{out}: cannot write {out.suffix!r}; use .npz")
    width = len(str(count))
    names = [out.with_name(f"{out.stem}-{number:0{width}d}.npz") for number in range(1, count + 1)]
    files = names if count > 1 else [out]
    for path in files:
        check_place(path, overwrite=overwrite)
    return files


def write_all(people: list[Identity], head: Head, files: list[Path]) -> None:
    """One file a person."""
    for person, path in zip(people, files, strict=True):
        people_files.write(person, head, path)
