"""The training set of hair: styles and beards on many people, sampled about their surface, packed small.

Layout: `meta.json`, `people.safetensors`, `scalp.safetensors`, `beard.safetensors`. A row of the last two is one style
on one person; positions are 16-bit fractions of the box, distances fp16 millimetres, directions int8.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from rich.progress import track
from safetensors.numpy import save_file

from facetalk.data import ict
from facetalk.data.hair.guides import grown
from facetalk.data.hair.places import Places, scattered, skin_faces
from facetalk.data.hair.purpose import NEW_PERSON, NEW_STYLE, TRAIN
from facetalk.data.hair.skull import CELL_MM, Skull, nodes
from facetalk.data.hair.styles import BEARDS, STYLES, Beard, Style, varied, varied_beard
from facetalk.data.hair.volume import FacialHair, Growth, Hair
from facetalk.data.head_sampling import quantise, quantise_directions
from facetalk.data.posing import SourceHead, Topology
from facetalk.geometry import UNIT_MM

COARSE = 2
"""Every second node is looked at to find the surface."""
BAND_MM = 13.0
JITTER_MM = 6.0
STEP_MM = 0.7
BEARD_DEPTH_MM, BEARD_HEIGHT_MM = -75.0, 45.0
"""Beards lie before and below these."""
ROOTS = 20_000

Grow = Callable[[Float[np.ndarray, "point 3"]], Growth]


@dataclass(frozen=True, kw_only=True)
class HairSetConfig:
    """How much hair on how many people."""

    ict: Path
    """Root of an ICT-FaceKit checkout."""
    out: Path
    people: int = 14
    held_out_people: int = 3
    variants: int = 6
    """Styles of each named one, the named one itself first."""
    held_out_styles: int = 1
    """The last variants of each, for testing."""
    wearers: int = 2
    """People on whom each style is seen."""
    near: int = 12_000
    surface: int = 6_000
    space: int = 4_000
    """Points of each row: near the surface, on it, and anywhere."""
    seed: int = 0
    workers: int = 2


@dataclass(frozen=True)
class Row:
    """One style on one person."""

    person: int
    style: int
    kind: int


class Barber:
    """Makes rows of the set, person by person: a skull takes longest."""

    def __init__(self, config: HairSetConfig) -> None:
        self.config, source = config, ict.read(config.ict)
        self.topology = Topology(source)
        self.places = Places(SourceHead(self.topology, source.mean_person))

    def weights(self, person: int) -> Float[np.ndarray, " mode"]:
        """Identity weights of a person."""
        return drawn(self.config, person)

    def skull(self, person: int) -> tuple[Skull, Float[np.ndarray, "root 3"]]:
        """A person's head, and points of the skin where hair may grow."""
        head = SourceHead(self.topology, self.weights(person))
        random = np.random.default_rng([self.config.seed, 8, person])
        roots = scattered(UNIT_MM * head.canonical.vertices, skin_faces(head.source), ROOTS, random)
        return Skull.of(head, self.places), roots

    def person(self, number: int, rows: list[tuple[str, Row]]) -> list[dict[str, np.ndarray]]:
        """All rows of one person, sampled."""
        skull, roots = self.skull(number)
        return [self._row(kind, row, skull, roots) for kind, row in rows]

    def _row(self, kind: str, row: Row, skull: Skull, roots: Float[np.ndarray, "root 3"]) -> dict[str, np.ndarray]:
        where = nodes(COARSE)
        if kind == "beard":
            where = where[(where[:, 2] > BEARD_DEPTH_MM) & (where[:, 1] < BEARD_HEIGHT_MM)]
        random = np.random.default_rng([self.config.seed, 9, row.person, row.style])
        return sampled(grower(kind, row, self.config, skull, roots), skull, where, self.config, random)


def grower(kind: str, row: Row, config: HairSetConfig, skull: Skull, roots: Float[np.ndarray, "root 3"]) -> Grow:
    """The hair of one row, on that person's head."""
    if kind == "beard":
        return FacialHair(beards(config)[row.style], skull)
    style = scalp_styles(config)[row.style]
    return Hair(style, skull, grown(style, skull, roots, np.random.default_rng(row.style)))


def drawn(config: HairSetConfig, person: int) -> Float[np.ndarray, " mode"]:
    """Identity weights of a person."""
    return ict.draw_person(np.random.default_rng([config.seed, 7, person]))


def scalp_styles(config: HairSetConfig) -> list[Style]:
    """Every style of the set: variants of the first named one, of the second, and so on."""
    return [
        style if variant == 0 else varied(style, np.random.default_rng([config.seed, 10, number, variant]))
        for number, style in enumerate(STYLES.values())
        for variant in range(config.variants)
    ]


def beards(config: HairSetConfig) -> list[Beard]:
    """Every beard of the set, likewise."""
    return [
        beard if variant == 0 else varied_beard(beard, np.random.default_rng([config.seed, 11, number, variant]))
        for number, beard in enumerate(BEARDS.values())
        for variant in range(config.variants)
    ]


def sampled(
    grow: Grow, skull: Skull, where: np.ndarray, config: HairSetConfig, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Points near the surface of the hair, on it and anywhere, with what hair is there."""
    around = where[np.abs(grow(where).distance) < BAND_MM]

    def about(count: int) -> np.ndarray:
        return around[random.integers(len(around), size=count)] + random.uniform(-JITTER_MM, JITTER_MM, (count, 3))

    space = where[random.integers(len(where), size=config.space)] + random.uniform(-1, 1, (config.space, 3)) * CELL_MM
    points = np.concatenate([about(config.near), _landed(grow, about(config.surface)), space])
    growth = grow(points)
    return {
        "points": quantise(points / UNIT_MM),
        "distance": growth.distance.astype(np.float16),
        "way": quantise_directions(growth.way),
        "skin": skull.to_skin(points).astype(np.float16),
    }


def _landed(grow: Grow, points: np.ndarray) -> np.ndarray:
    """Points moved towards the surface by a step of Newton's method."""
    here = grow(points).distance
    rise = np.stack([grow(points + STEP_MM * side).distance - here for side in np.eye(3)], 1) / STEP_MM
    length = np.maximum((rise**2).sum(1), 0.25)
    return points - np.clip(here / length, -2 * JITTER_MM, 2 * JITTER_MM)[:, None] * rise


def plan(config: HairSetConfig, styles: int) -> Iterator[Row]:
    """Who wears what."""
    random = np.random.default_rng([config.seed, 12, styles])
    trained = config.people - config.held_out_people
    for style in range(styles):
        held_out = style % config.variants >= config.variants - config.held_out_styles
        if held_out:
            yield Row(int(random.integers(trained)), style, NEW_STYLE)
            continue
        for person in random.choice(trained, min(config.wearers, trained), replace=False):
            yield Row(int(person), style, TRAIN)
    kept = [style for style in range(styles) if style % config.variants < config.variants - config.held_out_styles]
    for number, style in enumerate(kept[:: max(1, config.variants // 2)]):
        yield Row(trained + number % max(config.held_out_people, 1), style, NEW_PERSON)


_barber: Barber | None = None


def _prepare(config: HairSetConfig) -> None:
    global _barber
    _barber = Barber(config)


def _work(task: tuple[int, list[tuple[str, Row]]]) -> list[dict[str, np.ndarray]]:
    assert _barber is not None
    return _barber.person(*task)


def write(config: HairSetConfig) -> None:
    """Make the whole set.

    Raises:
        InputError: the source cannot be read.
    """
    config.out.mkdir(parents=True, exist_ok=True)
    kinds = {"scalp": scalp_styles(config), "beard": beards(config)}
    rows = [(kind, row) for kind, styles in kinds.items() for row in plan(config, len(styles))]
    tasks = [(person, [(k, r) for k, r in rows if r.person == person]) for person in range(config.people)]
    tasks = [task for task in tasks if task[1]]
    made: dict[str, list[tuple[Row, dict]]] = {kind: [] for kind in kinds}
    with ProcessPoolExecutor(config.workers, initializer=_prepare, initargs=(config,)) as pool:
        for (_, asked), results in track(
            zip(tasks, pool.map(_work, tasks), strict=True), total=len(tasks), description="hair"
        ):
            for (kind, row), arrays in zip(asked, results, strict=True):
                made[kind].append((row, arrays))
    for kind, found in made.items():
        save_file(_packed(found, kinds[kind]), config.out / f"{kind}.safetensors")
    people = np.stack([drawn(config, person) for person in range(config.people)])
    save_file({"weights": people.astype(np.float32)}, config.out / "people.safetensors")
    names = {"scalp": list(STYLES), "beard": list(BEARDS)}
    (config.out / "meta.json").write_text(
        json.dumps({"names": names, "variants": config.variants, "seed": config.seed})
    )


def _packed(found: list[tuple[Row, dict]], styles: list) -> dict[str, np.ndarray]:
    arrays = {name: np.stack([made[name] for _, made in found]) for name in found[0][1]}
    rows = np.array([[row.person, row.style, row.kind] for row, _ in found])
    textures = np.array([astuple(style.texture) for style in styles], np.float32)
    return {**arrays, "rows": rows, "textures": textures}
